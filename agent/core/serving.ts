/** Serving: events into open ticks, closed ticks into scores, signals, incidents and baselines. */
import { dropSetAside, forgetFrom, isEnough, rollingWindow } from './baseline.ts';
import { compareCanary } from './canary.ts';
import { forgetSilent, noteTime, watermarkOf } from './clock.ts';
import type { ActivationsEvent, Event, OutputsEvent } from './decode/event.ts';
import { FAMILIES } from './detect/contract.ts';
import { detectTick } from './detection.ts';
import type { FoldContext } from './fold-context.ts';
import type { Decision } from './incident.ts';
import { rememberTick } from './last-tick.ts';
import { placesOf } from './layout.ts';
import { bindReference, forgetEvidence, learn } from './learning.ts';
import { endIncident, openIncident } from './lifecycle.ts';
import { count, type Model, subjectOf } from './model.ts';
import { closeNumerics } from './numerics.ts';
import { outputScores, pushOutputs } from './outputs.ts';
import { scoreCells } from './score/cells.ts';
import { scorePeers } from './score/peers.ts';
import { newStream, placesFor, type Stream, streamId } from './stream.ts';
import {
  addActivations,
  addOutputs,
  addSums,
  closeTick,
  newOpenTick,
  type OpenTick,
  type TickSummary,
} from './tick.ts';
import { countTick } from './totals.ts';

/** Streams of one model; the least recently heard one without an open incident goes first. */
const STREAMS_MAX = 64;
/** Ticks that a source may be ahead of the closed ones: beyond, its records are taken for skewed. */
const OPEN_TICKS_MAX = 16;
/** A source that sends under another version for this long has left the old one. */
const MOVED_MS = 30_000;

export function streamFor(model: Model, version: string, role: string, checkpoint: string | null): Stream {
  const id = streamId(version, role);
  let stream = model.streams.get(id);
  if (stream === undefined) {
    if (model.streams.size >= STREAMS_MAX) evictStream(model);
    stream = newStream(version, role, true);
    stream.checkpoint = checkpoint;
    model.streams.set(id, stream);
    bindReference(model, stream);
  } else if (checkpoint !== null && stream.checkpoint === null) {
    stream.checkpoint = checkpoint;
    stream.dirty.head = true;
    bindReference(model, stream);
  }
  return stream;
}

export function foldActivations(
  fold: FoldContext,
  model: Model,
  event: ActivationsEvent,
  arrivedMs: number | null,
): void {
  const stream = streamFor(model, event.version, event.role, event.checkpoint ?? null);
  const places = event.layers === undefined ? NO_PLACES : placesFor(stream, event.layers);
  const tick = openTickFor(fold, model, stream, event, arrivedMs);
  if (tick !== null) {
    addActivations(tick, event, places, stream.layers.length);
    addSums(tick, event);
  }
  closeDue(fold, model, stream, event.timeMs);
}

export function foldOutputs(
  fold: FoldContext,
  model: Model,
  event: OutputsEvent,
  arrivedMs: number | null,
): void {
  foldInto(fold, model, event, arrivedMs, (tick) => addOutputs(tick, event));
}

/** What enters a tick by sums alone: features, requests, parity, probes. */
export function foldSums(fold: FoldContext, model: Model, event: Event, arrivedMs: number | null): void {
  foldInto(fold, model, event, arrivedMs, (tick) => addSums(tick, event));
}

function foldInto(
  fold: FoldContext,
  model: Model,
  event: Event,
  arrivedMs: number | null,
  add: (tick: OpenTick) => void,
): void {
  const stream = streamFor(model, event.version, event.role, event.checkpoint ?? null);
  const tick = openTickFor(fold, model, stream, event, arrivedMs);
  if (tick !== null) add(tick);
  closeDue(fold, model, stream, event.timeMs);
}

const NO_PLACES = new Int32Array(0);

