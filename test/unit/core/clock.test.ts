/**
 * Event time of a stream. Each test plays a schedule of records and looks at who was folded and where the watermark
 * ended. Times are seconds; the watermark is checked against a median taken here.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  forgetSilent,
  newStreamClock,
  noteTime,
  SOURCES_MAX,
  type StreamClock,
  streamClockCodec,
  type TimeVerdict,
  watermarkOf,
} from '../../../agent/core/clock.ts';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../kit/events.ts';

const T = 1_000_000 * SECOND;

interface Told {
  readonly source: string;
  readonly atMs: number;
  readonly verdict: TimeVerdict;
}

/** One record. */
const note = (clock: StreamClock, source: string, atMs: number, arrivedMs: number | null = null): Told => ({
  source,
  atMs,
  verdict: noteTime(clock, source, T + atMs, arrivedMs === null ? null : T + arrivedMs),
});

/** Each source sends every `everyMs`, from `fromMs` up to `toMs`; `shift` is what its clock is off. */
function play(
  clock: StreamClock,
  sources: readonly string[],
  {
    fromMs,
    toMs,
    everyMs = SECOND,
    shift = {},
  }: { fromMs: number; toMs: number; everyMs?: number; shift?: Record<string, number> },
): Told[] {
  const told: Told[] = [];
  for (let atMs = fromMs; atMs < toMs; atMs += everyMs)
    for (const source of sources) told.push(note(clock, source, atMs + (shift[source] ?? 0)));
  return told;
}

const badOf = (told: readonly Told[]): Told[] => told.filter(({ verdict }) => verdict !== 'good');
const count = (told: readonly Told[], source: string, verdict: TimeVerdict): number =>
  told.filter((one) => one.source === source && one.verdict === verdict).length;
const watermark = (clock: StreamClock): number => watermarkOf(clock)! - T;
const PODS = ['pod-0', 'pod-1', 'pod-2'];

describe('watermark', () => {
  it('is the lower median of the last times of live sources', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50 * SECOND), { minLength: 1, maxLength: 12 }), (times) => {
        const clock = newStreamClock();
        times.forEach((atMs, i) => {
          note(clock, `pod-${i}`, atMs);
        });
        const sorted = [...times].sort((a, b) => a - b);
        expect(watermark(clock)).toBe(sorted[Math.floor((sorted.length - 1) / 2)]);
      }),
    );
  });

  it('is not known before the first record, and does not fall with a late one', () => {
    const clock = newStreamClock();
    expect(watermarkOf(clock)).toBeNull();
    note(clock, 'pod-0', 10 * SECOND);
    note(clock, 'pod-0', 4 * SECOND);
    expect(watermark(clock)).toBe(10 * SECOND);
  });

  it('leaves out sources that are gone, unless all are', () => {
    const clock = newStreamClock();
    note(clock, 'pod-0', 1 * SECOND);
    note(clock, 'pod-1', 9 * SECOND);
    clock.sources.get('pod-0')!.status = 'gone';
    expect(watermark(clock)).toBe(9 * SECOND);
    clock.sources.get('pod-1')!.status = 'gone';
    expect(watermark(clock)).toBe(1 * SECOND);
  });
});

