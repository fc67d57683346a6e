/** One input repeated: flushes without any scatter, tick after tick, on traffic that scatters otherwise. */
import { describe, expect, it } from 'vitest';
import { addTick, newBucket } from '../../../../agent/core/bucket.ts';
import { newDetectorState, type TickContext } from '../../../../agent/core/detect/contract.ts';
import { stuckInput } from '../../../../agent/core/detect/stuck_input.ts';
import { takeFindings } from '../../../../agent/core/fold.ts';
import { createGaussian } from '../../../kit/events.ts';
import { foldAll, partitionWithBaseline, recording } from '../../../kit/recording.ts';
import { bareTick, TICK_MS } from '../../../kit/ticks.ts';
import { contextOf, detectorSuite, FIRST, LAYERS, PODS, trafficBaseline, trafficContexts } from './suite.ts';

const BASELINE = trafficBaseline();

/** What a source computes in a tick: another input for each flush, or the one of that number. */
type InputOf = (source: string, tick: number) => 'any' | number;

/** Ticks of `flushes` flushes a source, each of `requests` requests. */
function played(
  ticks: number,
  inputOf: InputOf,
  { flushes = 4, requests = 10, pods = PODS as readonly string[], baseline = BASELINE } = {},
): TickContext[] {
  const gaussian = createGaussian(7);
  return Array.from({ length: ticks }, (_, i) => {
    const all = pods.flatMap((source) =>
      Array.from({ length: flushes }, () => {
        const input = inputOf(source, i);
        // One text is one request over and over, so its mean does not depend on how many came.
        const draw = input === 'any' ? gaussian : createGaussian(input);
        const scatter = input === 'any' ? 1 / Math.sqrt(requests) : 1;
        return {
          source,
          requests,
          mean: (cell: number) => 10 * cell + scatter * draw(),
          variance: () => 4 + 0.4 * scatter * draw(),
        };
      }),
    );
    return contextOf(bareTick(FIRST + i, LAYERS.length, all), baseline);
  });
}

const any: InputOf = () => 'any';
const stuckFrom =
  (tick: number, ...sources: string[]): InputOf =>
  (source, i) =>
    i >= tick && (sources.length === 0 || sources.includes(source)) ? 21 : 'any';
const one = { flushes: 1, requests: 3, pods: ['pod-0'] };

/** A model whose activations do not depend on the request. */
const CONSTANT = (() => {
  const bucket = newBucket(LAYERS.length);
  for (let i = 0; i < 120; i++)
    addTick(
      bucket,
      bareTick(
        i,
        LAYERS.length,
        PODS.map((source) => ({ source, requests: 10, mean: 2 })),
      ),
      'full',
    );
  return bucket;
})();

detectorSuite(stuckInput, {
  quiet: {
    'in usual traffic': trafficContexts(new Array(50).fill({})),
    'in usual traffic of one flush a tick': played(200, any, one),
    'in usual traffic of very many requests': played(100, any, { flushes: 1, requests: 20_000 }),
    'when one source repeats itself for two ticks': played(20, (source, i) =>
      source === 'pod-1' && i % 4 < 2 ? i >> 2 : 'any',
    ),
    'when seven flushes in a row are equal': played(16, (_, i) => (i >> 3 === 0 && i < 7 ? 5 : 'any'), one),
    'when every tick has another input': played(20, (_, i) => i, one),
    'of a model that is constant by itself': Array.from({ length: 10 }, (_, i) =>
      contextOf(
        bareTick(
          FIRST + i,
          LAYERS.length,
          PODS.flatMap((source) => new Array(12).fill({ source, requests: 10, mean: 2 })),
        ),
        CONSTANT,
      ),
    ),
    'without a baseline': played(10, stuckFrom(0)).map((context) => ({
      ...context,
      scores: null,
      baseline: null,
    })),
  },
  alarms: {
    'of all sources once their equal flushes are thirty': {
      contexts: played(6, stuckFrom(1)),
      tick: 3,
      layer: 'embeddings',
      severity: 'ticket',
      says: {
        cause: 'stuck_input',
        confidence: 0.9,
        sources: [],
        onsetMs: (FIRST + 1) * TICK_MS,
        evidence: { equal_flushes: 36, equal_ticks: 3, stuck_sources: 3 },
      },
    },
    'of all sources in one tick with many flushes': {
      contexts: played(3, stuckFrom(1), { flushes: 10 }),
      tick: 1,
      layer: 'embeddings',
      severity: 'ticket',
    },
    'of one source in its third tick, and names it': {
      contexts: played(8, stuckFrom(2, 'pod-1')),
      tick: 4,
      layer: 'embeddings',
      severity: 'ticket',
      says: { sources: ['pod-1'], onsetMs: (FIRST + 2) * TICK_MS, effect: 1 / 3 },
    },
    'of one flush a tick from tick to tick': {
      contexts: played(12, stuckFrom(2), one),
      tick: 9,
      layer: 'embeddings',
      severity: 'ticket',
      says: { sources: [], evidence: { equal_flushes: 8, equal_ticks: 8, stuck_sources: 1 } },
    },
  },
});

describe('what it remembers', () => {
  it('is nothing of sources whose flushes differ', () => {
    const state = newDetectorState(stuckInput, LAYERS.length);
    for (const context of played(5, (_, i) => (i < 2 ? 3 : 'any'))) stuckInput.tick!(context, state);
    expect(state.named.size).toBe(0);
  });
});

describe('a recording', () => {
  it('whose pods all compute one text from some time on tells of it in one incident', () => {
    const events = recording('healthy');
    const sinceMs = events[0]!.timeMs + 120_000;
    const stuck = events.find((event) => event.kind === 'activations' && event.timeMs >= sinceMs);
    if (stuck?.kind !== 'activations') throw new Error('no flush');
    const repeated = events.map((event) =>
      event.kind !== 'activations' || event.timeMs < sinceMs
        ? event
        : { ...event, input: stuck.input!, output: stuck.output! },
    );
    const findings = takeFindings(foldAll(partitionWithBaseline(), repeated));
    expect(new Set(findings.map(({ id }) => id)).size).toBe(1);
    expect(findings.at(-1)).toMatchObject({ cause: 'stuck_input', scope: 'input', sources: [] });
    expect(findings.at(-1)!.detectors).toContain('stuck_input');
  });
});
