/** Ids and sentences of incidents. The lines themselves are in `lifecycle.test.ts`. */
import { describe, expect, it } from 'vitest';
import { hash, type Incident, type IncidentBook } from '../../../agent/core/incident.ts';
import { sentenceOf, shortList } from '../../../agent/core/sentence.ts';
import { MINUTE, T0 } from '../../kit/events.ts';

describe('the hash of an id', () => {
  // Published test vectors of FNV-1a, 64 bits.
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('of %j is %s', (text, wanted) => {
    expect(hash(text)).toBe(wanted);
  });
});

describe('a sentence', () => {
  const BOOK = { environment: 'default', model: 'm' } as IncidentBook;
  const base = {
    family: 'drift',
    version: 'v2',
    role: 'stable',
    run: null,
    step: null,
    sources: [],
    deployment: null,
    onsetMs: T0 + 5 * MINUTE,
    says: 'it is off',
  };
  it.each([
    ['m v2: it is off since 00:05:00 UTC', {}],
    ['m v2 (canary): it is off since 00:05:00 UTC', { role: 'canary' }],
    ['m v2, pod-1, pod-2: it is off since 00:05:00 UTC', { sources: ['pod-1', 'pod-2'] }],
    ['m v2: it is off since 00:05:00 UTC', { family: 'telemetry', sources: ['pod-1'] }],
    ['m r1: it is off at step 220', { role: null, run: 'r1', step: 220 }],
    [
      'm v2: it is off since 00:05:00 UTC, within a minute after v2 was deployed',
      { deployment: { version: 'v2', minutes: 0.4 } },
    ],
    [
      'm v2: it is off since 00:05:00 UTC, 12 min after v2 was deployed',
      { deployment: { version: 'v2', minutes: 12.3 } },
    ],
  ])('%s', (wanted, given) => {
    expect(sentenceOf(BOOK, { ...base, ...given } as Incident)).toBe(wanted);
  });

  it('names three at most', () => {
    expect(shortList(['a', 'b', 'c'])).toBe('a, b, c');
    expect(shortList(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  });
});
