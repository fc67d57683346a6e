/** What the process measures of itself, read back from the text. */
import { expect, test } from 'vitest';
import { startTelemetry } from './telemetry.ts';

const value = (text: string, series: string): number => {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? Number.NaN);
};

test('times of commit and fold are histograms in seconds', async (t) => {
  const { text, self } = startTelemetry(t, {});
  self.recordCommit(0.002);
  self.recordCommit(0.3);
  self.recordFold(20);
  const shown = await text();
  expect(value(shown, 'normwatch_agent_commit_seconds_count')).toBe(2);
  expect(value(shown, 'normwatch_agent_commit_seconds_sum')).toBeCloseTo(0.302, 10);
  expect(value(shown, 'normwatch_agent_commit_seconds_bucket{le="0.001"}')).toBe(0);
  expect(value(shown, 'normwatch_agent_commit_seconds_bucket{le="0.0025"}')).toBe(1);
  expect(value(shown, 'normwatch_agent_commit_seconds_bucket{le="+Inf"}')).toBe(2);
  expect(value(shown, 'normwatch_agent_fold_seconds_bucket{le="10"}')).toBe(0);
});

test('counts are read when asked, from 0 for the systems that are named', async (t) => {
  let errors = { kafka: 0, redis: 0 };
  const { text } = startTelemetry(t, {
    counts: () => ({ errors, occurrences: { commit_refused: 2 }, records: { folded: 7 } }),
  });
  const before = await text();
  expect(value(before, 'normwatch_agent_errors_total{system="kafka"}')).toBe(0);
  expect(value(before, 'normwatch_agent_occurrences_total{occurrence="commit_refused"}')).toBe(2);
  expect(value(before, 'normwatch_agent_records_total{outcome="folded"}')).toBe(7);
  errors = { kafka: 3, redis: 0 };
  expect(value(await text(), 'normwatch_agent_errors_total{system="kafka"}')).toBe(3);
  expect(value(await text(), 'normwatch_agent_errors_total{system="redis"}')).toBe(0);
});

test('memory is told by kind, and a blocked event loop shows as its delay', async (t) => {
  const { text } = startTelemetry(t, {});
  await new Promise((resolve) => setTimeout(resolve, 30));
  const end = performance.now() + 250;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const shown = await text();
  expect(value(shown, 'normwatch_agent_memory_bytes{kind="rss"}')).toBeGreaterThan(1e6);
  for (const kind of ['heap_used', 'heap_total', 'external', 'array_buffers'])
    expect(value(shown, `normwatch_agent_memory_bytes{kind="${kind}"}`)).toBeGreaterThan(0);
  expect(value(shown, 'normwatch_agent_event_loop_delay_seconds{percentile="100"}')).toBeGreaterThan(0.2);
  expect(value(shown, 'normwatch_agent_event_loop_delay_seconds{percentile="50"}')).toBeLessThan(0.2);
});
