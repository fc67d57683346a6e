/**
 * Memory of a large partition: 200 streams × 100 layers × 2 sites × 20 sources, with references, a full week of
 * rolling buckets and two open ticks. Run in a process of its own, so that nothing else is counted.
 */
import { execFileSync } from 'node:child_process';
import type { ActivationsEvent } from '../agent/core/decode/event.ts';
import { createPartition, foldEvent, takeDirty } from '../agent/core/fold.ts';
import { DEFAULT_SETTINGS } from '../agent/core/settings.ts';
import { type Figure, mebibytes, SMALL_MEMORY } from './measure.ts';

const STREAMS = 200;
const LAYERS = 100;
const SOURCES = 20;
const LIMIT_BYTES = 512 * 2 ** 20;
const TICK_MS = DEFAULT_SETTINGS.tickMs;
const DAY_MS = 86_400_000;
const NAMES = Object.freeze(Array.from({ length: LAYERS }, (_, i) => `encoder.layer.${i}.output.LayerNorm`));

function flush(stream: number, source: number, seq: number, timeMs: number): ActivationsEvent {
  const column = (at: number): number[] => NAMES.map((_, i) => at + Math.sin(i * 7.3 + seq + source) * 0.01);
  const counts = NAMES.map(() => 4_096);
  const block = { count: counts, mean: column(0), variance: column(1), min: column(-3), max: column(3) };
  return {
    v: 1,
    kind: 'activations',
    time: '',
    timeMs,
    window_ms: 1_000,
    environment: 'default',
    model: 'large',
    version: `v${stream % 50}`,
    role: 'stable',
    source: `pod-${source}`,
    boot: `b${stream}`,
    seq,
    requests: 4,
    tokens: 100,
    layers: NAMES,
    input: block,
    output: { ...block },
  };
}

/** One tick of a stream from every source, or from one. */
export function fill(): { bytesStored: number } {
  const partition = createPartition({ ...DEFAULT_SETTINGS, calibration: { ticks: 3, flushes: 3 } });
  const seqs = new Map<string, number>();
  const send = (stream: number, sources: number, tick: number): void => {
    for (let source = 0; source < sources; source++) {
      const key = `${stream} ${source}`;
      const seq = (seqs.get(key) ?? -1) + 1;
      seqs.set(key, seq);
      // 50 versions of each of 4 models: streams are told apart by both.
      const event = {
        ...flush(stream, source, seq, tick * TICK_MS + 5_000),
        model: `model-${stream % 4}`,
        version: `v${stream >> 2}`,
      };
      foldEvent(partition, event, tick * TICK_MS + 5_000);
    }
  };
  const end = Math.floor((20_000 * DAY_MS) / TICK_MS);
  let bytesStored = 0;
  // What changed is taken after each tick, as an agent does when it commits.
  const sendAll = (sources: number, tick: number): void => {
    for (let stream = 0; stream < STREAMS; stream++) send(stream, sources, tick);
    bytesStored = 0;
    for (const bytes of takeDirty(partition).set.values()) bytesStored += bytes.length;
  };
  for (const tick of historyTicks(end)) sendAll(1, tick);
  for (let tick = end - 3; tick <= end; tick++) sendAll(SOURCES, tick);
  const streams = [...partition.models.values()].reduce((sum, model) => sum + model.streams.size, 0);
  if (streams !== STREAMS) throw new Error(`${streams} streams instead of ${STREAMS}`);
  kept = partition;
  return { bytesStored };
}

/** Keeps the state alive until memory is read. */
let kept: unknown = null;

/** A tick for every bucket that a week of traffic fills, oldest first: days, 3 hours, 10 minutes, 5 minutes. */
function historyTicks(end: number): number[] {
  const agesMs: number[] = [];
  for (let ms = 5 * 60_000; ms <= 100 * 60_000; ms += 5 * 60_000) agesMs.push(ms);
  for (let ms = 2 * 3_600_000; ms <= DAY_MS; ms += 3 * 3_600_000) agesMs.push(ms);
  for (let ms = DAY_MS; ms <= 8 * DAY_MS; ms += DAY_MS) agesMs.push(ms);
  return [...new Set(agesMs)].sort((a, b) => b - a).map((ms) => end - Math.round(ms / TICK_MS));
}

export async function benchMemory(): Promise<Figure[]> {
  const answer = execFileSync(process.execPath, ['--expose-gc', import.meta.filename, 'child'], {
    encoding: 'utf8',
    env: { ...process.env, ...SMALL_MEMORY },
  });
  const { rssBytes, emptyBytes, arraysBytes } = JSON.parse(answer) as Record<string, number>;
  const cells = STREAMS * LAYERS * 2;
  return [
    {
      what: `RSS of ${STREAMS} streams × ${LAYERS} layers × 2 sites × ${SOURCES} sources, a week of buckets`,
      value: `${mebibytes(rssBytes!)} (${mebibytes(emptyBytes!)} of it before the first event)`,
      goal: `< ${mebibytes(LIMIT_BYTES)}`,
      good: rssBytes! < LIMIT_BYTES,
    },
    {
      what: 'typed arrays per layer and site, all of the above',
      value: `${Math.round(arraysBytes! / cells)} bytes`,
      goal: '–',
      good: true,
    },
  ];
}

if (process.argv[2] === 'child') {
  const emptyBytes = process.memoryUsage().rss;
  fill();
  globalThis.gc?.();
  const { rss, arrayBuffers } = process.memoryUsage();
  console.log(JSON.stringify({ rssBytes: rss, emptyBytes, arraysBytes: arrayBuffers, kept: kept !== null }));
}
