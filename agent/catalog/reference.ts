/** `docs/reference/metrics.md`, written from the catalog. */
import { LABEL_CHARS_MAX, type Metric, SCOPE_LABELS } from './metric.ts';

export function renderReference(metrics: readonly Metric[]): string {
  return [
    '<!-- generated from agent/catalog.ts by npm run generate -->',
    '# Metrics',
    '',
    'What `/metrics` shows and what OTLP pushes. Each scrape shows the committed state and nothing else: a layer, stream or',
    'incident that is gone is gone from the next scrape, and a value that was not measured has no series.',
    '',
    "Labels before the metric's own:",
    '',
    `- of a stream: ${labels('stream')}; \`role\` when it serves, \`run\` when it trains`,
    `- of a model: ${labels('model')}`,
    '- of an agent: none; Prometheus adds `instance`',
    '',
    `A label value longer than ${LABEL_CHARS_MAX} characters ends in a hash of the whole; control characters become \`_\`.`,
    '',
    'Counters of a model are counted in committed state: they go on where they were when another agent takes over. Counters',
    'of an agent start again with its process.',
    '',
    'Series with a label `layer` are shown for all layers, for the worst of each stream, or for none: `metrics.layers`.',
    'Among the worst are always the layers that an open incident names. `normwatch_detail_limited` is 1 while an agent set to',
    '`auto` shows the worst only; `…_max` and `…_median` are over all layers in any case.',
    '',
    '| name | type | of | labels of its own | unit | meaning | stability |',
    '|---|---|---|---|---|---|---|',
    ...metrics.map(line),
    '',
  ].join('\n');
}

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const labels = (scope: Metric['scope']): string => code(SCOPE_LABELS[scope]);

function line({ name, type, scope, labels, unit, help, stability }: Metric): string {
  const own = labels.length === 0 ? '–' : code(labels);
  return `| \`${name}\` | ${type} | ${scope} | ${own} | ${unit} | ${help} | ${stability} |`;
}
