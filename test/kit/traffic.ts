/**
 * Shipped recordings as the traffic of several models, with what real pipelines do to it: repeats, gaps, garbage. Every
 * model begins with the shipped baseline as its pinned reference and ends with a sign of life of each source, so that
 * all ticks before it are closed by the log alone.
 */
import { join } from 'node:path';
import { DEFAULT_SETTINGS } from '../../agent/core/settings.ts';
import { referenceOf } from '../../agent/io/demo/script.ts';
import { createRandom, type Random } from '../simulation/world/random.ts';
import type { Sent } from './oracle.ts';
import { recordingLines } from './recording.ts';
import { PROJECT } from './services/paths.ts';

export const RECORDINGS = join(PROJECT, 'examples/recordings');

export interface TrafficOptions {
  readonly seed: number;
  /** The shipped recording each model plays, by the model's name. */
  readonly models: Readonly<Record<string, string>>;
  /** Shares of the events: sent again a little later, never sent, followed by garbage. */
  readonly duplicates?: number;
  readonly gaps?: number;
  readonly garbage?: number;
  /** What garbage is made of. */
  readonly garbageOf?: readonly Garbage[];
  /** Pin the shipped baseline first (the default), or leave that to the test. */
  readonly pin?: boolean;
}

type Line = Readonly<Record<string, unknown>>;
type Garbage = (event: Line, random: Random) => Pick<Sent, 'value' | 'refused'>;

const shorter = (column: unknown): unknown => (column as unknown[]).slice(1);

/** JSON objects with time and model, that are no events all the same. */
export const JSON_GARBAGE: readonly Garbage[] = [
  (event) => ({ value: JSON.stringify({ ...event, kind: 'telepathy' }), refused: 'unknown_kind' }),
  (event) => ({ value: JSON.stringify({ ...event, v: 2 }), refused: 'bad_version' }),
  (event) => ({ value: JSON.stringify({ ...event, requests: 'many' }), refused: 'bad_field' }),
  (event) => ({ value: JSON.stringify({ ...event, layers: shorter(event.layers) }), refused: 'bad_column' }),
  (event) => ({
    value: JSON.stringify(event).replace('{', '{"__proto__":{"admin":true},'),
    refused: 'forbidden_key',
  }),
];

/** Bytes of any other sort. */
export const BYTE_GARBAGE: readonly Garbage[] = [
  (event, random) => {
    const text = JSON.stringify(event);
    return { value: text.slice(0, random.between(1, text.length - 1)), refused: 'not_json' };
  },
  (event) => ({
    value: JSON.stringify(event).replace(/"requests":\d+/, '"requests":NaN'),
    refused: 'not_json',
  }),
  () => ({ value: '[1,2,3]', refused: 'not_object' }),
  () => ({ value: '', refused: 'empty' }),
  (_, random) => ({
    value: Buffer.of(0xff, 0xfe, ...Array.from({ length: 30 }, () => random.between(128, 255))),
    refused: 'not_utf8',
  }),
];

/** In the order it is to be sent; the same for the same seed. */
export function trafficOf(options: TrafficOptions): Sent[] {
  const random = createRandom(options.seed);
  const lists = Object.entries(options.models).map(([model, recording]) => {
    const lines = recordingLines(recording).map((line): Line => ({ ...JSON.parse(line), model }));
    const events = options.pin === false ? lines : [pinOf(model), ...lines];
    return [...disturbed(model, events, options, random), ...signsOfLife(model, lines)];
  });
  const longest = Math.max(...lists.map((list) => list.length));
  const rounds = Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1)));
  return rounds.flat();
}

/** The same as a recording. */
export const jsonLines = (sent: readonly Sent[]): Buffer =>
  Buffer.concat(sent.flatMap(({ value }) => [Buffer.from(value), Buffer.from('\n')]));

function disturbed(
  model: string,
  events: readonly Line[],
  { duplicates = 0.05, gaps = 0.01, garbage = 0.01, garbageOf = JSON_GARBAGE }: TrafficOptions,
  random: Random,
): Sent[] {
  const due = new Map<number, Sent[]>();
  const put = (at: number, one: Sent): void => void due.set(at, [...(due.get(at) ?? []), one]);
  for (const [at, event] of events.entries()) {
    const sent = { model, value: JSON.stringify(event), refused: null };
    // What was said once about a model is what the incidents hang on; flushes there are many of.
    const isFlush = event.kind === 'activations';
    if (!isFlush || !random.chance(gaps)) put(at, sent);
    if (random.chance(duplicates)) put(at + random.between(1, 40), sent);
    if (isFlush && random.chance(garbage)) put(at, { model, ...random.pick(garbageOf)(event, random) });
  }
  return [...due].sort(([a], [b]) => a - b).flatMap(([, list]) => list);
}

const REFERENCE = 'shipped-baseline';
let reference: string | null = null;

function pinOf(model: string): Line {
  reference ??= referenceOf(RECORDINGS, 'baseline.jsonl.gz', DEFAULT_SETTINGS);
  return {
    v: 1,
    kind: 'baseline',
    time: '2026-03-02T00:03:00.000Z',
    window_ms: 0,
    model,
    version: 'v1',
    source: 'operator',
    boot: '0',
    seq: 0,
    action: 'pin',
    reference: REFERENCE,
    from_version: 'v1',
    data: reference,
  };
}

const QUIET_MS = 20_000;

function signsOfLife(model: string, events: readonly Line[]): Sent[] {
  const last = new Map<unknown, Line>();
  for (const event of events) if (event.kind === 'activations') last.set(event.source, event);
  const endMs = Math.max(...events.map(({ time }) => Date.parse(String(time))));
  const time = new Date(endMs + QUIET_MS).toISOString();
  return [...last.values()].map(({ v, kind, window_ms, version, source, boot }) => {
    const seqs = events.flatMap((event) => (event.source === source ? [Number(event.seq)] : []));
    const seq = Math.max(...seqs) + 1;
    const event = { v, kind, time, window_ms, model, version, source, boot, seq, requests: 0 };
    return { model, value: JSON.stringify(event), refused: null };
  });
}
