import { join } from 'node:path';

export const PROJECT = join(import.meta.dirname, '../../..');
/** Downloads of the tests; ignored by git. */
export const CACHE = join(PROJECT, '.cache');
export const KAFKA_VERSION = '4.3.1';
export const KAFKA_LIBS = join(CACHE, `kafka-${KAFKA_VERSION}`, 'libs');
