/** Closed ticks folded without events: what weeks of simulated traffic, drawn from a recording's ticks, can afford. */
import { noteTime } from './clock.ts';
import type { Partition } from './fold.ts';
import { type Model, newModel } from './model.ts';
import type { TickSeries } from './series.ts';
import { closeOne, streamFor } from './serving.ts';
import { placesFor, type Stream } from './stream.ts';
import type { TickSummary } from './tick.ts';

export interface TickFold {
  readonly model: Model;
  readonly stream: Stream;
  /** Ticks come in order. Incident lines wait in the partition as always. */
  fold(tick: TickSummary): void;
}

/** A stream of the same name and layers as that of the series. References are pinned to the partition before. */
export function createTickFold(partition: Partition, series: TickSeries): TickFold {
  partition.unseen = true;
  const key = `${series.environment}/${series.model}`;
  let model = partition.models.get(key);
  if (model === undefined) {
    model = newModel(series.environment, series.model);
    partition.models.set(key, model);
  }
  const stream = streamFor(model, series.version, series.role, series.checkpoint);
  placesFor(stream, series.layers);
  return {
    model,
    stream,
    fold(tick) {
      for (const { source } of tick.sources) noteTime(stream.clock, source, tick.endMs, null);
      stream.closedTick = tick.index;
      closeOne(partition, model, stream, tick, tick.endMs + partition.settings.latenessMs);
    },
  };
}
