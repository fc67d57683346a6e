/** `docs/reference/detectors.md`, written from the registry of detectors and the table of shares. */
import { SHARES } from './core/budget.ts';
import type { Detector } from './core/detect/contract.ts';
import { DETECTORS } from './core/detect/index.ts';

export function detectorsReference(): string {
  return [
    '<!-- generated from agent/core/detect by npm run generate -->',
    '# Detectors',
    '',
    'What each detector catches and misses, in the order in which they look at a closed tick; non-finite values do not',
    'wait for one. Signals of a family on one stream make one incident. A share is the part of the budget of false',
    'alarms that a detector may use up; what has none follows a hard rule. [detection.md](../detection.md) explains the',
    'units and the method.',
    ...DETECTORS.flatMap(sectionOf),
    '',
  ].join('\n');
}

function sectionOf({ name, family, doc, params, metrics, causes }: Detector): string[] {
  const share = SHARES[name];
  return [
    '',
    `## ${name}`,
    '',
    doc,
    '',
    `- family: ${family}`,
    `- share of the budget: ${share === undefined ? 'none, a hard rule' : `${Math.round(1000 * share) / 10} %`}`,
    `- causes it may name: ${codes(causes)}`,
    `- metrics that show what it sees: ${codes(metrics)}`,
    ...(params.length === 0
      ? []
      : [
          '',
          '| parameter | value | unit | meaning |',
          '|---|---|---|---|',
          ...params.map(
            ({ name: param, value, unit, help }) => `| \`${param}\` | ${value} | ${unit} | ${help} |`,
          ),
        ]),
  ];
}

const codes = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');
