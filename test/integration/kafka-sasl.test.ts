/** Credentials reach the broker with both clients; wrong ones end a source at its start and are told by a producer. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { beforeAll, describe, expect, test } from 'vitest';
import { SinkUnavailable } from '../../agent/flow/ports.ts';
import type { KafkaSasl } from '../../agent/io/kafka/options.ts';
import { createKafkajsProducer } from '../../agent/io/kafkajs/producer.ts';
import { createKafkajsSource } from '../../agent/io/kafkajs/source.ts';
import { createPlatformaticProducer } from '../../agent/io/platformatic/producer.ts';
import { createPlatformaticSource } from '../../agent/io/platformatic/source.ts';
import { startReader } from '../contract/reader.ts';
import { type KafkaBroker, startKafka } from '../kit/kafka.ts';
import { fileOwner } from '../kit/owner.ts';
import { waitFor } from '../kit/wait-for.ts';

const owner = fileOwner();
const PASSWORD = 'canary-of-the-agent';
const topic = 'events';
let kafka: KafkaBroker;

const module = (name: string) => `org.apache.kafka.common.security.${name}LoginModule required`;
const users = `username="broker" password="b" user_broker="b" user_agent="${PASSWORD}"`;

beforeAll(async () => {
  kafka = await startKafka(owner, {
    properties: {
      'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'listener.name.plaintext.plain.sasl.jaas.config': `${module('plain.Plain')} ${users};`,
      'listener.name.plaintext.scram-sha-256.sasl.jaas.config': `${module('scram.Scram')};`,
      'listener.name.plaintext.scram-sha-512.sasl.jaas.config': `${module('scram.Scram')};`,
    },
    formatArgs: ['256', '512'].flatMap((bits) => [
      '--add-scram',
      `SCRAM-SHA-${bits}=[name=agent,password=${PASSWORD}]`,
    ]),
  });
  const sasl = { mechanism: 'plain', username: 'agent', password: PASSWORD } as const;
  const { brokers } = kafka;
  const client = new kafkajs.Kafka({ clientId: 'kit', brokers, sasl, logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  owner.onTestFinished(() => admin.disconnect());
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
});

const connectionOf = (sasl: KafkaSasl) => ({ brokers: kafka.brokers, clientId: 'exam', sasl });
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const CLIENTS = [
  { name: 'kafkajs', createSource: createKafkajsSource, createProducer: createKafkajsProducer },
  {
    name: 'platformatic',
    createSource: createPlatformaticSource,
    createProducer: createPlatformaticProducer,
  },
];

for (const { name, createSource, createProducer } of CLIENTS) {
  describe(name, () => {
    test.for(MECHANISMS)('writes and reads as a user of %s', async (mechanism, t) => {
      const connection = connectionOf({ mechanism, username: 'agent', password: () => PASSWORD });
      const text = `${name} ${mechanism}`;
      const producer = createProducer({ connection, topic, compression: 'none' });
      t.onTestFinished(() => producer.close());
      await producer.send([{ key: 'k', value: Buffer.from(text) }]);
      const source = createSource({ connection, topics: [topic], groupId: randomUUID() });
      t.onTestFinished(() => source.close());
      const reader = startReader({ source });
      await waitFor(() => reader.committed.seen().some(({ value }) => value === text), { what: text });
    });

    test.for(MECHANISMS)(
      'ends at the start with a wrong password of %s, which it does not tell',
      async (mechanism, t) => {
        const password = 'canary-that-is-wrong';
        const connection = connectionOf({ mechanism, username: 'agent', password: () => password });
        const source = createSource({ connection, topics: [topic], groupId: randomUUID() });
        t.onTestFinished(() => source.close());
        const failure = await startReader({ source }).over;
        expect(failure).toMatchObject({ row: 'kafka_unreachable' });
        const producer = createProducer({ connection, topic, compression: 'none', deadlineMs: 3_000 });
        t.onTestFinished(() => producer.close());
        const refusal = await producer
          .send([{ key: 'k', value: Buffer.from('x') }])
          .catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(SinkUnavailable);
        for (const error of [failure, refusal] as Error[])
          expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(password);
      },
    );
  });
}
