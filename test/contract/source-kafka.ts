/** The exam of a Kafka source: what every source must do, and what only groups, logs and brokers ask of it. */
import { sharedKafka } from '../kit/shared-services.ts';
import { type KafkaExam, member } from './kafka-exam.ts';
import { kafkaLog } from './kafka-log.ts';
import { sourceContract } from './source.ts';
import { brokerCases } from './source-kafka-broker.ts';
import { groupCases } from './source-kafka-group.ts';
import { logCases } from './source-kafka-log.ts';

export function kafkaSourceContract(exam: KafkaExam): void {
  sourceContract(exam.name, {
    async log(owner, values) {
      const brokers = await sharedKafka();
      const log = await kafkaLog(owner, brokers);
      // Two batches, so that a fetch may begin inside one.
      await log.append(values.slice(0, 400));
      await log.append(values.slice(400));
      return { id: { topic: log.topic, partition: 0 }, source: member(exam, brokers, log.topic) };
    },
  });
  groupCases(exam);
  logCases(exam);
  brokerCases(exam);
}
