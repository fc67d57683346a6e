/** Verdicts: what counts as found, as false, and as right, one difference at a time from a good answer. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../agent/commands/backtest-judge.ts';
import type { Label } from '../../../agent/commands/backtest-labels.ts';
import { createOpenings } from '../../../agent/commands/backtest-openings.ts';
import { delaysOf, labelledOf, rateOf, totalsOf } from '../../../agent/commands/backtest-summary.ts';
import type { FindingLine } from '../../../agent/core/incident.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const FACTS = {
  firstMs: T0 + 27,
  seconds: 600,
  sourcesOf: (version: string) => (version === 'v2' ? ['pod-3'] : ['pod-0', 'pod-1', 'pod-2', 'pod-3']),
};
const LABEL: Label = {
  file: 'a.jsonl',
  path: '/a.jsonl',
  where: 'labels.json:1',
  kind: 'serving',
  cause: 'epsilon_mismatch',
  onset: { at: 'offset', seconds: 300, startMs: null },
  layers: ['x'],
  sources: 'all',
  acceptable: ['ticket', 'page'],
  scenario: '',
  detectability: 'clear',
  epsilon: 0.05,
  baseline: null,
};
const QUIET: Label = { ...LABEL, cause: 'none', onset: { at: 'never' }, acceptable: ['none'] };

const line = (seconds: number, given: Partial<Record<string, unknown>> = {}): FindingLine =>
  ({
    event: 'opened',
    id: 'i',
    environment: 'default',
    model: 'm',
    time: new Date(T0 + seconds * 1000).toISOString(),
    version: 'v1',
    role: 'stable',
    step: null,
    severity: 'ticket',
    suppressed: null,
    reopened: false,
    cause: 'epsilon_mismatch',
    layers: ['x', 'y'],
    sources: [],
    evidence: { implied_epsilon: 0.055 },
    ...given,
  }) as unknown as FindingLine;

const openingsOf = (lines: readonly FindingLine[]) => {
  const openings = createOpenings();
  for (const one of lines) openings.add(one);
  return openings.all;
};
const verdictOf = (label: Partial<Label>, ...lines: FindingLine[]) =>
  judge({ ...LABEL, ...label }, openingsOf(lines), FACTS);

describe('a fault that is found', () => {
  it('is right in every respect', () => {
    expect(verdictOf({}, line(310))).toEqual({
      expected: 'fault',
      onsetMs: T0 + 300_000,
      detected: true,
      delay: 10,
      falsely: 0,
      healthySeconds: 299.973,
      extra: 0,
      cause: 'epsilon_mismatch',
      causeRight: true,
      layerRight: true,
      sourcesRight: true,
      severityRight: true,
      impliedEpsilon: 0.055,
      epsilonRight: true,
    });
  });

  it('is judged by what its incident told last, and by the highest severity', () => {
    const changed = line(320, { event: 'changed', severity: 'page', cause: 'norm_type', layers: ['y'] });
    const verdict = verdictOf({ acceptable: ['ticket'] }, line(310), changed);
    expect(verdict).toMatchObject({ delay: 10, causeRight: false, layerRight: false, severityRight: false });
  });

  it('may have more than one incident, of which all but the first are too many', () => {
    const again = line(400, { reopened: true });
    expect(verdictOf({}, line(310), line(330, { id: 'j' }), again)).toMatchObject({ extra: 1, delay: 10 });
  });

  it('has a false incident before it', () => {
    expect(verdictOf({}, line(300), line(310, { id: 'j' }))).toMatchObject({ falsely: 1, delay: 10 });
  });

  it('at a time of its own, or after a start that is given', () => {
    expect(verdictOf({ onset: { at: 'time', timeMs: T0 + 305_000 } }, line(310)).delay).toBe(5);
    const onset = { at: 'offset', seconds: 300, startMs: T0 - 60_000 } as const;
    expect(verdictOf({ onset }, line(310)).delay).toBe(70);
  });

  it('in training is counted in steps', () => {
    const label = { kind: 'training', onset: { at: 'step', step: 138 } } as const;
    const verdict = verdictOf(label, line(1, { id: 'early', step: 100 }), line(2, { step: 140 }));
    expect(verdict).toMatchObject({ falsely: 1, delay: 2, sourcesRight: null });
  });

  const epsilons: [implied: unknown, right: boolean | null][] = [
    [0.06, true],
    [0.0601, false],
    [0.0401, true],
    [0.0399, false],
    ['much', null],
  ];
  it.each(epsilons)('with an epsilon of %s', (implied_epsilon, right) => {
    expect(verdictOf({}, line(310, { evidence: { implied_epsilon } })).epsilonRight).toBe(right);
  });

  const blames: [what: string, label: Label['sources'], version: string, told: string[], right: boolean][] = [
    ['nobody, and all have it', 'all', 'v1', [], true],
    ['one, and all have it', 'all', 'v1', ['pod-1'], false],
    ['all by name, and all have it', ['pod-0', 'pod-1', 'pod-2', 'pod-3'], 'v1', [], true],
    ['the right one', ['pod-2'], 'v1', ['pod-2'], true],
    ['the wrong one', ['pod-2'], 'v1', ['pod-1'], false],
    ['one too many', ['pod-2'], 'v1', ['pod-1', 'pod-2'], false],
    ['nobody, and one has it', ['pod-2'], 'v1', [], false],
    ['nobody of a version that runs there alone', ['pod-3'], 'v2', [], true],
  ];
  it.each(blames)('blaming %s', (...[, sources, version, told, right]) => {
    expect(verdictOf({ sources }, line(310, { version, sources: told })).sourcesRight).toBe(right);
  });

  it('has no one origin where several layers have it', () => {
    expect(verdictOf({ layers: 'all' }, line(310)).layerRight).toBeNull();
    expect(verdictOf({ layers: ['x', 'y'] }, line(310)).layerRight).toBeNull();
  });
});

describe('a fault that is not found', () => {
  it('is missed, and its severity is wrong', () => {
    expect(verdictOf({})).toMatchObject({ detected: false, delay: null, severityRight: false, falsely: 0 });
  });

  it('is not found by an incident before it, nor by one that was muted', () => {
    const muted = line(310, { suppressed: 'maintenance' });
    expect(verdictOf({}, muted)).toMatchObject({ detected: false, falsely: 0 });
    expect(verdictOf({}, line(200))).toMatchObject({ detected: false, falsely: 1 });
  });

  it('may be missed where the label says so', () => {
    const verdict = verdictOf({ acceptable: ['none', 'ticket'] });
    expect(verdict).toMatchObject({ expected: 'either', detected: false, severityRight: true });
  });
});

describe('where there is nothing to find', () => {
  it('every incident is false, whenever it comes', () => {
    const verdict = judge(QUIET, openingsOf([line(310)]), FACTS);
    expect(verdict).toMatchObject({ expected: 'quiet', falsely: 1, healthySeconds: 600, detected: false });
  });

  it('silence is right, after a deployment that changes nothing too', () => {
    const deployed = { ...QUIET, onset: LABEL.onset };
    expect(judge(deployed, [], FACTS)).toMatchObject({
      falsely: 0,
      healthySeconds: 600,
      severityRight: null,
    });
    expect(judge(deployed, openingsOf([line(310)]), FACTS)).toMatchObject({ falsely: 1 });
  });

  it('a ticket is no harm where the label allows it', () => {
    const label: Label = { ...QUIET, acceptable: ['none', 'ticket'] };
    expect(judge(label, openingsOf([line(310)]), FACTS).falsely).toBe(0);
    expect(judge(label, openingsOf([line(310, { severity: 'page' })]), FACTS).falsely).toBe(1);
  });
});

describe('many verdicts together', () => {
  const result = (label: Label, ...lines: FindingLine[]) => {
    const openings = openingsOf(lines);
    return { file: label.file, seconds: 600, openings, label, verdict: judge(label, openings, FACTS) };
  };
  const results = [
    result(LABEL, line(310)),
    result({ ...LABEL, file: 'b' }, line(320, { severity: 'page', cause: 'unknown', reopened: true })),
    result({ ...LABEL, file: 'c' }),
    result({ ...LABEL, acceptable: ['none', 'ticket'] }),
    result(QUIET, line(5, { suppressed: 'maintenance' }), line(6, { id: 'j' })),
  ];

  it('are counted, with rates by the time they could come in', () => {
    expect(totalsOf(results)).toEqual({
      seconds: 3000,
      pages: rateOf(1, 3000),
      tickets: rateOf(2, 3000),
      opened_as_pages: 1,
      opened_as_tickets: 2,
      reopened: 1,
      suppressed: 1,
    });
    expect(labelledOf(results)).toMatchObject({
      recordings: 5,
      faults: 3,
      detected: 2,
      missed: ['c'],
      optional: { right: 0, of: 1 },
      delay_s: { median: 15, p90: 20, max: 20 },
      delay_steps: { median: null },
      cause: { right: 1, of: 2 },
      severity: { right: 3, of: 4 },
    });
    const { count, per_week } = labelledOf(results).false_incidents;
    expect(count).toBe(1);
    expect(per_week).toBeCloseTo((7 * 86_400) / (4 * 299.973 + 600), 3);
  });

  it('have delays of which nine in ten are not longer than p90', () => {
    expect(delaysOf([])).toEqual({ median: null, p90: null, max: null });
    expect(delaysOf([3, 1, 2])).toEqual({ median: 2, p90: 3, max: 3 });
    expect(delaysOf([10, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual({ median: 5.5, p90: 9, max: 10 });
  });

  it('have no rate without any time', () => {
    expect(rateOf(0, 0)).toEqual({ count: 0, per_week: null, per_week_low: null, per_week_high: null });
    const { per_week, per_week_low, per_week_high } = rateOf(3, 7 * 86_400);
    expect([per_week, per_week_low!.toFixed(3), per_week_high!.toFixed(3)]).toEqual([3, '0.619', '8.767']);
  });
});
