/** What an open incident goes on to tell: surer causes, earlier layers, wider faults, and the scope that follows. */
import { describe, expect, it } from 'vitest';
import { MINUTE, T0 } from '../../kit/events.ts';
import { type Named, newBook, play, signal, subjectOf, tick } from '../../kit/incidents.ts';

const told = (...signals: Named[]) =>
  play(
    newBook(),
    signals.map((one) => [one]),
  );
const opening = {
  layer: 1,
  cause: 'weight_corruption',
  confidence: 0.5,
  says: 'first',
  evidence: { first: 1 },
};

describe('a cause', () => {
  it('gives way to one that is surer, with what it says and knows', () => {
    const surer = { cause: 'epsilon_mismatch', confidence: 0.7, says: 'surer', evidence: { epsilon: 1e-3 } };
    const [opened, changed, ...more] = told(signal(opening), signal({ ...surer, layer: 1 }), signal(opening));
    expect(opened).toMatchObject({ cause: 'weight_corruption', confidence: 0.5 });
    expect(changed).toMatchObject({
      event: 'changed',
      cause: 'epsilon_mismatch',
      confidence: 0.7,
      evidence: { first: 1, epsilon: 1e-3 },
    });
    expect(changed!.message).toContain('surer');
    expect(more).toEqual([]);
  });

  it.each([
    ['hardly surer', { cause: 'input_shift', confidence: 0.58 }],
    ['less sure', { cause: 'input_shift', confidence: 0.3 }],
    ['not known', { cause: 'unknown', confidence: 0.9 }],
  ])('stays where another is %s', (_, given) => {
    expect(told(signal(opening), signal({ layer: 1, ...given }))).toHaveLength(1);
  });

  it('brings its scope with it', () => {
    const [, changed] = told(signal(opening), signal({ layer: 1, cause: 'input_shift', confidence: 0.8 }));
    expect(changed).toMatchObject({ cause: 'input_shift', scope: 'input' });
  });
});

describe('an origin', () => {
  it('moves to an earlier layer that is told as surely', () => {
    const [, changed] = told(signal(opening), signal({ ...opening, layer: 0, says: 'earlier' }));
    expect(changed).toMatchObject({ layers: ['a'] });
    expect(changed!.message).toContain('earlier');
  });

  it.each([
    ['an earlier layer that is told less surely', { layer: 0, confidence: 0.4 }],
    ['a later layer', { layer: 2 }],
    ['what is about no layer', { layer: -1 }],
  ])('does not move to %s', (_, given) => {
    expect(told(signal(opening), signal({ ...opening, ...given }))).toHaveLength(1);
  });

  it('is found where none was known at first', () => {
    const [, changed] = told(signal({ ...opening, layer: -1 }), signal({ ...opening, layer: 2 }));
    expect(changed).toMatchObject({ layers: ['c'] });
  });
});

describe('a fault of one source', () => {
  const ofOne = signal({ ...opening, sources: ['pod-1'] });
  const ofAll = (everywhere?: boolean): Named => ({
    ...signal({ ...opening, sources: [] }),
    ...(everywhere === undefined ? {} : { everywhere }),
  });

  it('is one of all once each source shows it', () => {
    expect(told(ofOne, ofAll(true))[1]).toMatchObject({ sources: [], scope: 'unknown' });
    expect(told(ofOne, ofAll())[1]).toMatchObject({ sources: [], scope: 'unknown' });
  });

  it('stays one while the mean of all shows it, but not each source', () => {
    expect(told(ofOne, ofAll(false), ofAll(false))).toHaveLength(1);
  });

  it('of a canary is the rollout, not the source', () => {
    const deployments = [
      { timeMs: T0 - 5 * MINUTE, version: 'v1', previousVersion: 'v0', checkpoint: null, change: null },
    ];
    const canary = subjectOf({ id: 'serving/v1/canary', role: 'canary' });
    expect(tick(newBook({ deployments }), 0, [ofOne], { subject: canary })[0]).toMatchObject({
      scope: 'rollout',
    });
    expect(tick(newBook(), 0, [ofOne], { subject: canary })[0]).toMatchObject({ scope: 'source' });
    expect(tick(newBook({ deployments }), 0, [ofOne])[0]).toMatchObject({ scope: 'source' });
  });

  it('that was a rollout from the start widens into one', () => {
    const deployments = [
      { timeMs: T0, version: 'v1', previousVersion: 'v0', checkpoint: null, change: null },
    ];
    const book = newBook({ deployments });
    const lines = play(book, [[ofOne], [signal({ ...opening, sources: ['pod-2'] })], [ofAll(true)]]);
    expect(lines.map(({ scope, sources }) => [scope, sources])).toEqual([
      ['source', ['pod-1']],
      ['source', ['pod-1', 'pod-2']],
      ['rollout', []],
    ]);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(1);
  });
});
