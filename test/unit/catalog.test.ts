/** The catalog against the conventions of Prometheus and against the names that others build on. */
import { expect, test } from 'vitest';
import { ALL_METRICS, labelNames, METRICS, metricByName, metricsReference } from '../../agent/catalog.ts';

const CONTRACT: readonly [name: string, labels: readonly string[]][] = [
  ['activation_mean', ['layer', 'site']],
  ['activation_variance', ['layer', 'site']],
  ['activation_shift_sigmas', ['layer', 'site', 'against']],
  ['activation_kl_nats', ['layer', 'site', 'against']],
  ['output_kl_nats', ['output', 'against']],
  ['nonfinite_elements_total', ['kind', 'where']],
  ['nonfinite_elements', ['kind', 'where', 'layer', 'site', 'range']],
  ['nonfinite_last_seen_timestamp_seconds', []],
  ['gradient_norm', ['run', 'quantile']],
  ['training_loss', ['run']],
  ['validation_metric', ['run']],
  ['incident_active', ['incident', 'severity']],
  ['incident_info', ['incident', 'cause', 'scope', 'layer', 'sources']],
  ['incident_effect', ['incident', 'unit']],
  ['stream_state', ['state']],
  ['calibration_progress_ratio', []],
  ['maintenance_active', []],
  ['events_total', ['kind']],
  ['events_rejected_total', ['reason']],
  ['events_duplicate_total', []],
  ['events_missing_total', []],
  ['events_late_total', ['reason']],
];

test.each(CONTRACT)('%s is there with the labels that others rely on', (name, labels) => {
  const metric = metricByName(`normwatch_${name}`);
  expect(metric?.stability).toBe('stable');
  const known = metric === undefined ? [] : labelNames(metric);
  expect(known).toEqual(expect.arrayContaining(['environment', 'model', ...labels]));
});

test.each(ALL_METRICS.map((metric) => [metric.name, metric] as const))(
  '%s follows the conventions',
  (name, metric) => {
    expect(name).toMatch(/^normwatch_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total'), 'counters and only they end in _total').toBe(metric.type === 'counter');
    expect(metric.help).toMatch(/^[A-Z0-9].*\.$/);
    expect(metric.help.length).toBeLessThanOrEqual(130);
    expect(metric.help).not.toMatch(/[\n|\\]/);
    const labels = labelNames(metric);
    expect(new Set(labels).size, 'no label twice').toBe(labels.length);
    for (const label of labels) {
      expect(label).toMatch(/^[a-z]+$/);
      expect(['le', 'job', 'instance'], 'labels of Prometheus itself').not.toContain(label);
    }
    for (const unit of ['seconds', 'bytes', 'ratio', 'nats', 'sigmas'])
      expect(name.includes(`_${unit}`), `the unit is in the name: ${unit}`).toBe(metric.unit === unit);
  },
);

test('a name in a query is found by the series a metric really has', () => {
  expect(metricByName('normwatch_incident_active')).toBe(METRICS.incident_active);
  expect(metricByName('normwatch_agent_commit_seconds_bucket')).toBe(METRICS.agent_commit_seconds);
  expect(metricByName('normwatch_agent_commit_seconds_count')).toBe(METRICS.agent_commit_seconds);
  expect(metricByName('normwatch_agent_commit_seconds')).toBeUndefined();
  expect(metricByName('normwatch_incident_active_count')).toBeUndefined();
  expect(metricByName('normwatch_incident_activ')).toBeUndefined();
});

test('the reference page has a row for each metric, with its labels and help', () => {
  const page = metricsReference();
  for (const { name, labels, help } of ALL_METRICS) {
    const row = page.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toHaveLength(1);
    for (const text of [...labels, help]) expect(row[0]).toContain(text);
  }
  expect(page).not.toContain('undefined');
});
