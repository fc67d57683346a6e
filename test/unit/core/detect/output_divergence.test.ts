/** KL of an output against its budget. */
import { outputDivergence } from '../../../../agent/core/detect/output_divergence.ts';
import { DEFAULT_SETTINGS } from '../../../../agent/core/settings.ts';
import { detectorSuite, START_MS, trafficContexts } from './suite.ts';

const output = (klNats: number, requests = 100, name = 'logits') => ({
  output: name,
  requests,
  divergence: { klNats, jsNats: klNats / 4, psi: klNats },
});
const contexts = (...outputs: ReturnType<typeof output>[]) => trafficContexts([{}], { outputs });
const page = { tick: 0, layer: null, severity: 'page' } as const;

detectorSuite(outputDivergence, {
  quiet: {
    'without outputs': contexts(),
    'at the budget itself': contexts(output(0.1)),
    'with fewer requests than tell anything': contexts(output(5, 59)),
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
    'about the output that is out, beside one that is not': {
      contexts: contexts(output(0.01), output(2, 100, 'embedding')),
      ...page,
      says: { says: 'output embedding diverges by 2.000 nats, budget 0.1' },
    },
  },
});
