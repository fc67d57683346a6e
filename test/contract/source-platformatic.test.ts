import { createPlatformaticSource } from '../../agent/io/platformatic/source.ts';
import { kafkaSourceContract } from './source-kafka.ts';

kafkaSourceContract({ name: 'platformatic', createSource: createPlatformaticSource, holdsJoin: true });
