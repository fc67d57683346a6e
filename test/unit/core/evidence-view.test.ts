/** How close each detector is to an alarm, as the outside sees it: of the last tick, against the model's own budget. */
import { describe, expect, it } from 'vitest';
import { SHARES } from '../../../agent/core/budget.ts';
import { DETECTORS } from '../../../agent/core/detect/index.ts';
import { viewPartition } from '../../../agent/core/fold.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../agent/core/settings.ts';
import { SECOND } from '../../kit/events.ts';
import { createFleet } from '../../kit/fleet.ts';
import { foldAll, partitionWithBaseline, recording } from '../../kit/recording.ts';

const DAY = 86_400_000;
const shipped = (name: string, settings: Settings = DEFAULT_SETTINGS) => {
  const partition = foldAll(partitionWithBaseline(settings), recording(name));
  return viewPartition(partition).models.flatMap(({ streams }) => streams);
};
const evidenceOf = (name: string, version: string, settings?: Settings) => {
  const { evidence } = shipped(name, settings).find((stream) => stream.version === version)!;
  return new Map(evidence.map((one) => [one.detector, one]));
};

describe('evidence', () => {
  it('names every detector that has a share of the budget, in the order of the registry, and no hard rule', () => {
    const [stream] = shipped('healthy');
    const named = stream!.evidence.map(({ detector }) => detector);
    expect(named).toEqual(DETECTORS.map(({ name }) => name).filter((name) => name in SHARES));
    expect(named).toContain('activation_variance');
    expect(named).not.toContain('nonfinite');
  });

  it('stays below every threshold while all is well', () => {
    for (const { nats, ticketNats, pageNats } of evidenceOf('healthy', 'v1').values()) {
      expect(nats).toBeGreaterThanOrEqual(0);
      expect(nats).toBeLessThan(ticketNats);
      expect(pageNats - ticketNats).toBeCloseTo(Math.log(30 / 7), 9);
    }
  });

  it('of what alarms is above its threshold, and its layer is where it is strongest', () => {
    const { nats, ticketNats, layer, site } = evidenceOf('deploy-epsilon', 'v2').get('activation_variance')!;
    expect(nats).toBeGreaterThan(ticketNats);
    expect(layer).toMatch(/LayerNorm$/);
    expect(['input', 'output']).toContain(site);
  });

  it('is held against the budget of its own model', () => {
    const settings: Settings = {
      ...DEFAULT_SETTINGS,
      budgets: { 'minilm-l6': { pagesEveryMs: 300 * DAY }, other: { ticketsEveryMs: DAY } },
    };
    const usual = evidenceOf('healthy', 'v1').get('activation_mean')!;
    const own = evidenceOf('healthy', 'v1', settings).get('activation_mean')!;
    expect(own.pageNats - usual.pageNats).toBeCloseTo(Math.log(10), 9);
    expect(own.ticketNats).toBeCloseTo(usual.ticketNats, 9);
  });

  it('is none while a stream calibrates, and none is told of a run', () => {
    const fleet = createFleet();
    fleet.play(20 * SECOND);
    expect(fleet.stream().evidence.every(({ nats, layer }) => nats === 0 && layer === null)).toBe(true);
    const [run] = shipped('training-diverge-high-lr').filter((stream) => stream.run !== null);
    expect(run!.evidence).toEqual([]);
  });
});

it('an incident keeps how strong the evidence was, and exact rules have none to keep', () => {
  const evidenceAt = (name: string) => {
    const partition = foldAll(partitionWithBaseline(), recording(name));
    const [model] = viewPartition(partition).models;
    const { evidence, detectors } = model!.incidents[0]!;
    return { evidence: evidence as Record<string, unknown>, detectors };
  };
  const { detectors, evidence } = evidenceAt('deploy-epsilon');
  expect(detectors).toContain('activation_variance');
  const { ticketNats } = evidenceOf('deploy-epsilon', 'v2').get('activation_variance')!;
  expect(evidence.activation_variance_nats).toBeGreaterThanOrEqual(ticketNats);
  expect(Object.keys(evidenceAt('fp16-overflow').evidence)).not.toContain('nonfinite_nats');
});

it('thresholds hold what calibration found too low', () => {
  const partition = foldAll(partitionWithBaseline(), recording('healthy'));
  const [model] = partition.models.values();
  const before = viewPartition(partition).models[0]!.streams[0]!.evidence;
  for (const reference of model!.references) {
    reference.calibration = structuredClone(reference.calibration);
    reference.calibration?.raises.set('activation_mean', 1.5);
  }
  const after = viewPartition(partition).models[0]!.streams[0]!.evidence;
  const of = (evidence: typeof before) => evidence.find(({ detector }) => detector === 'activation_mean')!;
  const already = of(before).ticketNats - Math.log((7 * DAY) / 10_000 / SHARES.activation_mean!);
  expect(of(after).ticketNats - of(before).ticketNats).toBeCloseTo(1.5 - already, 9);
});
