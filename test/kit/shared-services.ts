/**
 * Global setup of the suites that need services: one Kafka broker for the whole run, started when the first test asks
 * for it. Tests ask by HTTP, because they run in processes of their own.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { type KafkaBroker, startKafka } from './kafka.ts';
import { ownerByHand } from './owner.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    sharedServices: string;
  }
}

interface Shared {
  readonly url: string;
  users: number;
  close(): Promise<void>;
}

// Vitest loads this file once per project; all of them are to share.
const registry = globalThis as { normwatchShared?: Promise<Shared> };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  registry.normwatchShared ??= open();
  const shared = await registry.normwatchShared;
  shared.users++;
  project.provide('sharedServices', shared.url);
  return async () => {
    shared.users--;
    if (shared.users > 0) return;
    delete registry.normwatchShared;
    await shared.close();
  };
}

async function open(): Promise<Shared> {
  const owner = ownerByHand();
  let broker: Promise<KafkaBroker> | null = null;
  const server = createServer((_request, response) => {
    broker ??= startKafka(owner);
    broker.then(
      ({ brokers }) => response.end(JSON.stringify({ brokers })),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    users: 0,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await owner.finish();
    },
  };
}

/** Addresses of the run's own broker, for tests that do not harm it. Only in projects with this file as global setup. */
export async function sharedKafka(): Promise<string[]> {
  const response = await fetch(inject('sharedServices'));
  const body = await response.text();
  if (!response.ok) throw new Error(body);
  return (JSON.parse(body) as { brokers: string[] }).brokers;
}
