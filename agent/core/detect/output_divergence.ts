/** KL of a model's output over the last minute against the baseline, held against `budget.output_kl_nats`. */
import { OUTPUTS_MAX } from '../output-sum.ts';
import { HOUR_MS } from '../time.ts';
import type { Detector, DetectorState, TickContext } from './contract.ts';
import { round } from './shift.ts';

/** Fewer requests in the window than this say nothing of a distribution. */
const REQUESTS_MIN = 60;
/** Divergence counts beyond so many times what the hours of a day have shown. */
const USUAL_TIMES = 2;
/** What hours have shown is forgotten by this share an hour: half in four days. */
const FORGOTTEN_SHARE = 0.007;

/** Row of an output: the hour being summed, its divergences, their number, and the most that an hour has shown. */
const HOUR = 0;
const SUM = 1;
const TICKS = 2;
const MOST = 3;
const ROW = 4;

export const outputDivergence: Detector = {
  name: 'output_divergence',
  family: 'drift',
  doc:
    'The mean output distribution of the last minute (probabilities where sent, else the histogram of components) ' +
    'against the baseline, as KL in nats, less what so few requests show by chance. Pages above the budget, or above ' +
    'twice what clean hours have shown where that is more: this is what users feel. Misses faults that leave the mean ' +
    'distribution alone.',
  params: [
    { name: 'requests', unit: 'requests', value: REQUESTS_MIN, help: 'least requests in the window' },
    { name: 'budget', unit: 'nats', value: 0.1, help: 'default of budget.output_kl_nats' },
    {
      name: 'usualTimes',
      unit: 'ratio',
      value: USUAL_TIMES,
      help: 'times the most that a clean hour has shown on average',
    },
  ],
  metrics: ['output_kl_nats'],
  causes: ['output_divergence'],
  ofReference: true,
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    return context.outputs.flatMap(({ output, requests, divergence, chanceNats }) => {
      if (requests < REQUESTS_MIN) return [];
      const klNats = Math.max(0, divergence.klNats - chanceNats);
      const usualNats = learnUsual(context, state, output, klNats);
      const budget = Math.max(context.budget.outputKlNats, USUAL_TIMES * usualNats);
      if (klNats <= budget) return [];
      return {
        layer: -1,
        site: null,
        sources: [],
        severity: 'page' as const,
        cause: 'output_divergence',
        confidence: 0.5,
        effect: klNats,
        unit: 'nats' as const,
        onsetMs: context.tick.startMs,
        evidence: {
          output,
          output_kl_nats: round(klNats),
          output_js_nats: round(divergence.jsNats),
          requests,
        },
        says: `output ${output} diverges by ${klNats.toFixed(3)} nats, budget ${Number(budget.toPrecision(2))}`,
      };
    });
  },
};

/** The most that a clean hour has shown on average; 0 in the first hour. */
function learnUsual(context: TickContext, state: DetectorState, output: string, klNats: number): number {
  let row = state.named.get(output);
  if (row === undefined) {
    if (state.named.size >= OUTPUTS_MAX) return 0;
    row = new Float64Array(ROW);
    state.named.set(output, row);
  }
  const hour = Math.floor(context.tick.startMs / HOUR_MS);
  if (hour !== row[HOUR]) {
    const mean = row[TICKS]! === 0 ? 0 : row[SUM]! / row[TICKS]!;
    row[MOST] = Math.max(row[MOST]! * (1 - FORGOTTEN_SHARE), mean);
    row.set([hour, 0, 0]);
  }
  if (context.clean) {
    row[SUM] = row[SUM]! + klNats;
    row[TICKS] = row[TICKS]! + 1;
  }
  return row[MOST]!;
}
