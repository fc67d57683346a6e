/** The exam of a Kafka source as a member of a group. */
import { describe, expect, test } from 'vitest';
import type { Owner } from '../kit/owner.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { kafkaAdmin } from '../kit/topic.ts';
import { waitFor } from '../kit/wait-for.ts';
import { type KafkaExam, numbers, openLog, values } from './kafka-exam.ts';
import { Committed } from './reader.ts';

export function groupCases(exam: KafkaExam): void {
  const { name, holdsJoin } = exam;
  const open = (owner: Owner, partitions = 1) => openLog(exam, owner, partitions);

  describe(`Kafka source in its group: ${name}`, () => {
    test('starts at the position of the handler, not the one the group has, which is only mirrored', async (t) => {
      const { log, join, committed, id } = await open(t);
      await log.append(numbers(0, 10));
      const first = join();
      await waitFor(() => committed.seen().length === 10, { what: 'all ten' });
      await first.source.mirror([{ id, next: 10n }]);
      await first.source.close();
      const second = join({ start: 4n, committed: new Committed() });
      await waitFor(() => second.committed.seen().length === 6, { what: 'the last six' });
      expect(values(second.committed)).toEqual(numbers(4, 10));
    });

    test('loses and repeats nothing over twenty rebalances of two members while events come in', async (t) => {
      const partitions = 4;
      const { log, join, committed } = await open(t, partitions);
      const produced = [0, 0, 0, 0];
      let storm = true;
      const producing = (async () => {
        while (storm) {
          for (let p = 0; p < partitions; p++) {
            await log.append(numbers(produced[p]!, produced[p]! + 20), p);
            produced[p]! += 20;
          }
        }
      })();
      const during = () => new Promise<void>((resolve) => setImmediate(resolve));
      const steady = join({ during });
      await waitFor(() => steady.holds().length === partitions, { what: 'the first assignment' });
      const comers = [];
      for (let round = 0; round < 10; round++) {
        const comer = join({ during });
        comers.push(comer);
        await waitFor(() => comer.holds().length === 2 && steady.holds().length === 2, {
          what: `round ${round}`,
        });
        const before = comer.batches.length;
        await waitFor(() => comer.batches.length > before, { what: `a batch of round ${round}` });
        await comer.source.close();
        await waitFor(() => steady.holds().length === partitions, { what: `the end of round ${round}` });
      }
      storm = false;
      await producing;
      const total = produced.reduce((sum, count) => sum + count);
      await waitFor(() => committed.seen().length >= total, { what: 'everything produced' });
      for (let p = 0; p < partitions; p++)
        expect(committed.of(`${log.topic}:${p}`).seen.map(({ value }) => value)).toEqual(
          numbers(0, produced[p]!),
        );
      for (const { breaks } of [steady, ...comers]) expect(breaks).toEqual([]);
      expect(steady.assignments.length).toBeGreaterThanOrEqual(20);
      expect(total).toBeGreaterThan(1_000);
    });

    if (holdsJoin)
      test('gives partitions to nobody before the handler has let go of them', async (t) => {
        const { log, join, groupId } = await open(t, 2);
        const admin = await kafkaAdmin(t, await sharedKafka());
        const gate = Promise.withResolvers<void>();
        const first = join({ letGo: () => gate.promise });
        await waitFor(() => first.holds().length === 2, { what: 'the first assignment' });
        const second = join();
        await waitFor(() => first.revocations.length === 1, { what: 'the revocation' });
        // Twenty round trips: a group that does not wait is done after a few.
        for (let poll = 0; poll < 20; poll++) {
          const { groups } = await admin.describeGroups([groupId]);
          expect([groups[0]?.state, second.holds()]).toEqual(['PreparingRebalance', []]);
        }
        gate.resolve();
        await waitFor(() => first.holds().length === 1 && second.holds().length === 1, { what: 'one each' });
        expect([...first.holds(), ...second.holds()].sort()).toEqual([0, 1].map((p) => `${log.topic}:${p}`));
      });

    test('hears of a rebalance while a batch is under way, and holds nobody up', async (t) => {
      const { log, join } = await open(t, 2);
      await log.append(numbers(0, 3), 0);
      const first = join({ gated: true });
      await waitFor(() => first.batches.length === 1, { what: 'the batch that hangs' });
      join();
      await waitFor(() => first.revocations.length === 1, { what: 'the revocation' });
      first.release();
      await waitFor(() => first.holds().length === 1, { what: 'the new assignment' });
    });

    test('leaves the group at close: the others have its partitions long before its session would end', async (t) => {
      const { join } = await open(t, 2);
      const [a, b] = [join(), join()];
      await waitFor(() => a.holds().length === 1 && b.holds().length === 1, { what: 'one each' });
      await b.source.close();
      expect(b.revocations.at(-1)).toEqual(b.assignments.at(-1));
      await waitFor(() => a.holds().length === 2, { what: 'both', deadlineMs: 10_000 });
    });

    test('gives partitions back at close though a batch hangs, and only then waits for it', async (t) => {
      const { log, join } = await open(t);
      await log.append(numbers(0, 3));
      const reader = join({ gated: true, more: { rebalanceTimeoutMs: 3_000 } });
      await waitFor(() => reader.batches.length === 1, { what: 'the batch that hangs' });
      const closing = reader.source.close();
      await waitFor(() => reader.revocations.length === 1, { what: 'the revocation' });
      reader.release();
      await closing;
      expect(await reader.over).toBeNull();
    });

    test('keeps its partitions while a batch takes longer than its session', async (t) => {
      const { log, join } = await open(t, 2);
      const sessionTimeoutMs = 6_000;
      await log.append(numbers(0, 3), 0);
      const reader = join({ gated: true, more: { sessionTimeoutMs } });
      await waitFor(() => reader.batches.length === 1, { what: 'the batch that hangs' });
      const begun = Date.now();
      await waitFor(() => Date.now() - begun > sessionTimeoutMs * 1.3, { what: 'the end of a session' });
      reader.release();
      await log.append(numbers(0, 3), 1);
      await waitFor(() => reader.committed.seen().length === 6, { what: 'all six' });
      expect([reader.assignments.length, reader.revocations.length]).toEqual([1, 0]);
    });

    test('gets the partitions that are added to the topic', async (t) => {
      const { log, join, committed } = await open(t);
      const reader = join({ more: { metadataAgeMs: 500 } });
      await waitFor(() => reader.holds().length === 1, { what: 'the partition' });
      await log.grow(3);
      await waitFor(() => reader.holds().length === 3, { what: 'all three' });
      await log.append(numbers(0, 5), 2);
      await waitFor(() => committed.seen().length === 5, { what: 'what is in a new one' });
    });
  });
}
