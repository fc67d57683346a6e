import { existsSync } from 'node:fs';
import { KAFKA_LIBS, KAFKA_VERSION } from './paths.ts';
import type { Program } from './programs.ts';

/** What a suite may need of the machine. A test needs a service when it imports, however indirectly, its maker. */
export interface Service {
  readonly programs: readonly Program[];
  /** The kit file that starts it. */
  readonly maker: string;
  /** Something beside the programs that must be fetched. */
  readonly download?: { readonly what: string; readonly there: () => boolean };
}

export const SERVICES = {
  redis: { programs: ['redis-server', 'redis-cli'], maker: 'test/kit/redis.ts' },
  kafka: {
    programs: ['java', 'mvn'],
    maker: 'test/kit/kafka.ts',
    download: { what: `jars of Kafka ${KAFKA_VERSION} by Maven`, there: () => existsSync(KAFKA_LIBS) },
  },
  prometheus: {
    programs: ['prometheus', 'promtool', 'prometheus-alertmanager', 'amtool'],
    maker: 'test/kit/prometheus.ts',
  },
  chromium: { programs: ['chromium'], maker: 'test/kit/page.ts' },
} as const satisfies Record<string, Service>;

export type ServiceName = keyof typeof SERVICES;

export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

export const SKIP_VARIABLE = 'NORMWATCH_TEST_SKIP';

/** The services the user leaves out, as told by the variable: names separated by commas. */
export function skippedServices(value: string | undefined): Set<ServiceName> {
  const names = (value ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  for (const name of names) {
    if (!Object.hasOwn(SERVICES, name)) {
      throw new Error(`${SKIP_VARIABLE} names "${name}"; it knows ${SERVICE_NAMES.join(', ')}`);
    }
  }
  return new Set(names as ServiceName[]);
}
