/**
 * Real agents over a log, a store and a group that fail in every way we know, in virtual time. After the faults every
 * event is counted exactly once, none is lost but what retention took (and that is told), every finding went out, and
 * nothing was shown or sent before it was committed.
 *
 * Look into one history:  node test/simulation/play.ts SEED
 * Look for new trouble:   SIMULATION_FIRST=100000 SIMULATION_COUNT=20000 npx vitest run --project simulation
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Outcome, playHistory } from './history.ts';

/** Seeds that failed once, with what they found. Kept, and run first. */
const KEPT = JSON.parse(readFileSync(new URL('./seeds.json', import.meta.url), 'utf8')) as {
  seed: number;
  found: string;
}[];
const FIRST = Number(process.env.SIMULATION_FIRST ?? 1);
const COUNT = Number(process.env.SIMULATION_COUNT ?? 4_000);

/** Of each fault this many must have happened in every thousand histories, or the weather was too mild. */
const LEAST_PER_THOUSAND: Readonly<Record<string, number>> = {
  kill: 1_000,
  freeze: 1_000,
  close: 1_000,
  revoked: 5_000,
  commit_refused: 500,
  outage: 1_000,
  notifier_broken: 1_000,
  failover: 1_000,
  store_lost: 1_000,
  store_reply_lost: 200,
  store_late: 200,
  store_twice: 200,
  jumped_forward: 100,
  jumped_back: 500,
  out_of_range: 100,
  stale_batch: 50,
  expired_unread: 200,
  truncated: 200,
  recreated: 500,
};

const story = ({ seed, violations, trace }: Outcome): string =>
  `seed ${seed}: ${violations.join('; ')}\nagain: node test/simulation/play.ts ${seed}\nkeep it: test/simulation/seeds.json\n${trace.slice(-40).join('\n')}`;

describe('after all faults everything is counted once and told', () => {
  test.each(KEPT)('in the history of seed $seed ($found)', async ({ seed }) => {
    const outcome = await playHistory(seed);
    expect(outcome.violations, story(outcome)).toEqual([]);
  });

  test(`in ${COUNT} histories, with enough faults among them`, async () => {
    const faults = new Map<string, number>();
    for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) {
      const outcome = await playHistory(seed);
      expect(outcome.violations, outcome.violations.length === 0 ? '' : story(outcome)).toEqual([]);
      for (const [name, count] of outcome.faults) faults.set(name, (faults.get(name) ?? 0) + count);
    }
    const mild = Object.entries(LEAST_PER_THOUSAND).filter(
      ([name, least]) => (faults.get(name) ?? 0) < (least * COUNT) / 1_000,
    );
    expect(mild, JSON.stringify(Object.fromEntries(faults))).toEqual([]);
  }, 600_000);
});

test('the same seed gives the same history, event by event', async () => {
  const [first, second] = [await playHistory(FIRST), await playHistory(FIRST)];
  expect(second.trace).toEqual(first.trace);
  expect(first.trace.length).toBeGreaterThan(10);
});
