/** Counts NaN and Inf of every event, and hands them to the hard rules. Only columns are counted. */

import type {
  ActivationsEvent,
  Block,
  Column,
  Event,
  NonfiniteEvent,
  TrainingStepEvent,
} from './decode/event.ts';
import type { NonfiniteContext } from './detect/contract.ts';
import { detectNonfinite } from './detection.ts';
import type { FoldContext } from './fold-context.ts';
import type { Subject } from './incident.ts';
import { count, type Model } from './model.ts';

const HOUR_MS = 3_600_000;
const HOURS_KEPT = 24;
/** Layers × kinds in one hour; more are counted in the totals only. */
const HOUR_KEYS_MAX = 512;

type Count = NonfiniteContext['counts'][number];
type Where = NonfiniteContext['where'];

/** Cells of an `activations` event that hold NaN or Inf, in forward order. Empty, at no cost, when there are none. */
export function activationCounts(event: ActivationsEvent): Count[] {
  const found: Count[] = [];
  if (!blockHas(event.input) && !blockHas(event.output)) return found;
  event.layers?.forEach((name, layer) => {
    for (const [site, block] of [
      ['input', event.input],
      ['output', event.output],
    ] as const) {
      const nan = block?.nan?.[layer] ?? 0;
      const inf = block?.inf?.[layer] ?? 0;
      if (nan === 0 && inf === 0) continue;
      const max = block?.max?.[layer] ?? null;
      const min = block?.min?.[layer] ?? null;
      const magnitude = max === null || min === null ? null : Math.max(Math.abs(max), Math.abs(min));
      found.push({ layer, name, site, nan, inf, magnitude });
    }
  });
  return found;
}

/** Groups of a training step with NaN or Inf in one direction; the forward pass tells first where it began. */
export function trainingCounts(event: TrainingStepEvent, where: Where): Count[] {
  const nans = where === 'forward' ? event.nan_forward : event.nan_backward;
  const infs = where === 'forward' ? event.inf_forward : event.inf_backward;
  const found: Count[] = [];
  if (!columnHas(nans) && !columnHas(infs)) return found;
  event.groups?.forEach((name, layer) => {
    const nan = nans?.[layer] ?? 0;
    const inf = infs?.[layer] ?? 0;
    if (nan > 0 || inf > 0) found.push({ layer, name, site: null, nan, inf, magnitude: null });
  });
  // Backward, what comes later in forward order is computed first, so it is the origin.
  return where === 'backward' ? found.reverse() : found;
}

export function noticeCounts(event: NonfiniteEvent, layer: number): Count[] {
  return [
    {
      layer,
      name: event.layer,
      site: event.site ?? null,
      nan: event.nan ?? 0,
      inf: event.inf ?? 0,
      magnitude: null,
    },
  ];
}

/** Adds to the totals and the hourly figures, and keeps the last day. */
export function countNonfinite(model: Model, event: Event, where: Where, counts: readonly Count[]): void {
  if (counts.length === 0) return;
  const hourly = hourOf(model, event.timeMs);
  for (const { name, site, nan, inf } of counts) {
    for (const [kind, elements] of [
      ['nan', nan],
      ['inf', inf],
    ] as const) {
      if (elements === 0) continue;
      count(model.nonfinite, `${kind}/${where}`, elements);
      const key = [event.version, name, site ?? '', kind, where].join('\n');
      if (hourly !== null && (hourly.size < HOUR_KEYS_MAX || hourly.has(key))) count(hourly, key, elements);
    }
  }
  model.nonfiniteLastMs = Math.max(model.nonfiniteLastMs ?? 0, Math.min(event.timeMs, model.newestMs));
}

/** The figures of an event's hour; null where that is none of the last day. */
function hourOf(model: Model, timeMs: number): Map<string, number> | null {
  const hour = Math.floor(timeMs / HOUR_MS);
  if (timeMs > model.newestMs || hour < oldestHour(model)) return null;
  let hourly = model.nonfiniteHours.get(String(hour));
  if (hourly === undefined) {
    hourly = new Map();
    model.nonfiniteHours.set(String(hour), hourly);
  }
  return hourly;
}

const oldestHour = (model: Model): number => Math.floor(model.newestMs / HOUR_MS) - HOURS_KEPT + 1;

/**
 * How far the model's time has come, and forgets hours that it has left a day behind. A clock that is far ahead may take it
 * no further than the time at which the log took the record, or, where that is not known, an hour a record.
 */
export function noteNewest(model: Model, timeMs: number, arrivedMs: number | null): void {
  const furthestMs = arrivedMs ?? (model.newestMs === 0 ? timeMs : model.newestMs + HOUR_MS);
  const newestMs = Math.min(timeMs, furthestMs);
  if (newestMs <= model.newestMs) return;
  model.newestMs = newestMs;
  const oldest = oldestHour(model);
  for (const hour of model.nonfiniteHours.keys())
    if (Number(hour) < oldest) model.nonfiniteHours.delete(hour);
}

/** Opens or feeds the incident of the hard rule. `tick` counts ticks of serving or steps of a run. */
export function raiseNonfinite(
  fold: FoldContext,
  model: Model,
  subject: Subject,
  event: Event,
  where: Where,
  counts: readonly Count[],
  tick: number,
): void {
  if (counts.length === 0) return;
  const step = subject.run === null ? null : (event.step ?? null);
  const context: NonfiniteContext = { timeMs: event.timeMs, source: event.source, step, where, counts };
  detectNonfinite(fold, model, subject, context, {
    timeMs: event.timeMs,
    tick,
    step,
    watermarkMs: event.timeMs,
  });
}

const blockHas = (block: Block | undefined): boolean => columnHas(block?.nan) || columnHas(block?.inf);

function columnHas(column: Column | undefined): boolean {
  if (column === undefined) return false;
  for (let i = 0; i < column.length; i++) if (column[i] !== 0 && column[i] !== null) return true;
  return false;
}