describe('one bad clock', () => {
  it.each([
    ['a pod whose clock jumps ahead by an hour', HOUR],
    ['a pod whose clock jumps ahead by two minutes', 2 * MINUTE],
    ['a pod whose clock jumps into the year 2099', 70 * 365 * DAY],
  ])('%s is skewed for as long as it lasts, and the others are not disturbed', (_, jump) => {
    const clock = newStreamClock();
    expect(badOf(play(clock, PODS, { fromMs: 0, toMs: 2 * MINUTE }))).toEqual([]);
    const told = play(clock, PODS, { fromMs: 2 * MINUTE, toMs: 12 * MINUTE, shift: { 'pod-2': jump } });
    expect(count(told, 'pod-2', 'skewed')).toBe(600);
    expect(badOf(told).every(({ source }) => source === 'pod-2')).toBe(true);
    expect(watermark(clock)).toBe(12 * MINUTE - SECOND);
    expect(clock.sources.get('pod-2')!.status).toBe('skewed');
    expect(badOf(play(clock, PODS, { fromMs: 12 * MINUTE, toMs: 13 * MINUTE }))).toEqual([]);
    expect(clock.sources.get('pod-2')!.status).toBe('live');
  });

  it('of a pod that was an hour ahead from its first record is never folded', () => {
    const clock = newStreamClock();
    play(clock, ['pod-0'], { fromMs: 0, toMs: MINUTE });
    const told = play(clock, ['pod-0', 'pod-1'], {
      fromMs: MINUTE,
      toMs: 10 * MINUTE,
      shift: { 'pod-1': HOUR },
    });
    expect(count(told, 'pod-1', 'good')).toBe(0);
    expect(count(told, 'pod-0', 'good')).toBe(540);
    expect(watermark(clock)).toBe(10 * MINUTE - SECOND);
    const right = play(clock, ['pod-1'], { fromMs: 10 * MINUTE, toMs: 11 * MINUTE });
    expect(badOf(right)).toEqual([]);
    expect(clock.sources.get('pod-1')!.lastMs - T).toBe(11 * MINUTE - SECOND);
  });

  it('of a pod an hour behind does not hold back its only peer', () => {
    const clock = newStreamClock();
    play(clock, ['pod-0'], { fromMs: 0, toMs: MINUTE });
    const told = play(clock, ['pod-0', 'pod-1'], {
      fromMs: MINUTE,
      toMs: 10 * MINUTE,
      shift: { 'pod-1': -HOUR },
    });
    expect(count(told, 'pod-0', 'good')).toBe(540);
    expect(watermark(clock)).toBe(10 * MINUTE - SECOND);
    expect(clock.sources.get('pod-1')!.status).toBe('skewed');
  });

  it.each([
    ['one source', ['pod-0']],
    ['three sources', PODS],
  ])('in a single record of the year 2099 costs %s that record alone', (_, pods) => {
    const clock = newStreamClock();
    play(clock, pods, { fromMs: 0, toMs: MINUTE });
    expect(note(clock, 'pod-0', 70 * 365 * DAY).verdict).toBe('skewed');
    expect(badOf(play(clock, pods, { fromMs: MINUTE, toMs: 2 * MINUTE }))).toEqual([]);
    expect(watermark(clock)).toBe(2 * MINUTE - SECOND);
  });

  it('is told by the time at which the log took the record, even when there is no other source', () => {
    const clock = newStreamClock();
    expect(note(clock, 'pod-0', 61 * SECOND, 0).verdict).toBe('skewed');
    expect(note(clock, 'pod-0', 60 * SECOND, 0).verdict).toBe('good');
    expect(note(clock, 'pod-0', 0, HOUR).verdict).toBe('good');
  });

  it('in two new pods does not outvote the one that is right', () => {
    const clock = newStreamClock();
    play(clock, ['pod-0'], { fromMs: 0, toMs: MINUTE });
    const told: Told[] = [];
    for (let atMs = MINUTE; atMs < 5 * MINUTE; atMs += SECOND) {
      for (const pod of ['pod-1', 'pod-2']) told.push(note(clock, pod, atMs + HOUR, atMs));
      told.push(note(clock, 'pod-0', atMs, atMs));
    }
    expect(count(told, 'pod-0', 'good')).toBe(240);
    expect(watermark(clock)).toBe(5 * MINUTE - SECOND);
  });
});

