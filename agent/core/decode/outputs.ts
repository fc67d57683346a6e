import { LIMITS } from '../limits.ts';
import { distribution, histogram } from './columns.ts';
import { nullable, optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { fault } from './fault.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name } from './scalars.ts';

export type OutputsEvent = EventOf<typeof outputs>;

export const outputs = defineKind({
  kind: 'outputs',
  version: 1,
  doc: "The model's output over the finite requests of one flush: a mean distribution, a histogram of its components, or both.",
  fields: {
    name: says('which output of the model', name()),
    requests: says('requests in the flush', count()),
    non_finite_requests: says(
      'those of them whose output was not finite: they are in none of the statistics',
      optional(count()),
    ),
    probabilities: says(
      'mean categorical distribution over the finite requests, larger ones hashed into buckets',
      optional(nullable(distribution(LIMITS.probabilities))),
    ),
    histogram: says("the output's components over the finite requests", optional(nullable(histogram()))),
  },
  rule: {
    says: 'non_finite_requests is at most requests.',
    check: ({ requests, non_finite_requests: nonFinite }) =>
      nonFinite === undefined || nonFinite <= requests
        ? null
        : fault('out_of_range', `${nonFinite} of ${requests} requests`, 'non_finite_requests'),
  },
  examples: [
    example('outputs', {
      name: 'embedding',
      requests: 3,
      non_finite_requests: 1,
      probabilities: [0.25, 0.7, 0.05],
      histogram: {
        scale: 1,
        zero_count: 9,
        zero_threshold: 0.00003051757812,
        positive: { offset: -29, counts: [1, 0, 2] },
        negative: { offset: -25, counts: [1, 2] },
      },
    }),
    example('outputs', { name: 'embedding', requests: 2, non_finite_requests: 2, histogram: null }),
  ],
});