/** The tick an event belongs to, or null when it came too late or its clock is off: both are counted. */
function openTickFor(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  event: { timeMs: number; window_ms: number; source: string },
  arrivedMs: number | null,
): OpenTick | null {
  stream.dirty.head = true;
  stream.stopped = false;
  const verdict = noteTime(stream.clock, event.source, event.timeMs, arrivedMs);
  if (verdict === 'skewed' || verdict === 'crowded') {
    count(model.late, verdict === 'skewed' ? 'clock_skew' : 'too_many_sources');
    return null;
  }
  const index = tickIndex(event.timeMs, event.window_ms, fold.settings.tickMs);
  if (verdict === 'moved_back') {
    stream.open.clear();
    stream.closedTick = index - 1;
    forgetFrom(stream.baseline, index * fold.settings.tickMs);
  }
  if (stream.closedTick < 0)
    stream.closedTick = index - 1 - Math.ceil(fold.settings.latenessMs / fold.settings.tickMs);
  if (index <= stream.closedTick) {
    count(model.late, 'closed_tick');
    return null;
  }
  let tick = stream.open.get(index);
  if (tick === undefined) {
    if (stream.open.size >= OPEN_TICKS_MAX) {
      count(model.late, 'clock_skew');
      return null;
    }
    tick = newOpenTick(index, stream.layers.length);
    stream.open.set(index, tick);
  }
  stream.dirty.open = true;
  return tick;
}

/** A flush no longer than a tick belongs where its middle lies; a longer one where its last millisecond does. */
export function tickIndex(timeMs: number, windowMs: number, tickMs: number): number {
  return Math.floor((windowMs <= tickMs ? timeMs - windowMs / 2 : timeMs - 1) / tickMs);
}

/** A stream without traffic, such as a shadow, closes no ticks: its own events tell when a hard rule is quiet again. */
export function passUntimed(fold: FoldContext, model: Model, event: ActivationsEvent): void {
  const stream = model.streams.get(streamId(event.version, event.role));
  if (stream === undefined || stream.clock.sources.size > 0) return;
  const { tickMs } = fold.settings;
  const tick = tickIndex(event.timeMs, event.window_ms, tickMs) - 1;
  const decision: Decision = { timeMs: (tick + 1) * tickMs, tick, step: null, watermarkMs: event.timeMs };
  fold.findings.push(...closeNumerics(model, subjectOf(model, stream), [], decision));
}

/** Closes, in order, every open tick whose end the watermark has passed by the allowed lateness. */
function closeDue(fold: FoldContext, model: Model, stream: Stream, timeMs: number): void {
  const { tickMs, latenessMs } = fold.settings;
  // The watermark is a median, so it can pass a tick's end only when some record has.
  if (timeMs < (stream.closedTick + 2) * tickMs + latenessMs) return;
  const watermarkMs = watermarkOf(stream.clock);
  if (watermarkMs === null) return;
  const due = Math.floor((watermarkMs - latenessMs) / tickMs) - 1;
  closeThrough(fold, model, stream, due, watermarkMs);
}

/** Closes what is complete at the end of a recording: ticks that the watermark has passed. */
export function closeComplete(fold: FoldContext, model: Model, stream: Stream): void {
  const watermarkMs = watermarkOf(stream.clock);
  if (watermarkMs === null) return;
  closeThrough(fold, model, stream, Math.floor(watermarkMs / fold.settings.tickMs) - 1, watermarkMs);
}

function closeThrough(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  through: number,
  watermarkMs: number,
): void {
  if (through <= stream.closedTick) return;
  const indexes = [...stream.open.keys()].filter((index) => index <= through).sort((a, b) => a - b);
  for (const index of indexes) {
    const tick = stream.open.get(index)!;
    stream.open.delete(index);
    stream.closedTick = index;
    closeOne(fold, model, stream, closeTick(tick, fold.settings.tickMs, stream.layers.length), watermarkMs);
  }
  stream.closedTick = through;
  stream.dirty.open = true;
}

