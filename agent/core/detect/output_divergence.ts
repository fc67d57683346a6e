/** KL of a model's output over the last minute against the baseline, held against `budget.output_kl_nats`. */
import type { Detector } from './contract.ts';
import { round } from './shift.ts';

/** Fewer requests in the window than this say nothing of a distribution. */
const REQUESTS_MIN = 60;

export const outputDivergence: Detector = {
  name: 'output_divergence',
  family: 'drift',
  doc:
    'The mean output distribution of the last minute (probabilities where sent, else the histogram of components) ' +
    'against the baseline, as KL in nats. Pages above the budget: this is what users feel. Misses faults that leave ' +
    'the mean distribution alone.',
  params: [
    { name: 'requests', unit: 'requests', value: REQUESTS_MIN, help: 'least requests in the window' },
    { name: 'budget', unit: 'nats', value: 0.1, help: 'default of budget.output_kl_nats' },
  ],
  metrics: ['output_kl_nats'],
  causes: ['output_divergence'],
  cellStride: 0,
  streamStride: 0,
  tick(context) {
    const budget = context.budget.outputKlNats;
    return context.outputs
      .filter(({ requests, divergence }) => requests >= REQUESTS_MIN && divergence.klNats > budget)
      .map(({ output, requests, divergence }) => ({
        layer: -1,
        site: null,
        sources: [],
        severity: 'page' as const,
        cause: 'output_divergence',
        confidence: 0.5,
        effect: divergence.klNats,
        unit: 'nats' as const,
        onsetMs: context.tick.startMs,
        evidence: {
          output,
          output_kl_nats: round(divergence.klNats),
          output_js_nats: round(divergence.jsNats),
          requests,
        },
        says: `output ${output} diverges by ${divergence.klNats.toFixed(3)} nats, budget ${budget}`,
      }));
  },
};
