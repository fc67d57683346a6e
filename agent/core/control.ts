/** Control records: references, planned windows, deployments, and what sources say of themselves. */
import { bucketsBetween, relearn } from './baseline.ts';
import { SOURCES_MAX, watermarkOf } from './clock.ts';
import { CodecError } from './codec.ts';
import { commonManifest, declaredOf } from './declared.ts';
import type {
  BaselineEvent,
  DeploymentEvent,
  MaintenanceEvent,
  ManifestEvent,
  SourceEvent,
} from './decode/event.ts';
import { acceptDifferences, manifest } from './detect/manifest.ts';
import type { FoldContext } from './fold-context.ts';
import { type Decision, hash } from './incident.ts';
import { bindReference, learnedId } from './learning.ts';
import { endIncident } from './lifecycle.ts';
import { MANIFEST_CHARS_MAX, manifestText } from './manifests.ts';
import { checkpointOf, count, type Model } from './model.ts';
import { addReference, importReference, type Reference } from './reference.ts';
import { stopIfAllGone, streamFor } from './serving.ts';
import { detectorState, type Stream, streamId } from './stream.ts';
import { noteCheckpoint, noteTrained } from './trained.ts';

const NO_BUCKETS: ReadonlySet<string> = new Set();
const DEPLOYMENTS_MAX = 32;
const MANIFESTS_MAX = 8;
/** A source that declared something and sent nothing for a day is not coming any more. */
const DECLARED_MS = 86_400_000;
const SOURCE_FACTS_MAX = 4_096;

export function foldDeployment(model: Model, event: DeploymentEvent): void {
  model.deployments.unshift({
    timeMs: event.timeMs,
    version: event.version,
    previousVersion: event.previous_version ?? null,
    checkpoint: event.checkpoint ?? null,
    change: event.change ?? null,
  });
  model.deployments.sort((a, b) => b.timeMs - a.timeMs || (a.version < b.version ? -1 : 1));
  model.deployments.length = Math.min(model.deployments.length, DEPLOYMENTS_MAX);
  // Events of the version may have come before its deployment told the checkpoint.
  for (const stream of model.streams.values())
    if (stream.version === event.version) bindReference(model, stream);
}

/** `until` no later than the event itself ends the window. */
export function foldMaintenance(model: Model, event: MaintenanceEvent): void {
  model.maintenanceUntilMs = event.untilMs > event.timeMs ? event.untilMs : null;
}

export function foldSource(fold: FoldContext, model: Model, event: SourceEvent): void {
  if (model.sourceFacts.size < SOURCE_FACTS_MAX || model.sourceFacts.has(event.source)) {
    const { status, node, accelerator, emitter_version, sent, dropped, time } = event;
    model.sourceFacts.set(
      event.source,
      JSON.stringify({ status, node, accelerator, emitter_version, sent, dropped, time }),
    );
  }
  if (event.status !== 'stopping' || event.run !== undefined) return;
  for (const stream of model.streams.values()) {
    const clock = stream.clock.sources.get(event.source);
    if (stream.version !== event.version || clock === undefined) continue;
    clock.status = 'gone';
    // The last of those that ran other weights may have gone.
    if (stream.manifests.size > 1) bindReference(model, stream);
    stopIfAllGone(fold, model, stream, decisionAt(fold, stream, event.timeMs));
  }
}

export function foldManifest(model: Model, event: ManifestEvent): void {
  if (event.run !== undefined) {
    foldTrainedManifest(model, event.run, event);
    return;
  }
  const text = manifestText(event);
  const stream = streamFor(model, event.version, event.role, event.checkpoint ?? null);
  const id = knownId(stream, text) ?? hash(text);
  const before = stream.manifestOf.get(event.source);
  if (before?.id !== id) forgetManifests(stream, event.timeMs);
  if (before === undefined && stream.manifestOf.size >= SOURCES_MAX) return;
  if (before?.id === id) return;
  stream.manifestOf.set(event.source, { id, timeMs: event.timeMs });
  stream.dirty.head = true;
  const used = new Set([...stream.manifestOf.values()].map((one) => one.id));
  for (const old of stream.manifests.keys()) if (!used.has(old)) stream.manifests.delete(old);
  if (stream.manifests.size < MANIFESTS_MAX && text.length <= MANIFEST_CHARS_MAX)
    stream.manifests.set(id, text);
  // Its checksums may tell that these are other weights than those of the reference.
  bindReference(model, stream);
}

/** Most sources declare what others have declared before: telling that needs no hash of a long text. */
function knownId(stream: Stream, text: string): string | null {
  for (const [id, known] of stream.manifests) if (known === text) return id;
  return null;
}

/** What is left of sources that are gone, or that declared something and then never sent anything. */
function forgetManifests(stream: Stream, nowMs: number): void {
  for (const [source, { timeMs }] of stream.manifestOf) {
    const clock = stream.clock.sources.get(source);
    if (clock?.status === 'gone' || (clock === undefined && timeMs < nowMs - DECLARED_MS))
      stream.manifestOf.delete(source);
  }
}

