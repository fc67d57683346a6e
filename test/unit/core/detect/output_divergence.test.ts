/** KL of an output against its budget, against chance, and against what clean hours have shown. */
import { describe, expect, it } from 'vitest';
import { newDetectorState } from '../../../../agent/core/detect/contract.ts';
import { outputDivergence } from '../../../../agent/core/detect/output_divergence.ts';
import { DEFAULT_SETTINGS } from '../../../../agent/core/settings.ts';
import { HOUR } from '../../../kit/events.ts';
import { TICK_MS } from '../../../kit/ticks.ts';
import { detectorSuite, LAYERS, START_MS, trafficContexts } from './suite.ts';

const output = (klNats: number, requests = 100, name = 'logits', chanceNats = 0) => ({
  output: name,
  requests,
  divergence: { klNats, jsNats: klNats / 4, psi: klNats },
  chanceNats,
});
const contexts = (...outputs: ReturnType<typeof output>[]) => trafficContexts([{}], { outputs });
const page = { tick: 0, layer: null, severity: 'page' } as const;

detectorSuite(outputDivergence, {
  quiet: {
    'without outputs': contexts(),
    'at the budget itself': contexts(output(0.1)),
    'with fewer requests than tell anything': contexts(output(5, 59)),
    'on what so few requests show by chance': contexts(output(0.5, 60, 'logits', 0.4)),
    'on less than chance': contexts(output(0.2, 60, 'logits', 0.5)),
    'below a budget that was raised': trafficContexts([{}], {
      outputs: [output(0.3)],
      budget: { ...DEFAULT_SETTINGS.budget, outputKlNats: 0.5 },
    }),
  },
  alarms: {
    'above the budget': {
      contexts: contexts(output(0.101, 60)),
      ...page,
      says: {
        cause: 'output_divergence',
        effect: 0.101,
        unit: 'nats',
        onsetMs: START_MS,
        sources: [],
        evidence: { output: 'logits', output_kl_nats: 0.101, output_js_nats: 0.02525, requests: 60 },
      },
    },
    'about what is left when chance is taken off': {
      contexts: contexts(output(0.5, 60, 'logits', 0.3)),
      ...page,
      says: { says: 'output logits diverges by 0.200 nats, budget 0.1' },
    },
    'about the output that is out, beside one that is not': {
      contexts: contexts(output(0.01), output(2, 100, 'embedding')),
      ...page,
      says: { says: 'output embedding diverges by 2.000 nats, budget 0.1' },
    },
  },
});

describe('hours', () => {
  /** A tick a minute; divergences by the hour, clean or not. Pages by the hour. */
  function pagesOf(hours: readonly { kl: number; clean?: boolean; name?: string }[]): number[] {
    const state = newDetectorState(outputDivergence, LAYERS.length);
    const [context] = contexts();
    return hours.map(({ kl, clean = true, name = 'logits' }, hour) => {
      let pages = 0;
      for (let minute = 0; minute < 60; minute++) {
        const startMs = 1_000 * HOUR + hour * HOUR + minute * 60_000;
        const tick = { ...context!.tick, startMs, endMs: startMs + TICK_MS };
        const outputs = [output(kl, 100, name)];
        pages += outputDivergence.tick!({ ...context!, tick, outputs, clean }, state).length;
      }
      return pages;
    });
  }
  const of = (...kls: number[]) => kls.map((kl) => ({ kl }));

  it('that were clean raise the budget to twice what they have shown', () => {
    expect(pagesOf(of(0.09, 0.17, 0.09, 0.19))).toEqual([0, 0, 0, 0]);
    expect(pagesOf(of(0.09, 0.19))).toEqual([0, 60]);
    expect(pagesOf(of(0.02, 0.101))).toEqual([0, 60]);
  });

  it('with a fault teach nothing', () => {
    expect(pagesOf([{ kl: 0.3, clean: false }, { kl: 0.3 }])).toEqual([60, 60]);
  });

  it('teach on their end only, and each output by itself', () => {
    expect(pagesOf(of(0.3, 0.3))).toEqual([60, 0]);
    expect(pagesOf([{ kl: 0.09 }, { kl: 0.15, name: 'embedding' }])).toEqual([0, 60]);
  });

  it('are forgotten, by half in four days', () => {
    const days = (n: number) =>
      pagesOf([{ kl: 0.2 }, ...of(...Array<number>(24 * n).fill(0)), { kl: 0.3 }]).at(-1);
    expect([days(1), days(4)]).toEqual([0, 60]);
  });

  it('of outputs without end have no place', () => {
    const state = newDetectorState(outputDivergence, LAYERS.length);
    for (let i = 0; i < 100; i++)
      outputDivergence.tick!(contexts(output(0.05, 100, `output-${i}`))[0]!, state);
    expect(state.named.size).toBe(32);
  });
});