describe('a stream', () => {
  it('goes on when most of its sources die, and keeps the dead apart from those that left', () => {
    const clock = newStreamClock();
    play(clock, PODS, { fromMs: 0, toMs: 5 * MINUTE });
    const told = play(clock, ['pod-2'], { fromMs: 5 * MINUTE, toMs: 10 * MINUTE });
    // A minute within the tolerance, then as many in a row as tell one bad clock from a stream that moved on.
    expect(badOf(told).length).toBeLessThanOrEqual(9);
    expect(watermark(clock)).toBe(10 * MINUTE - SECOND);
    expect(PODS.map((pod) => clock.sources.get(pod)!.status)).toEqual(['left', 'left', 'live']);
  });

  it.each([
    ['one source', ['pod-0'], 2],
    ['three sources', PODS, 8],
  ])('of %s goes on after a pause of hours', (_, pods, most) => {
    const clock = newStreamClock();
    play(clock, pods, { fromMs: 0, toMs: MINUTE });
    const told = play(clock, pods, { fromMs: 5 * HOUR, toMs: 5 * HOUR + MINUTE });
    expect(badOf(told).length).toBeLessThanOrEqual(most);
    expect(watermark(clock)).toBe(5 * HOUR + 59 * SECOND);
    for (const pod of pods) expect(clock.sources.get(pod)!.status).toBe('live');
  });

  it.each([
    ['one source', ['job'], 1],
    ['three sources', PODS, 3],
  ])('of %s with a flush every two minutes is not taken for skewed', (_, sources, most) => {
    const clock = newStreamClock();
    const told = play(clock, sources, { fromMs: 0, toMs: 4 * HOUR, everyMs: 2 * MINUTE });
    expect(badOf(told).length).toBeLessThanOrEqual(most);
    expect(watermark(clock)).toBe(4 * HOUR - 2 * MINUTE);
  });

  it.each([
    ['one source', ['pod-0']],
    ['three sources', PODS],
  ])('of %s that moves back as a whole goes on from there', (_, pods) => {
    const clock = newStreamClock();
    play(clock, pods, { fromMs: 2 * HOUR, toMs: 2 * HOUR + 5 * MINUTE });
    const told = play(clock, pods, { fromMs: 0, toMs: 5 * MINUTE });
    expect(told.filter(({ verdict }) => verdict === 'moved_back')).toHaveLength(1);
    expect(told.findIndex(({ verdict }) => verdict === 'moved_back')).toBe(3 * pods.length - 1);
    expect(watermark(clock)).toBe(5 * MINUTE - SECOND);
    for (const pod of pods) expect(clock.sources.get(pod)!.status).toBe('live');
  });

  it('that moved back does not miss who did not come along', () => {
    const clock = newStreamClock();
    play(clock, PODS, { fromMs: 2 * HOUR, toMs: 2 * HOUR + MINUTE });
    play(clock, ['pod-0', 'pod-1'], { fromMs: 0, toMs: MINUTE });
    expect(PODS.map((pod) => clock.sources.get(pod)!.status)).toEqual(['live', 'live', 'gone']);
    expect(watermark(clock)).toBe(59 * SECOND);
  });

  it('is not moved back by one source that replays its past', () => {
    const clock = newStreamClock();
    play(clock, PODS, { fromMs: 2 * HOUR, toMs: 2 * HOUR + MINUTE });
    const told = play(clock, PODS, {
      fromMs: 2 * HOUR + MINUTE,
      toMs: 2 * HOUR + 5 * MINUTE,
      shift: { 'pod-1': -HOUR },
    });
    expect(told.filter(({ verdict }) => verdict === 'moved_back')).toEqual([]);
    expect(watermark(clock)).toBe(2 * HOUR + 5 * MINUTE - SECOND);
  });

  it('learns how often a source sends, and forgets a pause', () => {
    const clock = newStreamClock();
    play(clock, PODS, { fromMs: 0, toMs: MINUTE, everyMs: 5 * SECOND });
    expect(clock.sources.get('pod-0')!.intervalMs).toBe(5 * SECOND);
    play(clock, PODS, { fromMs: HOUR, toMs: HOUR + MINUTE, everyMs: 5 * SECOND });
    expect(clock.sources.get('pod-0')!.intervalMs).toBeCloseTo(5 * SECOND, -1);
  });
});

describe('sources without end', () => {
  it('are refused beyond a bound while those known are heard', () => {
    const clock = newStreamClock();
    for (let i = 0; i < SOURCES_MAX; i++) note(clock, `pod-${i}`, i % 1000);
    for (let i = 0; i < 100; i++) expect(note(clock, `more-${i}`, SECOND).verdict).toBe('crowded');
    expect(clock.sources.size).toBe(SOURCES_MAX);
    expect(note(clock, 'pod-3', SECOND).verdict).toBe('good');
  });

  it('give way to new ones once they are gone or have long been silent', () => {
    const clock = newStreamClock();
    for (let i = 0; i < SOURCES_MAX; i++) note(clock, `pod-${i}`, i === 7 ? 0 : MINUTE);
    clock.sources.get('pod-7')!.status = 'gone';
    expect(note(clock, 'new-0', MINUTE).verdict).toBe('good');
    expect(clock.sources.has('pod-7')).toBe(false);
    expect(note(clock, 'new-1', MINUTE).verdict).toBe('crowded');
    expect(clock.sources.size).toBe(SOURCES_MAX);
  });

  it('are forgotten a day after they were last heard', () => {
    const clock = newStreamClock();
    note(clock, 'pod-0', 0);
    note(clock, 'pod-1', 30 * SECOND);
    forgetSilent(clock, T + DAY);
    expect([...clock.sources.keys()]).toEqual(['pod-0', 'pod-1']);
    forgetSilent(clock, T + DAY + SECOND);
    expect([...clock.sources.keys()]).toEqual(['pod-1']);
  });
});

it('a clock goes on from its bytes as if never stored', () => {
  const record = fc.record({ pod: fc.nat(3), step: fc.integer({ min: -90, max: 90 }), far: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 80 }), fc.nat(), (records, cut) => {
      const straight = newStreamClock();
      let stored = newStreamClock();
      let at = 0;
      records.forEach(({ pod, step, far }, i) => {
        at += step * SECOND + (far === 0 ? HOUR : 0);
        if (i === cut % records.length)
          stored = decodeBytes(streamClockCodec, encode(streamClockCodec, stored));
        expect(note(stored, `pod-${pod}`, at)).toEqual(note(straight, `pod-${pod}`, at));
      });
      expect(encode(streamClockCodec, stored)).toEqual(encode(streamClockCodec, straight));
    }),
  );
});
