/**
 * Views of committed state → samples. A function of its arguments: what is not in the views is not in the next scrape,
 * and what must be remembered from one exposition to the next is handed back.
 */
import { METRICS, type Sample } from '../catalog.ts';
import type { ModelView, PartitionView } from '../core/view.ts';
import { NO_LATENCY } from '../core/view-latency.ts';
import { type Collector, createCollector } from './exposition/collector.ts';
import { addAllDetail, addWorstDetail, countDetail, type WorstByStream } from './exposition/detail.ts';
import { addIntake } from './exposition/intake.ts';
import { addRequests } from './exposition/latency.ts';
import { addModel } from './exposition/model.ts';
import { addStream } from './exposition/stream.ts';
import type { IntakeCounters } from './intake.ts';

/** A partition this agent owns, as it is committed. */
export interface ExposedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly view: PartitionView;
  /** End of the log minus the committed position; null where the end is not known. */
  readonly lagRecords: number | null;
  /** Records the log dropped before they were read. */
  readonly lostRecords: number;
}

export interface ExpositionInput {
  readonly partitions: readonly ExposedPartition[];
  /** What the intake of this process counted; absent where it plays none. */
  readonly intake?: IntakeCounters | undefined;
  /** The time a maintenance window is judged by: the wall clock of a live agent. */
  readonly nowMs: number;
}

export interface ExpositionOptions {
  /** `auto`: all while the agent stays under `seriesMax`, then top. */
  readonly layers: 'auto' | 'all' | 'top' | 'none';
  /** Layers of a stream that are shown one by one in `top`. */
  readonly topLayers: number;
  readonly seriesMax: number;
}

export interface ExpositionMemory {
  /** `auto` shows the worst layers only. */
  readonly limited: boolean;
  readonly worst: WorstByStream;
  /** Series left out because of equal labels, since this process began. */
  readonly clashed: number;
}

export interface Exposition {
  readonly samples: readonly Sample[];
  readonly memory: ExpositionMemory;
}

export const NO_MEMORY: ExpositionMemory = { limited: false, worst: new Map(), clashed: 0 };

/** Once limited, all layers return only well below the limit, so that the exposition does not swing about it. */
const RETURN_SHARE = 0.8;

export function expose(
  { partitions, intake, nowMs }: ExpositionInput,
  options: ExpositionOptions,
  memory: ExpositionMemory,
): Exposition {
  const out = createCollector();
  const models = partitions.flatMap(({ view }) => view.models.map(withoutStopped));
  for (const model of models) {
    addModel(out, model, nowMs);
    for (const stream of model.streams) {
      addStream(out, stream);
      addRequests(out, stream);
    }
  }
  for (const partition of partitions) addPartition(out, partition);
  if (intake !== undefined) addIntake(out, intake);

  const limited = isLimited(options, memory, out.count() + countDetail(models));
  const mode = options.layers === 'auto' ? (limited ? 'top' : 'all') : options.layers;
  let worst: WorstByStream = new Map();
  if (mode === 'all') addAllDetail(out, models);
  if (mode === 'top')
    worst = addWorstDetail(out, models, { previous: memory.worst, count: options.topLayers });

  const clashed = memory.clashed + out.clashed();
  out.add(METRICS.detail_limited, {}, {}, limited ? 1 : 0);
  out.add(METRICS.agent_series_clashed_total, {}, {}, clashed);
  out.add(METRICS.agent_series, {}, {}, out.count() + 1);
  return { samples: out.samples(), memory: { limited, worst, clashed } };
}

/** Of a stream that is over, its state is told; its last numbers are not those of now. */
const withoutStopped = (model: ModelView): ModelView => ({
  ...model,
  streams: model.streams.map((stream) =>
    stream.state === 'stopped'
      ? { ...stream, cells: [], outputs: [], evidence: [], latency: NO_LATENCY, training: null }
      : stream,
  ),
});

function addPartition(
  out: Collector,
  { topic, partition, view, lagRecords, lostRecords }: ExposedPartition,
): void {
  const names = { topic, partition: String(partition) };
  out.add(METRICS.agent_lag_records, {}, names, lagRecords);
  out.add(METRICS.events_expired_total, {}, names, lostRecords);
  for (const [reason, count] of Object.entries(view.rejected))
    out.add(METRICS.events_rejected_total, {}, { reason, ...names }, count);
}

function isLimited(options: ExpositionOptions, memory: ExpositionMemory, series: number): boolean {
  if (options.layers !== 'auto') return false;
  return series > (memory.limited ? options.seriesMax * RETURN_SHARE : options.seriesMax);
}

export interface ExposerOptions extends ExpositionOptions {
  /** Told when `auto` begins or ends to show the worst layers only. */
  readonly onLimited: (limited: boolean) => void;
}

/** Keeps the memory between expositions. Any number of readers may ask; the same views give the same samples. */
export function createExposer(options: ExposerOptions): (input: ExpositionInput) => readonly Sample[] {
  if (!Number.isSafeInteger(options.topLayers) || options.topLayers < 1)
    throw new RangeError(`topLayers must be a whole number from 1 on, not ${options.topLayers}`);
  let memory = NO_MEMORY;
  return (input) => {
    const { samples, memory: next } = expose(input, options, memory);
    if (next.limited !== memory.limited) options.onLimited(next.limited);
    memory = next;
    return samples;
  };
}
