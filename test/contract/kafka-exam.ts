/** What all Kafka cases share: a source under examination, as a member of a group, on a topic of its own. */
import { randomUUID } from 'node:crypto';
import type { PartitionId, Source } from '../../agent/flow/ports.ts';
import type { KafkaSourceOptions } from '../../agent/io/kafka/options.ts';
import type { Owner } from '../kit/owner.ts';
import { sharedKafka } from '../kit/shared-services.ts';
import { type KafkaLog, kafkaLog } from './kafka-log.ts';
import { Committed, type Reader, type ReaderOptions, startReader } from './reader.ts';

export interface KafkaExam {
  readonly name: string;
  readonly createSource: (options: KafkaSourceOptions) => Source;
  /** The client can hold its join until partitions are given back. */
  readonly holdsJoin: boolean;
}

/** Quick to notice a rebalance; slow to give up a member, so that a prompt leave shows. */
const QUICK = { heartbeatIntervalMs: 250, sessionTimeoutMs: 30_000, fetchBytesMin: 1, fetchWaitMs: 50 };

export function member(
  { createSource }: KafkaExam,
  brokers: readonly string[],
  topic: string,
  more: Partial<KafkaSourceOptions> = {},
): Source {
  const connection = { brokers, clientId: 'exam' };
  return createSource({ connection, topics: [topic], groupId: randomUUID(), ...QUICK, ...more });
}

export interface Opened {
  readonly log: KafkaLog;
  /** The topic's first partition. */
  readonly id: PartitionId;
  readonly groupId: string;
  /** What the members have committed, unless they are given something of their own. */
  readonly committed: Committed;
  /** A new member of the group. */
  join(options?: Partial<ReaderOptions> & { readonly more?: Partial<KafkaSourceOptions> }): Reader;
}

/** On the broker that all tests share. */
export async function openLog(exam: KafkaExam, owner: Owner, partitions = 1): Promise<Opened> {
  const brokers = await sharedKafka();
  const log = await kafkaLog(owner, brokers, partitions);
  const groupId = randomUUID();
  const committed = new Committed();
  return {
    log,
    groupId,
    committed,
    id: { topic: log.topic, partition: 0 },
    join({ more, ...options } = {}) {
      const source = member(exam, brokers, log.topic, { groupId, ...more });
      const reader = startReader({ committed, ...options, source });
      owner.onTestFinished(() => reader.end());
      return reader;
    },
  };
}

export const values = (committed: Committed): string[] => committed.seen().map(({ value }) => value);

/** `value 3`, `value 4` … up to, not including, `to`. */
export const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `value ${from + i}`);
