/** How wide an incident is: its sources, its scope, and the planned windows that mute it. */
import { describe, expect, it } from 'vitest';
import { formatTime } from '../../../agent/core/time.ts';
import { HOUR, MINUTE, T0 } from '../../kit/events.ts';
import { newBook, play, signal, tick, times } from '../../kit/incidents.ts';
import { TICK_MS } from '../../kit/ticks.ts';

describe('sources of an incident', () => {
  it('widen and never shrink', () => {
    const lines = play(newBook(), [
      [signal({ sources: ['pod-2'] })],
      [signal({ sources: ['pod-1'] })],
      [signal({ sources: ['pod-1'] })],
      [signal({ sources: [] })],
      [signal({ sources: ['pod-1'] })],
    ]);
    expect(lines.map(({ event, sources, scope }) => [event, sources, scope])).toEqual([
      ['opened', ['pod-2'], 'source'],
      ['changed', ['pod-1', 'pod-2'], 'source'],
      ['changed', [], 'unknown'],
    ]);
  });

  it('are all from the start where no source is named', () => {
    const lines = play(newBook(), [[signal()], [signal({ sources: ['pod-1'] })]]);
    expect(lines.map(({ sources }) => sources)).toEqual([[]]);
  });
});

describe('the scope of an incident', () => {
  const deployed = (timeMs: number, version = 'v1') =>
    newBook({
      deployments: [{ timeMs, version, previousVersion: null, checkpoint: null, change: null }],
    });
  it.each([
    ['of moved traffic is the input', newBook(), { cause: 'input_shift' }, 'input'],
    ['of an input that stands still is the input', newBook(), { cause: 'stuck_input' }, 'input'],
    ['of another cause is not known, be it the first layer', newBook(), { layer: 0 }, 'unknown'],
    ['of one source is the source, even after a deployment', deployed(T0), { sources: ['p'] }, 'source'],
    ['after a deployment is the rollout', deployed(T0 - 30 * MINUTE), { cause: 'input_shift' }, 'rollout'],
    ['long after a deployment is not the rollout', deployed(T0 - 30 * MINUTE - 1), { layer: 1 }, 'unknown'],
    ['a tick before its deployment is the rollout all the same', deployed(T0 + 10_000), {}, 'rollout'],
    ['before a deployment is not the rollout', deployed(T0 + 10_001), {}, 'unknown'],
    ['after a deployment of another version is not the rollout', deployed(T0, 'v2'), {}, 'unknown'],
  ])('%s', (_, book, given, scope) => {
    expect(tick(book, 0, [signal(given)])[0]).toMatchObject({ scope });
  });
});

describe('a planned window', () => {
  it('mutes what opens in it, and lets it be heard when it ends', () => {
    const book = newBook({ maintenanceUntilMs: T0 + 3 * TICK_MS });
    const lines = play(book, times(5, [signal({ severity: 'page' })]));
    expect(lines.map(({ event, time, suppressed, severity }) => [event, time, suppressed, severity])).toEqual(
      [
        ['opened', formatTime(T0 + TICK_MS), 'maintenance', 'page'],
        ['changed', formatTime(T0 + 3 * TICK_MS), null, 'page'],
      ],
    );
  });

  it('mutes what is open when it begins', () => {
    const book = newBook();
    tick(book, 0, [signal()]);
    book.maintenanceUntilMs = T0 + HOUR;
    expect(tick(book, 1, [signal()])).toMatchObject([{ event: 'changed', suppressed: 'maintenance' }]);
  });
});
