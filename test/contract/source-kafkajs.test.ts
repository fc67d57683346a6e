import { createKafkajsSource } from '../../agent/io/kafkajs/source.ts';
import { kafkaSourceContract } from './source-kafka.ts';

kafkaSourceContract({ name: 'kafkajs', createSource: createKafkajsSource, holdsJoin: false });
