import { expect, it } from 'vitest';
import type { Finding, OutgoingMessage } from '../../agent/flow/ports.ts';
import { createTopicNotifier } from '../../agent/io/kafka/notifier.ts';

const finding: Finding = {
  event: 'opened',
  id: 'a1b2',
  time: '2026-03-02T00:05:10.000Z',
  environment: 'default',
  model: 'minilm-l6',
  severity: 'page',
  message: 'ä',
};

it('sends each finding as a CloudEvent in binary mode, keyed by environment and model', async () => {
  const sent: OutgoingMessage[] = [];
  let closed = false;
  const notifier = createTopicNotifier({
    producer: {
      send: async (messages) => void sent.push(...messages),
      close: async () => {
        closed = true;
      },
    },
  });
  await notifier.publish([finding, { ...finding, event: 'resolved', time: '2026-03-02T00:09:00.000Z' }]);
  expect(sent.map(({ key }) => key)).toEqual(['default/minilm-l6', 'default/minilm-l6']);
  expect(JSON.parse(Buffer.from(sent[0]!.value).toString())).toEqual(finding);
  expect(sent[0]!.headers).toEqual({
    ce_specversion: '1.0',
    ce_type: 'dev.normwatch.incident.v1',
    ce_id: 'a1b2/opened/2026-03-02T00:05:10.000Z',
    ce_source: '/normwatch',
    ce_time: '2026-03-02T00:05:10.000Z',
    'content-type': 'application/json',
  });
  expect(sent[1]!.headers?.ce_id).toBe('a1b2/resolved/2026-03-02T00:09:00.000Z');
  await notifier.close();
  expect(closed).toBe(true);
});

it('fails when the topic does not take the findings, so that they are sent again', async () => {
  const refusal = new Error('no broker');
  const notifier = createTopicNotifier({
    producer: { send: () => Promise.reject(refusal), close: async () => {} },
  });
  await expect(notifier.publish([finding])).rejects.toBe(refusal);
});
