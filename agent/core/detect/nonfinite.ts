/**
 * A hard rule: any NaN or Inf, at once, by event. The first layer in forward order is where it began: what comes after
 * only inherits it. In fp16 an overflow is an Inf beside finite values that near 65504.
 */
import type { Detector, NonfiniteContext } from './contract.ts';

const FP16_MAX = 65_504;
/** Finite neighbours of an overflow reach at least this share of the largest fp16 number. */
const FP16_SHARE = 0.5;

export const nonfinite: Detector = {
  name: 'nonfinite',
  family: 'numerics',
  doc:
    'NaN or Inf in activations, gradients or an early notice opens an incident at once and names the first layer in ' +
    'forward order. Tells fp16 overflow (Inf beside finite values near 65504) from other causes.',
  params: [
    {
      name: 'fp16Share',
      unit: 'ratio',
      value: FP16_SHARE,
      help: 'share of 65504 that finite neighbours must reach',
    },
  ],
  metrics: ['nonfinite_elements_total', 'nonfinite_elements', 'nonfinite_last_seen_timestamp_seconds'],
  causes: ['nonfinite', 'fp16_overflow'],
  cellStride: 0,
  streamStride: 0,
  nonfinite(context: NonfiniteContext) {
    const first = context.counts[0];
    if (first === undefined) return [];
    const nan = context.counts.reduce((sum, c) => sum + c.nan, 0);
    const inf = context.counts.reduce((sum, c) => sum + c.inf, 0);
    const magnitude = first.magnitude;
    const overflow =
      first.inf > 0 && magnitude !== null && magnitude >= FP16_SHARE * FP16_MAX && magnitude <= FP16_MAX;
    const at = first.site === null ? 'in' : `at the ${first.site} of`;
    const kind = first.inf > 0 ? 'Inf' : 'NaN';
    return [
      {
        layer: first.layer,
        site: first.site,
        sources: [context.source],
        severity: 'page',
        cause: overflow ? 'fp16_overflow' : 'nonfinite',
        confidence: overflow ? 0.9 : 1,
        effect: nan + inf,
        unit: 'elements',
        onsetMs: context.timeMs,
        evidence: {
          nan_elements: nan,
          inf_elements: inf,
          where: context.where,
          ...(magnitude === null ? {} : { greatest_finite_magnitude: magnitude }),
        },
        says: `${kind} ${at} ${first.name} (${context.where})${overflow ? ', finite values near the fp16 limit of 65504' : ''}`,
      },
    ];
  },
};
