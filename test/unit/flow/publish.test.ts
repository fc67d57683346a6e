/** Silence of a whole stream: from the wall clock, and only where it can be known. */
import { describe, expect, test } from 'vitest';
import type { PartitionView, StreamStateName } from '../../../agent/core/view.ts';
import { withSilence } from '../../../agent/flow/publish.ts';

const viewOf = (state: StreamStateName, lastMs: number[], watermarkMs: number | null = null): PartitionView =>
  ({
    rejected: {},
    models: [
      {
        streams: [
          {
            id: 's',
            state,
            watermarkMs,
            sources: lastMs.map((ms, i) => ({ source: `${i}`, status: 'live', lastMs: ms })),
          },
        ],
      },
    ],
  }) as unknown as PartitionView;
const stateOf = (view: PartitionView): StreamStateName => view.models[0]!.streams[0]!.state;

describe('a stream', () => {
  test.each([
    ['heard of too long ago is silent', viewOf('guarded', [1_000]), 0, 31_000, 'silent'],
    ['is judged by its liveliest source', viewOf('guarded', [1_000, 2_000]), 0, 31_000, 'guarded'],
    ['is not silent while the agent lags', viewOf('guarded', [1_000]), 1, 99_000, 'guarded'],
    ['is not silent while nobody knows the log', viewOf('guarded', [1_000]), null, 99_000, 'guarded'],
    ['that has stopped stays stopped', viewOf('stopped', [1_000]), 0, 99_000, 'stopped'],
    ['that calibrates can fall silent', viewOf('calibrating', [1_000]), 0, 99_000, 'silent'],
    ['that drifts can fall silent', viewOf('drifting', [1_000]), 0, 99_000, 'silent'],
    ['without sources is judged by its watermark', viewOf('guarded', [], 1_000), 0, 99_000, 'silent'],
    ['never heard of is not judged', viewOf('calibrating', []), 0, 99_000, 'calibrating'],
  ] as const)('%s', (_, view, lag, nowMs, expected) => {
    expect(stateOf(withSilence(view, { nowMs, lag, silenceMs: 30_000 }))).toBe(expected);
  });

  test('that is heard of leaves the view untouched', () => {
    const view = viewOf('guarded', [1_000]);
    expect(withSilence(view, { nowMs: 2_000, lag: 0, silenceMs: 30_000 })).toBe(view);
  });

  test('that falls silent leaves the committed view as it is', () => {
    const view = viewOf('guarded', [1_000]);
    withSilence(view, { nowMs: 99_000, lag: 0, silenceMs: 30_000 });
    expect(stateOf(view)).toBe('guarded');
  });
});
