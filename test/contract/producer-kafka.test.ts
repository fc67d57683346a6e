import { createKafkajsProducer } from '../../agent/io/kafkajs/producer.ts';
import { createPlatformaticProducer } from '../../agent/io/platformatic/producer.ts';
import { type KafkaBroker, startKafka } from '../kit/kafka.ts';
import { fileOwner } from '../kit/owner.ts';
import { producerContract } from './producer.ts';

const owner = fileOwner();
let broker: Promise<KafkaBroker> | null = null;
const ownBroker = (): Promise<KafkaBroker> => {
  broker ??= startKafka(owner);
  return broker;
};

producerContract('kafkajs', createKafkajsProducer, ownBroker);
producerContract('platformatic', createPlatformaticProducer, ownBroker);
