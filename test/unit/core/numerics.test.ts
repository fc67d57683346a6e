/** Incidents of hard rules: opened by single events, told of at the end of ticks. */
import { describe, expect, it } from 'vitest';
import type { Signal } from '../../../agent/core/detect/contract.ts';
import type { FindingLine, IncidentBook, Subject } from '../../../agent/core/incident.ts';
import { applyNonfinite, closeNumerics } from '../../../agent/core/numerics.ts';
import { formatTime } from '../../../agent/core/time.ts';
import { SECOND, T0 } from '../../kit/events.ts';
import { TICK_MS } from '../../kit/ticks.ts';

const SUBJECT: Subject = {
  id: 'serving/v1/stable',
  version: 'v1',
  role: 'stable',
  run: null,
  checkpoint: null,
  layers: ['a', 'b', 'c'],
};
const PODS = ['pod-0', 'pod-1', 'pod-2'];

const newBook = (): IncidentBook => ({
  environment: 'default',
  model: 'm',
  incidents: [],
  deployments: [],
  maintenanceUntilMs: null,
});

/** One event with NaN, `atMs` after the start. */
function event(
  book: IncidentBook,
  atMs: number,
  source: string,
  given: Partial<Signal> = {},
  subject = SUBJECT,
): FindingLine[] {
  const timeMs = T0 + atMs;
  const signal: Signal = {
    layer: 1,
    site: 'input',
    sources: [source],
    severity: 'page',
    cause: 'nonfinite',
    confidence: 1,
    effect: 5,
    unit: 'elements',
    onsetMs: timeMs,
    evidence: { nan_elements: 5 },
    says: `NaN from ${source}`,
    ...given,
  };
  const decision = { timeMs, tick: Math.floor(timeMs / TICK_MS), step: null, watermarkMs: timeMs };
  return applyNonfinite(book, subject, { detector: 'nonfinite', signal }, decision);
}

/** The end of the n-th tick. */
function close(book: IncidentBook, at: number, sources: readonly string[] = PODS): FindingLine[] {
  const index = T0 / TICK_MS + at;
  const timeMs = (index + 1) * TICK_MS;
  return closeNumerics(book, SUBJECT, sources, { timeMs, tick: index, step: null, watermarkMs: timeMs });
}

describe('an incident of a hard rule', () => {
  it('opens with the first event, at its own time', () => {
    expect(event(newBook(), 1_234, 'pod-1')).toMatchObject([
      {
        event: 'opened',
        time: formatTime(T0 + 1_234),
        onset: formatTime(T0 + 1_234),
        severity: 'page',
        layers: ['b'],
        sources: ['pod-1'],
        scope: 'source',
      },
    ]);
  });

  it('is one line for the same fault in all pods, and one more when their tick closes', () => {
    const book = newBook();
    event(book, SECOND, 'pod-0');
    expect([...event(book, 2 * SECOND, 'pod-1'), ...event(book, 3 * SECOND, 'pod-2')]).toEqual([]);
    expect(close(book, 0)).toMatchObject([{ event: 'changed', sources: [], scope: 'unknown' }]);
    expect(close(book, 1)).toEqual([]);
  });

  it('names those that have it while others do not', () => {
    const book = newBook();
    event(book, SECOND, 'pod-2');
    event(book, 2 * SECOND, 'pod-1');
    expect(close(book, 0)).toMatchObject([{ event: 'changed', sources: ['pod-1', 'pod-2'] }]);
    event(book, 11 * SECOND, 'pod-1');
    expect(close(book, 1)).toEqual([]);
  });

  it('is told as the earliest event of its first tick saw it, whichever came first', () => {
    const early = { layer: 0, says: 'the earliest', cause: 'fp16_overflow', evidence: { inf_elements: 1 } };
    const straight = newBook();
    event(straight, SECOND, 'pod-1', early);
    event(straight, 2 * SECOND, 'pod-0');
    const turned = newBook();
    event(turned, 2 * SECOND, 'pod-0');
    event(turned, SECOND, 'pod-1', early);
    for (const book of [straight, turned]) close(book, 0);
    expect(turned.incidents).toEqual(straight.incidents);
    expect(turned.incidents[0]).toMatchObject({
      layers: ['a'],
      cause: 'fp16_overflow',
      onsetMs: T0 + SECOND,
    });
  });

  it('is not told anew by later ticks, but counts their elements', () => {
    const book = newBook();
    event(book, SECOND, 'pod-0');
    close(book, 0);
    event(book, 15 * SECOND, 'pod-0', { layer: 0, says: 'later' });
    event(book, 14 * SECOND, 'pod-0');
    expect(book.incidents[0]).toMatchObject({ layers: ['b'], says: 'NaN from pod-0', effect: 15 });
  });

  it('that lasted a single moment still tells who had it when the next tick closes', () => {
    const book = newBook();
    event(book, SECOND, 'pod-0');
    event(book, 2 * SECOND, 'pod-1');
    expect(close(book, 1)).toMatchObject([{ event: 'changed', sources: ['pod-0', 'pod-1'] }]);
    expect(close(book, 2)).toEqual([]);
  });

  it('resolves after thirty ticks without', () => {
    const book = newBook();
    event(book, SECOND, 'pod-0');
    close(book, 0, ['pod-0']);
    for (let at = 1; at < 30; at++) expect(close(book, at)).toEqual([]);
    expect(close(book, 30)).toMatchObject([{ event: 'resolved', id: book.incidents[0]!.id }]);
    expect(event(book, 310 * SECOND, 'pod-0')).toMatchObject([{ event: 'opened', reopened: true }]);
  });

  it('stays open while elements come at least now and then', () => {
    const book = newBook();
    for (let at = 0; at < 200; at++) {
      if (at % 29 === 0) event(book, at * TICK_MS, 'pod-0');
      expect(close(book, at).filter((line) => line.event === 'resolved')).toEqual([]);
    }
  });

  it('is not ended by a tick before the one that opened it', () => {
    const book = newBook();
    for (const pod of PODS) event(book, 400 * TICK_MS, pod);
    expect(close(book, 0)).toEqual([]);
    expect(book.incidents[0]!.status).toBe('open');
  });

  it('is muted by a planned window', () => {
    const book = newBook();
    book.maintenanceUntilMs = T0 + 15 * SECOND;
    expect(event(book, SECOND, 'pod-0')).toMatchObject([{ suppressed: 'maintenance' }]);
    event(book, 16 * SECOND, 'pod-0');
    expect(close(book, 1, ['pod-0'])).toMatchObject([{ event: 'changed', suppressed: null }]);
  });

  it('of a run belongs to training', () => {
    const run: Subject = { ...SUBJECT, id: 'run/r1', role: null, run: 'r1' };
    expect(event(newBook(), 0, 'rank-0', {}, run)).toMatchObject([{ scope: 'training', run: 'r1' }]);
  });
});
