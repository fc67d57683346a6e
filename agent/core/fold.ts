/**
 * The fold: (state, record) → state, one partition at a time. Pure and deterministic: the same records give the same
 * bytes of state whatever the batch cuts, in the agent, in `replay` and in the tests.
 */

import { byName } from './codec.ts';
import {
  foldBaseline,
  foldCheckpoint,
  foldDeployment,
  foldMaintenance,
  foldManifest,
  foldSource,
} from './control.ts';
import type { Event, EventKind } from './decode/event.ts';
import type { Refusal } from './decode/refusal.ts';
import type { FindingLine } from './incident.ts';
import { count, type Model, newModel, subjectOf } from './model.ts';
import { activationCounts, countNonfinite, noteNewest, noticeCounts, raiseNonfinite } from './nonfinite.ts';
import { dirtyParts, readParts } from './parts.ts';
import { newSequence, noteSequence } from './sequence.ts';
import {
  closeComplete,
  foldActivations,
  foldOutputs,
  foldSums,
  passUntimed,
  streamFor,
  tickIndex,
} from './serving.ts';
import type { Settings } from './settings.ts';
import { isSummed } from './sums.ts';
import { foldRun, foldTrainingStep, foldValidation, runFor, subjectOfRun } from './training.ts';
import type { PartitionView } from './view.ts';
import { viewModel } from './views.ts';

/** Models of one partition, sources of one model: beyond, the least recently heard gives way. */
const MODELS_MAX = 1_024;
const SOURCES_MAX = 16_384;
/** Sources that give way at a time: finding them takes a look at all. */
const SOURCES_EVICTED = 2_048;

export { exportReferences, pinReferences } from './references.ts';

export interface Partition {
  readonly settings: Settings;
  /** Keyed `environment/model`. */
  readonly models: Map<string, Model>;
  /** Refusals that name no model, by reason. */
  readonly rejected: Map<string, number>;
  /** Records folded so far: the clock by which models are forgotten. */
  records: number;
  headDirty: boolean;
  /** Models forgotten since the last take. */
  removed: Model[];
  findings: FindingLine[];
  unseen?: boolean;
}

export function createPartition(settings: Settings): Partition {
  return {
    settings,
    models: new Map(),
    rejected: new Map(),
    records: 0,
    headDirty: true,
    removed: [],
    findings: [],
  };
}

/** Throws CodecError when the fields cannot be read. */
export function restorePartition(settings: Settings, fields: ReadonlyMap<string, Uint8Array>): Partition {
  const partition = createPartition(settings);
  readParts(partition, fields);
  return partition;
}

export function foldEvent(partition: Partition, event: Event, arrivedMs: number | null): void {
  partition.records++;
  partition.headDirty = true;
  const model = modelFor(partition, event.environment, event.model);
  model.touched = partition.records;
  model.dirty = true;
  if (!isNext(model, event)) return;
  count(model.events, event.kind);
  noteNewest(model, event.timeMs, arrivedMs);
  if (event.run !== undefined && event.checkpoint !== undefined)
    foldCheckpoint(model, event.run, event.checkpoint, event.timeMs);
  (FOLDS[event.kind] as Fold<EventKind>)(partition, model, event, arrivedMs);
}

export function foldRefusal(partition: Partition, refusal: Refusal): void {
  partition.records++;
  partition.headDirty = true;
  const { environment, model: name, reason } = refusal;
  const model = name === null ? undefined : partition.models.get(`${environment ?? 'default'}/${name}`);
  // A refused record makes no model known: otherwise garbage could fill the state.
  if (model === undefined) count(partition.rejected, reason);
  else {
    count(model.rejected, reason);
    model.dirty = true;
  }
}

/** The end of a finite recording: ticks that are complete close. */
export function finishPartition(partition: Partition): void {
  for (const model of partition.models.values()) {
    for (const stream of model.streams.values()) closeComplete(partition, model, stream);
    model.dirty = true;
  }
}

/** Incident lines since the last take, in order. */
export function takeFindings(partition: Partition): FindingLine[] {
  const taken = partition.findings;
  partition.findings = [];
  return taken;
}

/** Encoded parts that changed since the last take, and names of parts that are gone. */
export function takeDirty(partition: Partition): { set: Map<string, Uint8Array>; remove: string[] } {
  return dirtyParts(partition);
}

export function viewPartition(partition: Partition): PartitionView {
  return {
    models: [...partition.models.values()].map((model) => viewModel(model, partition.settings)),
    rejected: Object.fromEntries(partition.rejected),
  };
}

