/**
 * The demo as somebody starts it, told once and fast: address, page and health while it runs, and what a Prometheus that
 * scraped it knows afterwards, held against the truth about the recordings. Page or ticket is for the detectors' own exam.
 */
import { expect, test } from 'vitest';
import truth from '../../examples/recordings/labels.json' with { type: 'json' };
import { spawnAgent } from '../kit/agent.ts';
import { type Prometheus, startPrometheus } from '../kit/prometheus.ts';
import { waitFor } from '../kit/wait-for.ts';

const SPEED = '60';

/** Model of the story and recording it plays. */
const STORIES = {
  'story-1-healthy': 'healthy.jsonl.gz',
  'story-2-epsilon': 'deploy-epsilon.jsonl.gz',
  'story-3-fp16': 'fp16-overflow.jsonl.gz',
  'story-4-bad-pod': 'one-bad-pod.jsonl.gz',
} as const;

const PODS = 3;

test('the stories are told, open the right incidents and no other, and end', async (t) => {
  const demo = await spawnAgent(t, ['demo', '--port', '0', '--once', '--speed', SPEED]);
  const address = await waitFor(() => /page\s+(http:\/\/127\.0\.0\.1:\d+)\/\n/.exec(demo.stdout())?.[1], {
    what: 'the address of the page',
    deadlineMs: 30_000,
  });
  expect(demo.stdout()).toContain(`metrics  ${address}/metrics\n`);
  const prometheus = await startPrometheus(t, { targets: [new URL(address).host], everyMs: 250 });

  const page = await fetch(`${address}/`);
  expect({ status: page.status, type: page.headers.get('content-type') }).toEqual({
    status: 200,
    type: 'text/html; charset=utf-8',
  });
  expect(await page.text()).toContain('<title>');
  for (const path of ['metrics', 'healthz', 'readyz']) {
    expect((await fetch(`${address}/${path}`)).status, path).toBe(200);
  }

  await waitFor(() => !demo.running(), { what: 'the stories to end', deadlineMs: 80_000, everyMs: 100 });
  expect(await demo.exited).toEqual({ code: 0, signal: null });
  expect(demo.stderr()).toBe('');
  for (const [model, file] of Object.entries(STORIES)) {
    expect(demo.stdout()).toContain(`${model}: `);
    await expectStory(prometheus, model, file);
  }
});

async function expectStory(prometheus: Prometheus, model: string, file: string): Promise<void> {
  const expected = truth.serving.find((label) => label.file === file);
  const of = async (metric: string) => prometheus.query(`max_over_time(${metric}{model="${model}"}[10m])`);
  const seen = await of('normwatch_incident_info');
  if (expected?.onset === null) return expect(seen, model).toEqual([]);
  const label = (name: string) => new Set(seen.map(({ labels }) => labels[name]));
  // One incident; which sources have it may have become known step by step.
  expect({ model, incidents: label('incident').size, layers: [...label('layer')] }).toEqual({
    model,
    incidents: 1,
    layers: expected?.layers,
  });
  const sources = expected?.sources.length === PODS ? 'all' : expected?.sources.join();
  expect([...label('sources')], model).toContain(sources);
  const active = await of('normwatch_incident_active');
  expect(active.map(({ value, labels }) => [value, labels.incident])).toEqual([
    [1, [...label('incident')][0]],
  ]);
}
