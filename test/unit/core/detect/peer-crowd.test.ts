/** More sources than traces: one number for each, and the same verdict on what is far off. */
import { describe, expect, it } from 'vitest';
import { newDetectorState } from '../../../../agent/core/detect/contract.ts';
import { peers } from '../../../../agent/core/detect/peers.ts';
import { scorePeers } from '../../../../agent/core/score/peers.ts';
import { createGaussian } from '../../../kit/events.ts';
import { bareTick } from '../../../kit/ticks.ts';
import { contextOf, START_MS } from './suite.ts';

const LAYERS = Array.from({ length: 50 }, (_, i) => `layer-${i}`);
const PLACES = Int32Array.from(LAYERS, (_, i) => i);
const SOURCES = Array.from({ length: 1001 }, (_, i) => `pod-${String(i).padStart(4, '0')}`);
const BAD = ['pod-0007', 'pod-0500'];
const FROM = 31;

/** Sums of few random numbers, for speed. */
function crowdTick(index: number, gaussian: () => number, by: number, bad: ReadonlySet<string>) {
  const noise = Array.from({ length: 997 }, gaussian);
  let next = index;
  const flushes = SOURCES.flatMap((source) =>
    Array.from({ length: 2 }, () => ({
      source,
      requests: 10,
      mean: (cell: number) => {
        next = (next * 31 + 7) % noise.length;
        return noise[next]! / Math.sqrt(10) + (bad.has(source) && cell >= FROM ? by : 0);
      },
      variance: 4,
    })),
  );
  return bareTick(index, LAYERS.length, flushes);
}

function play(changes: readonly { by: number; bad: readonly string[] }[]) {
  const gaussian = createGaussian(6);
  const state = newDetectorState(peers, LAYERS.length);
  const told = changes.map(({ by, bad }, i) => {
    const tick = crowdTick(START_MS / 10_000 + i, gaussian, by, new Set(bad));
    const context = contextOf(tick, null, { baseline: null, scores: null });
    return peers.tick!({ ...context, layers: LAYERS, peers: scorePeers(tick, null, PLACES) }, state);
  });
  return { told, state };
}

describe('a crowd of sources', () => {
  const { told, state } = play([
    { by: 0, bad: [] },
    { by: 4, bad: BAD },
    { by: 4, bad: BAD },
  ]);

  it('is quiet while nobody is off', () => {
    expect(told[0]).toEqual([]);
  });

  it('names those that are far off, and the layer where that begins', () => {
    expect(told[2]).toMatchObject([{ layer: FROM >> 1, site: 'output', sources: BAD, severity: 'page' }]);
  });

  it('takes four doubles a source', () => {
    expect(state.named.get(BAD[0]!)!.length).toBe(4);
  });

  it('is quiet when all move', () => {
    const moved = play([
      { by: 0, bad: [] },
      { by: 4, bad: SOURCES },
    ]);
    expect(moved.told.flat()).toEqual([]);
  });
});
