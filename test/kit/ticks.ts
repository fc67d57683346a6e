/** Closed ticks from events or from bare numbers, for tests of what comes after the tick. */
import type { ActivationsEvent } from '../../agent/core/decode/event.ts';
import { placesOf } from '../../agent/core/layout.ts';
import * as m from '../../agent/core/moments.ts';
import {
  addActivations,
  addOutputs,
  closeTick,
  newOpenTick,
  type TickSummary,
} from '../../agent/core/tick.ts';
import type { EventOfKind } from './events.ts';

export const TICK_MS = 10_000;

export function tickOf(
  index: number,
  layers: readonly string[],
  events: readonly (ActivationsEvent | EventOfKind<'outputs'>)[],
): TickSummary {
  const open = newOpenTick(index, layers.length);
  for (const event of events) {
    if (event.kind === 'outputs') addOutputs(open, event);
    else addActivations(open, event, placesOf(event.layers ?? [], layers), layers.length);
  }
  return closeTick(open, TICK_MS, layers.length);
}

/** One flush of one source: the same numbers for every cell unless given by cell. */
export interface BareFlush {
  readonly source?: string;
  readonly requests: number;
  readonly mean: number | ((cell: number) => number);
  readonly variance?: number | ((cell: number) => number);
}

const ELEMENTS_PER_REQUEST = 100;

/** A tick without events: as fast as simulations of weeks need it. Every cell is measured by every flush. */
export function bareTick(index: number, layerCount: number, flushes: readonly BareFlush[]): TickSummary {
  const open = newOpenTick(index, layerCount);
  for (const { source = 'pod-0', requests, mean, variance = 1 } of flushes) {
    let own = open.sources.get(source);
    if (own === undefined) {
      const cells = new Float64Array(layerCount * 2 * m.TICK_STRIDE);
      own = { flushes: 0, signs: 0, requests: 0, tokens: 0, cells, outputs: new Map(), sums: new Map() };
      open.sources.set(source, own);
    }
    own.flushes++;
    own.signs++;
    own.requests += requests;
    for (let cell = 0; cell < layerCount * 2; cell++) {
      const meanOf = typeof mean === 'number' ? mean : mean(cell);
      const varianceOf = typeof variance === 'number' ? variance : variance(cell);
      const count = requests * ELEMENTS_PER_REQUEST;
      m.addFlush(own.cells, cell * m.TICK_STRIDE, count, meanOf, varianceOf, varianceOf, requests);
      m.addExtremes(own.cells, cell * m.TICK_STRIDE, meanOf - 1, meanOf + 1);
      open.min[cell] = Math.min(open.min[cell]!, meanOf - 1);
      open.max[cell] = Math.max(open.max[cell]!, meanOf + 1);
    }
  }
  return closeTick(open, TICK_MS, layerCount);
}