/** One closed tick of a stream: scores, signals, incidents, baselines. */
export function closeOne(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  tick: TickSummary,
  watermarkMs: number,
): void {
  const decision: Decision = { timeMs: tick.endMs, tick: tick.index, step: null, watermarkMs };
  noteSources(fold, model, stream, tick, decision);
  const reference = model.references.find((r) => r.id === stream.reference) ?? null;
  const isSeen = fold.unseen !== true;
  // Where there is a reference, the rolling day is shown beside it and decides nothing.
  const window =
    isSeen || reference === null ? rollingWindow(stream.baseline, '24h', stream.layers.length) : null;
  const rolling = window !== null && isEnough(window, fold.settings) ? window : null;
  const referencePlaces = reference === null ? null : placesOf(stream.layers, reference.layers);
  const ownPlaces = Int32Array.from(stream.layers, (_, i) => i);
  const scored = tick.flushes > 0;
  const againstReference =
    reference !== null && scored ? scoreCells(tick, reference.bucket, referencePlaces!, isSeen) : null;
  const againstRolling =
    rolling !== null && scored ? scoreCells(tick, rolling, ownPlaces, isSeen && reference === null) : null;
  pushOutputs(stream, tick);
  countTick(stream.totals, tick, stream.layers);
  const baseline = reference?.bucket ?? rolling;
  const places = referencePlaces ?? ownPlaces;
  const peers = scorePeers(tick, baseline, places);
  const canary = compareCanary(model, stream, tick, baseline, places);
  detectTick(fold, model, stream, decision, {
    tick,
    reference,
    scores: againstReference ?? againstRolling,
    baseline,
    places,
    peers,
    canary,
    outputs: baseline === null ? [] : outputScores(stream, baseline),
  });
  fold.findings.push(
    ...closeNumerics(
      model,
      subjectOf(model, stream),
      tick.sources.map((s) => s.source),
      decision,
    ),
  );
  learn(fold, model, stream, tick, againstReference);
  rememberTick(model, stream, tick, { reference: againstReference, rolling: againstRolling, peers, canary });
}

/** Marks who sent data, and lets go of sources that now send under another version. */
function noteSources(
  fold: FoldContext,
  model: Model,
  stream: Stream,
  tick: TickSummary,
  decision: Decision,
): void {
  for (const { source, tick: one } of tick.sources) {
    const clock = stream.clock.sources.get(source);
    if (clock !== undefined && one.signs > 0) clock.lastTick = tick.index;
  }
  for (const other of model.streams.values()) {
    if (other === stream || other.stopped) continue;
    let left = false;
    for (const { source } of tick.sources) {
      const clock = other.clock.sources.get(source);
      if (clock === undefined || clock.status === 'gone' || clock.lastMs >= tick.endMs - MOVED_MS) continue;
      clock.status = 'gone';
      left = true;
    }
    if (left) stopIfAllGone(fold, model, other, decision);
  }
  forgetSilent(stream.clock, decision.watermarkMs);
}

/** A stream all of whose sources stopped or moved away is over: its last ticks close, its incidents end. */
export function stopIfAllGone(fold: FoldContext, model: Model, stream: Stream, decision: Decision): void {
  stream.dirty.head = true;
  for (const clock of stream.clock.sources.values()) if (clock.status !== 'gone') return;
  closeComplete(fold, model, stream);
  stream.stopped = true;
  for (const family of FAMILIES) {
    const open = openIncident(model, subjectOf(model, stream), family);
    if (open !== undefined) fold.findings.push(endIncident(model, open, 'resolved', decision));
  }
  dropSetAside(stream.baseline);
  forgetEvidence(stream);
  model.dirty = true;
}

function evictStream(model: Model): void {
  let oldest: Stream | null = null;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const stream of model.streams.values()) {
    const lastMs = watermarkOf(stream.clock) ?? 0;
    if (lastMs >= oldestMs || model.incidents.some((i) => i.stream === stream.id && i.status === 'open'))
      continue;
    oldest = stream;
    oldestMs = lastMs;
  }
  oldest ??= model.streams.values().next().value!;
  model.streams.delete(oldest.id);
  model.removed.set(oldest.id, oldest.stored);
}