/** False for a duplicate. */
function isNext(model: Model, event: Event): boolean {
  const boot = event.boot ?? null;
  let sequence = model.sequences.get(event.source);
  if (sequence === undefined) {
    if (model.sequences.size >= SOURCES_MAX) evictSources(model);
    sequence = newSequence(boot);
    model.sequences.set(event.source, sequence);
  }
  const verdict = noteSequence(sequence, boot, event.seq, event.timeMs);
  if (verdict.duplicate) {
    model.duplicates++;
    return false;
  }
  model.missing += verdict.missing;
  return true;
}

type Fold<K extends EventKind> = (
  partition: Partition,
  model: Model,
  event: Extract<Event, { kind: K }>,
  arrivedMs: number | null,
) => void;

const counted = (): void => {};

function foldSummed(partition: Partition, model: Model, event: Event, arrivedMs: number | null): void {
  if (event.role !== 'shadow' && event.run === undefined && isSummed(event.kind))
    foldSums(partition, model, event, arrivedMs);
}

/** What each kind does to a model, beside being counted. */
const FOLDS: { readonly [K in EventKind]: Fold<K> } = {
  activations: foldAnyActivations,
  outputs: (partition, model, event, arrivedMs) => {
    if (isTraffic(event)) foldOutputs(partition, model, event, arrivedMs);
    else if (event.probe !== undefined) foldSummed(partition, model, event, arrivedMs);
  },
  training_step: foldTrainingStep,
  validation: (_, model, event) => foldValidation(model, event),
  run: (_, model, event) => foldRun(model, event),
  nonfinite: foldNotice,
  deployment: (_, model, event) => foldDeployment(model, event),
  maintenance: (_, model, event) => foldMaintenance(model, event),
  baseline: foldBaseline,
  source: foldSource,
  manifest: (_, model, event) => foldManifest(model, event),
  channels: foldSummed,
  parameters: counted,
  parity: foldSummed,
  memory: counted,
  requests: foldSummed,
};

/** Probes and shadow traffic never enter traffic baselines; an event with `run` belongs to training. */
const isTraffic = (event: Event): boolean =>
  event.probe === undefined && event.role !== 'shadow' && event.run === undefined;

function foldAnyActivations(
  partition: Partition,
  model: Model,
  event: Event & { kind: 'activations' },
  arrivedMs: number | null,
): void {
  if (isTraffic(event)) foldActivations(partition, model, event, arrivedMs);
  else if (event.probe !== undefined) foldSummed(partition, model, event, arrivedMs);
  else if (event.run === undefined) passUntimed(partition, model, event);
  const found = activationCounts(event);
  if (found.length === 0) return;
  countNonfinite(model, event, 'forward', found);
  const { subject, tick } = subjectFor(partition, model, event, event.layers ?? []);
  raiseNonfinite(partition, model, subject, event, 'forward', found, tick);
}

function foldNotice(partition: Partition, model: Model, event: Event & { kind: 'nonfinite' }): void {
  const where = event.where ?? 'forward';
  const { subject, tick } = subjectFor(partition, model, event, [event.layer]);
  raiseNonfinite(partition, model, subject, event, where, noticeCounts(event, 0), tick);
}

/** The stream or run an event is about; layers of a finding are named by the event itself. */
function subjectFor(partition: Partition, model: Model, event: Event, layers: readonly string[]) {
  if (event.run !== undefined) {
    const run = runFor(model, { ...event, run: event.run });
    return { subject: subjectOfRun(run, layers), tick: event.step ?? run.step };
  }
  const stream = streamFor(model, event.version, event.role, event.checkpoint ?? null);
  const tick = tickIndex(event.timeMs, event.window_ms, partition.settings.tickMs);
  return { subject: { ...subjectOf(model, stream), layers }, tick };
}

function modelFor(partition: Partition, environment: string, name: string): Model {
  const key = `${environment}/${name}`;
  let model = partition.models.get(key);
  if (model === undefined) {
    if (partition.models.size >= MODELS_MAX) evictModel(partition);
    model = newModel(environment, name);
    partition.models.set(key, model);
  }
  return model;
}

function evictModel(partition: Partition): void {
  let oldest: [string, Model] | null = null;
  for (const entry of partition.models)
    if (oldest === null || entry[1].touched < oldest[1].touched) oldest = entry;
  partition.models.delete(oldest![0]);
  partition.removed.push(oldest![1]);
}

function evictSources(model: Model): void {
  const oldest = [...model.sequences].sort(
    ([a, { highTimeMs: one }], [b, { highTimeMs: other }]) => one - other || byName(a, b),
  );
  for (const [source] of oldest.slice(0, SOURCES_EVICTED)) model.sequences.delete(source);
}
