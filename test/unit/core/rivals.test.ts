/** Signs of a second process: schedules of records of one source, played through its sequence. Times in seconds. */
import { describe, expect, it } from 'vitest';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import { signsBy } from '../../../agent/core/rivals.ts';
import { newSequence, noteSequence, sequenceCodec } from '../../../agent/core/sequence.ts';

type Sent = readonly [boot: string | null, seq: number, at: number];

const T = 1_772_409_600;
const MINUTE = 60;
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
/** A process that sends once a second from `at` on. */
const process = (boot: string | null, seq: number, at: number, count: number): Sent[] =>
  range(count).map((i) => [boot, seq + i, at + i]);
/** In order of time; at the same time in the order given. */
const merged = (...processes: Sent[][]): Sent[] => processes.flat().sort(([, , a], [, , b]) => a - b);

function played(records: readonly Sent[]) {
  const sequence = newSequence(records[0]![0]);
  for (const [boot, seq, at] of records) noteSequence(sequence, boot, seq, (T + at) * 1_000);
  return sequence;
}

/** Intervals with a sign in the five minutes up to the last record. */
const signsOf = (records: readonly Sent[]): number =>
  signsBy(played(records).rivals, (T + Math.max(...records.map(([, , at]) => at))) * 1_000)?.count ?? 0;

describe('one process gives no sign', () => {
  it.each<[string, Sent[]]>([
    ['that goes on', process('a', 0, 0, 600)],
    ['that starts again', [...process('a', 0, 0, 200), ...process('b', 0, 206, 200)]],
    ['that starts again and again', range(20).flatMap((i) => process(`boot-${i}`, 0, 20 * i, 15))],
    [
      'whose last records come after its successor has begun',
      [...process('a', 0, 0, 50), ['b', 0, 60], ['a', 50, 50], ['b', 1, 61], ['a', 51, 51], ['b', 2, 62]],
    ],
    ['all of whose records come twice', process('a', 0, 0, 300).flatMap((record) => [record, record])],
    [
      'whose log is sent once more',
      [...process('a', 0, 0, 300), ...process('a', 0, 0, 300), ...process('a', 300, 300, 60)],
    ],
    [
      'whose log of two boots is sent once more',
      [
        ...process('a', 0, 0, 100),
        ...process('b', 0, 110, 100),
        ...process('a', 0, 0, 100),
        ...process('b', 0, 110, 200),
      ],
    ],
    [
      'that sends many records at one moment, some of them twice',
      range(120).flatMap((at) => [...range(20), 3, 17].map((i): Sent => ['a', 20 * at + i, at])),
    ],
    ['whose records come out of order', range(300).map((i): Sent => ['a', i ^ 15, i ^ 15])],
    ['without boots that starts again', [...process(null, 0, 0, 2_000), ...process(null, 0, 2_010, 1_500)]],
    [
      'without boots that starts again and comes to where it was',
      [...process(null, 0, 0, 1_200), ...process(null, 0, 1_210, 1_400)],
    ],
    ['whose clock is set back', [...process('a', 0, 100, 100), ...process('a', 100, 150, 200)]],
  ])('%s', (_, records) => expect(signsOf(records)).toBe(0));

  it('that hands over to the next within half a minute is not enough of one', () => {
    const records = merged(process('a', 0, 0, 130), process('b', 0, 100, 300));
    expect(signsOf(records.filter(([, , at]) => at <= 140))).toBeLessThanOrEqual(4);
  });
});

describe('two processes give a sign in every ten seconds', () => {
  const counted = 10;
  it.each<[string, Sent[]]>([
    ['whose boots alternate', merged(process('a', 600, 0, 100), process('b', 0, 0.4, 100))],
    [
      'of which the newer has a clock some seconds behind',
      merged(process('a', 600, 0, 110), process('b', 0, 5, 100)).map(
        ([boot, seq, at]): Sent => [boot, seq, boot === 'b' ? at - 4.5 : at],
      ),
    ],
    [
      'that send in bursts',
      merged(
        ...range(10).flatMap((i) => [process('a', 5 * i, 10 * i, 5), process('b', 5 * i, 10 * i + 5, 5)]),
      ),
    ],
    ['under one boot with the same numbers', merged(process('a', 0, 0, 100), process('a', 0, 0.4, 100))],
    ['under one boot with numbers far apart', merged(process('a', 600, 0.4, 100), process('a', 0, 0, 100))],
    [
      'under one boot with numbers a little apart',
      merged(process('a', 20, 0, 100), process('a', 0, 0.4, 100)),
    ],
    ['without boots', merged(process(null, 5_000, 0, 100), process(null, 0, 0.4, 100))],
    ['three of them', merged(process('a', 0, 0, 100), process('b', 0, 0.3, 100), process('c', 0, 0.6, 100))],
  ])('%s', (_, records) => {
    const signs = signsOf(records);
    expect(signs).toBeGreaterThanOrEqual(counted - 2);
    expect(signs).toBeLessThanOrEqual(counted + 1);
  });

  it('even when each sends once a minute', () => {
    const slow = (boot: string, at: number): Sent[] => range(10).map((i) => [boot, i, at + 60 * i]);
    expect(signsOf(merged(slow('a', 0), slow('b', 25)))).toBeGreaterThanOrEqual(5);
  });

  it('for five minutes after it has ended', () => {
    const { rivals } = played(
      merged(process('a', 600, 0, 100), process('b', 0, 0.4, 100), process('b', 100, 100, 400)),
    );
    const at = (seconds: number) => signsBy(rivals, (T + seconds) * 1_000)?.count ?? 0;
    expect([at(0), at(100) > 5, at(390), at(401)]).toEqual([0, true, 1, 0]);
    expect(signsBy(rivals, (T + 100) * 1_000)!.sinceMs).toBeLessThan((T + 12) * 1_000);
  });

  it('and are known by a bounded number of times', () => {
    const { rivals } = played(merged(process('a', 0, 0, 60 * MINUTE), process('b', 0, 0.4, 60 * MINUTE)));
    expect(rivals!.signs.length).toBeLessThanOrEqual(30);
    const many = played(range(500).flatMap((i) => process(`boot-${i}`, 0, 10 * i, 5)));
    expect(many.rivals!.boots.length).toBeLessThanOrEqual(4);
  });

  it('whatever a clock far ahead has said before', () => {
    const early: Sent[] = [
      ['a', 0, 0],
      ['b', 0, 1],
      ['a', 1, 90_000],
      ['b', 1, 90_001],
    ];
    expect(
      signsOf([...early, ...merged(process('a', 2, 95_000, 60), process('b', 2, 95_000.4, 60))]),
    ).toBeGreaterThan(4);
  });
});

it('goes on from its bytes as if never stored', () => {
  const records = merged(process('a', 600, 0, 40), process('b', 0, 0.4, 40));
  let stored = newSequence('a');
  for (const [boot, seq, at] of records) {
    noteSequence(stored, boot, seq, (T + at) * 1_000);
    stored = decodeBytes(sequenceCodec, encode(sequenceCodec, stored));
  }
  expect(stored).toEqual(played(records));
});
