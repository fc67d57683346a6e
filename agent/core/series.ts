/** The closed ticks of a recording's traffic, for what draws from them instead of folding them. */
import type { Event } from './decode/event.ts';
import type { Model } from './model.ts';
import { newModel } from './model.ts';
import { newSequence, noteSequence, type Sequence } from './sequence.ts';
import { tickIndex } from './serving.ts';
import { newStream, placesFor, type Stream, streamId } from './stream.ts';
import { isSummed } from './sums.ts';
import {
  addActivations,
  addOutputs,
  addSums,
  closeTick,
  newOpenTick,
  type OpenTick,
  type TickSummary,
} from './tick.ts';

export interface TickSeries {
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  readonly role: string;
  readonly checkpoint: string | null;
  readonly layers: readonly string[];
  readonly tickMs: number;
  /** In order of time; quiet ticks between them are left out. */
  readonly ticks: readonly TickSummary[];
}

/** Doubles held at a time, about 400 MB: of a longer recording the beginning is used. */
const NUMBERS_MAX = 50_000_000;
/** What is left of a tick that a recording cuts, or of a clock that is off: less than this share of the usual flushes. */
const SHARE_MIN = 0.25;

export interface SeriesReader {
  add(event: Event): void;
  /** The stream with the most ticks; null when there was no traffic. */
  read(): TickSeries | null;
  /** True when the recording was longer than what is held of it. */
  readonly isCut: boolean;
}

interface Kept {
  readonly model: Model;
  readonly stream: Stream;
}

export function createSeriesReader(tickMs: number): SeriesReader {
  const sequences = new Map<string, Sequence>();
  const streams = new Map<string, Kept>();
  let room = NUMBERS_MAX;

  const isNew = (event: Event): boolean => {
    const key = `${event.environment}/${event.model}/${event.source}`;
    const boot = event.boot ?? null;
    let sequence = sequences.get(key);
    if (sequence === undefined) {
      sequence = newSequence(boot);
      sequences.set(key, sequence);
    }
    return !noteSequence(sequence, boot, event.seq, event.timeMs).duplicate;
  };
  const streamOf = (event: Event): Stream => {
    const key = `${event.environment}/${event.model}/${streamId(event.version, event.role)}`;
    let kept = streams.get(key);
    if (kept === undefined) {
      const stream = newStream(event.version, event.role, false);
      stream.checkpoint = event.checkpoint ?? null;
      kept = { model: newModel(event.environment, event.model), stream };
      streams.set(key, kept);
    }
    return kept.stream;
  };
  const tickOf = (stream: Stream, event: { timeMs: number; window_ms: number }): OpenTick | null => {
    const index = tickIndex(event.timeMs, event.window_ms, tickMs);
    let tick = stream.open.get(index);
    if (tick !== undefined || room <= 0) return tick ?? null;
    tick = newOpenTick(index, stream.layers.length);
    stream.open.set(index, tick);
    return tick;
  };

  return {
    add(event) {
      if (event.role === 'shadow' || event.run !== undefined || !isNew(event)) return;
      if (event.kind === 'activations' && event.probe === undefined) {
        const stream = streamOf(event);
        const places = placesFor(stream, event.layers ?? []);
        const tick = tickOf(stream, event);
        if (tick === null) return;
        const before = numbersOf(tick, event.source);
        addActivations(tick, event, places, stream.layers.length);
        addSums(tick, event);
        room -= numbersOf(tick, event.source) - before;
      } else if (event.kind === 'outputs' && event.probe === undefined) {
        const tick = tickOf(streamOf(event), event);
        if (tick !== null) addOutputs(tick, event);
      } else if (isSummed(event.kind)) {
        const tick = tickOf(streamOf(event), event);
        if (tick !== null) addSums(tick, event);
      }
    },
    read() {
      const longest = [...streams.values()].sort((a, b) => b.stream.open.size - a.stream.open.size)[0];
      if (longest === undefined) return null;
      const { model, stream } = longest;
      const layers = [...stream.layers];
      const ticks = usualTicks(
        [...stream.open.values()]
          .sort((a, b) => a.index - b.index)
          .map((tick) => closeTick(tick, tickMs, layers.length)),
      );
      if (ticks.length === 0) return null;
      const { version, role, checkpoint } = stream;
      return {
        environment: model.environment,
        model: model.model,
        version,
        role,
        checkpoint,
        layers,
        tickMs,
        ticks,
      };
    },
    get isCut() {
      return room <= 0;
    },
  };
}

const numbersOf = (tick: OpenTick, source: string): number => tick.sources.get(source)?.cells.length ?? 0;

function usualTicks(ticks: readonly TickSummary[]): TickSummary[] {
  const flushes = ticks
    .map((tick) => tick.flushes)
    .filter((count) => count > 0)
    .sort((a, b) => a - b);
  const usual = flushes[flushes.length >> 1];
  return usual === undefined ? [] : ticks.filter((tick) => tick.flushes >= SHARE_MIN * usual);
}
