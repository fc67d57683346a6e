/**
 * Small builders of events. An emitter is one source: it numbers what it sends. Everything passes through decode, so a
 * test cannot fold what no producer could send. What a test does not care about has a plain default.
 */
import type { Event, EventKind } from '../../agent/core/decode/event.ts';
import { decode } from '../../agent/core/decode/index.ts';
import { formatTime } from '../../agent/core/time.ts';
import { createRandom } from '../simulation/world/random.ts';

/** Start of a tick, of a five-minute slot, of an hour and of a day. */
export const T0 = 1_772_409_600_000;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Envelope fields that may be given once for an emitter or anew for an event. */
export type Given = Readonly<Record<string, unknown>>;
type Body = Readonly<Record<string, unknown>>;
export type EventOfKind<K extends EventKind> = Extract<Event, { kind: K }>;

/** Numbers of one site of one layer; what is left out is not in the columns. */
export interface Cell {
  readonly mean?: number | null;
  readonly variance?: number | null;
  readonly count?: number;
  readonly min?: number | null;
  readonly max?: number | null;
  readonly nan?: number;
  readonly inf?: number;
  readonly token_variance_mean?: number;
  readonly histogram?: unknown;
}

export interface Layer {
  readonly input?: Cell;
  readonly output?: Cell;
}

export interface Emitter {
  readonly source: string;
  /** One event of any kind; `window_ms` is 0 unless given. */
  send<K extends EventKind>(kind: K, atMs: number, body?: Body): EventOfKind<K>;
  /** One flush of a second. */
  flush(
    atMs: number,
    layers: Readonly<Record<string, Layer>>,
    more?: Body & { requests?: number },
  ): EventOfKind<'activations'>;
  outputs(atMs: number, probabilities: readonly number[], more?: Body): EventOfKind<'outputs'>;
  /** A flush without requests. */
  sign(atMs: number, more?: Body): EventOfKind<'activations'>;
}

export function createEmitter(source: string, given: Given = {}): Emitter {
  let seq = 0;
  const send = <K extends EventKind>(kind: K, atMs: number, body: Body = {}): EventOfKind<K> => {
    const event = {
      v: 1,
      kind,
      time: formatTime(atMs),
      window_ms: 0,
      model: 'm',
      version: 'v1',
      source,
      boot: 'b',
      ...given,
      ...body,
      seq: body.seq ?? seq++,
    };
    return decoded(event, kind);
  };
  return {
    source,
    send,
    flush: (atMs, layers, more = {}) =>
      send('activations', atMs, { window_ms: 1_000, requests: 10, ...columnsOf(layers), ...more }),
    outputs: (atMs, probabilities, more = {}) =>
      send('outputs', atMs, { window_ms: 1_000, name: 'logits', requests: 10, probabilities, ...more }),
    sign: (atMs, more = {}) => send('activations', atMs, { window_ms: 1_000, requests: 0, ...more }),
  };
}

export function decoded<K extends EventKind>(event: Body, kind: K): EventOfKind<K> {
  const result = decode(new TextEncoder().encode(JSON.stringify(event)));
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
  if (result.event.kind !== kind) throw new Error(`not ${kind}, but ${result.event.kind}`);
  return result.event as EventOfKind<K>;
}

/** Layers as columns. A column is there when any layer has its number; the others then hold `null` or 0. */
function columnsOf(layers: Readonly<Record<string, Layer>>): Body {
  const names = Object.keys(layers);
  const block = (site: 'input' | 'output'): Body | undefined => {
    const cells = names.map((name) => layers[name]![site]);
    const keys = new Set(cells.flatMap((cell) => (cell === undefined ? [] : Object.keys(cell))));
    if (keys.size === 0) return undefined;
    const empty = (key: string): number | null => (COUNTS.has(key) ? 0 : null);
    return Object.fromEntries(
      [...keys].map((key) => [key, cells.map((cell) => cell?.[key as keyof Cell] ?? empty(key))]),
    );
  };
  return { layers: names, input: block('input'), output: block('output') };
}

const COUNTS: ReadonlySet<string> = new Set(['count', 'nan', 'inf']);

/** Normal numbers of mean 0 and deviation 1 (Box & Muller, 1958); the same seed gives the same ones. */
export function createGaussian(seed: number): () => number {
  const random = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
