import { histogram } from './columns.ts';
import { nullable, optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { fault } from './fault.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, real } from './scalars.ts';

export type RequestsEvent = EventOf<typeof requests>;

export const requests = defineKind({
  kind: 'requests',
  version: 1,
  doc: 'Whole inferences of one flush: how many, how many failed, how long they took.',
  fields: {
    count: says('inferences that ended in the flush', count()),
    errors: says('those of them that failed', optional(count())),
    latency: says('seconds', optional(nullable(histogram()))),
    cost_usd: says('cost of the flush, US dollars', optional(real(0))),
  },
  rule: {
    says: 'errors is at most count.',
    check: ({ count: all, errors }) =>
      errors === undefined || errors <= all
        ? null
        : fault('out_of_range', `${errors} of ${all} requests`, 'errors'),
  },
  examples: [
    example('requests', {
      count: 120,
      errors: 3,
      latency: { scale: 3, zero_count: 0, positive: { offset: -40, counts: [3, 60, 50, 7] } },
      cost_usd: 0.0042,
    }),
  ],
});