function foldTrainedManifest(model: Model, run: string, event: ManifestEvent): void {
  const text = manifestText(event, false);
  if (text.length > MANIFEST_CHARS_MAX) return;
  const checkpoint = event.checkpoint ?? model.runs.get(run)?.checkpoint ?? null;
  noteTrained(model.trained, run, checkpoint, hash(text), text, event.timeMs);
  model.dirtyTrained = true;
}

/** An event of a run that names the checkpoint it has just written: what the run declared holds for it. */
export function foldCheckpoint(model: Model, run: string, checkpoint: string, timeMs: number): void {
  if (noteCheckpoint(model.trained, run, checkpoint, timeMs)) model.dirtyTrained = true;
}

export function foldBaseline(fold: FoldContext, model: Model, event: BaselineEvent): void {
  if (event.action === 'pin') pin(model, event);
  else if (event.action === 'unpin') unpin(model, event);
  else relearnFrom(fold, model, event);
}

function pin(model: Model, event: BaselineEvent): void {
  const reference = event.data === undefined ? referenceOfRange(model, event) : referenceOfData(event);
  if (reference === null) {
    count(model.rejected, 'bad_baseline');
    return;
  }
  model.references = addReference(model.references, reference);
  model.dirtyReferences.add(reference.id);
  for (const stream of model.streams.values()) {
    stream.unbound = stream.unbound.filter((id) => id !== reference.id);
    bindReference(model, stream);
  }
}

function unpin(model: Model, event: BaselineEvent): void {
  const gone = model.references.filter((r) => r.kind === 'pinned' && (event.reference ?? r.id) === r.id);
  if (gone.length === 0) count(model.rejected, 'unknown_reference');
  for (const reference of gone) dropReference(model, reference);
  for (const stream of model.streams.values()) bindReference(model, stream);
}

function dropReference(model: Model, reference: Reference): void {
  model.references = model.references.filter((r) => r !== reference);
  model.dirtyReferences.delete(reference.id);
  model.removed.set(`reference/${reference.id}`, NO_BUCKETS);
}

/** A given id, or one that follows from what is pinned: the same record gives the same id in every replay. */
const idOf = (event: BaselineEvent): string =>
  event.reference ??
  hash(`${event.version}\n${event.time}\n${event.since}\n${event.until}\n${event.data ?? ''}`);

function referenceOfRange(model: Model, event: BaselineEvent): Reference | null {
  const version = event.from_version ?? event.version;
  const stream = model.streams.get(streamId(version, event.role));
  if (stream === undefined || event.sinceMs === null || event.untilMs === null) return null;
  const bucket = bucketsBetween(stream.baseline, event.sinceMs, event.untilMs, stream.layers.length);
  if (bucket === null) return null;
  return {
    id: idOf(event),
    kind: 'pinned',
    version,
    checkpoint: event.checkpoint ?? checkpointOf(model, stream),
    createdMs: event.timeMs,
    layers: [...stream.layers],
    bucket,
    // The same weights hang together from tick to tick as they did when they were learnt.
    calibration: model.references.find((r) => r.id === learnedId(stream))?.calibration ?? null,
    hours: null,
    manifest: commonManifest(stream),
  };
}

function referenceOfData(event: BaselineEvent): Reference | null {
  try {
    const imported = importReference(Uint8Array.from(atob(event.data!), (c) => c.charCodeAt(0)));
    return {
      ...imported,
      id: idOf(event),
      kind: 'pinned',
      version: event.from_version ?? imported.version,
      checkpoint: event.checkpoint ?? imported.checkpoint,
      createdMs: event.timeMs,
    };
  } catch (error) {
    if (error instanceof CodecError || (error as Error).name === 'InvalidCharacterError') return null;
    throw error;
  }
}

/** The version's streams begin anew; open drift incidents that began since are accepted as the new normal. */
function relearnFrom(fold: FoldContext, model: Model, event: BaselineEvent): void {
  const sinceMs = (event.sinceMs ?? event.timeMs) - fold.settings.tickMs;
  for (const stream of model.streams.values()) {
    if (stream.version !== event.version || stream.role !== event.role) continue;
    const decision = decisionAt(fold, stream, event.timeMs);
    for (const incident of model.incidents) {
      if (incident.stream !== stream.id || incident.status !== 'open' || incident.family === 'telemetry')
        continue;
      if (incident.onsetMs >= sinceMs) fold.findings.push(endIncident(model, incident, 'accepted', decision));
    }
    const reference = model.references.find((r) => r.id === stream.reference) ?? null;
    acceptDifferences(detectorState(stream, manifest.name), declaredOf(model, stream, reference));
    const learned = model.references.find((r) => r.id === learnedId(stream));
    if (learned !== undefined) dropReference(model, learned);
    relearn(stream.baseline, stream.layers.length);
    stream.unbound = model.references.map(({ id }) => id);
    stream.reference = null;
    stream.dirty.head = true;
  }
}

function decisionAt(fold: FoldContext, stream: Stream, timeMs: number): Decision {
  const tick = Math.floor(timeMs / fold.settings.tickMs);
  return { timeMs, tick, step: null, watermarkMs: watermarkOf(stream.clock) ?? timeMs };
}
