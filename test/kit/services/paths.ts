import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const PROJECT = join(import.meta.dirname, '../../..');
/** Downloads of the tests; ignored by git. */
const CACHE = join(PROJECT, '.cache');
export const KAFKA_POM = join(PROJECT, 'test/kit/kafka/pom.xml');
export const KAFKA_VERSION =
  /<kafka\.version>([^<]+)</.exec(readFileSync(KAFKA_POM, 'utf8'))?.[1] ?? 'unknown';
export const KAFKA_LIBS = join(CACHE, `kafka-${KAFKA_VERSION}`, 'libs');
