import { LIMITS } from '../limits.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { fault } from './fault.ts';
import { defineKind, type EventOf } from './kind.ts';
import { text, time } from './scalars.ts';
import { signature } from './signature.ts';

export type MaintenanceEvent = EventOf<typeof maintenance>;

export const maintenance = defineKind({
  kind: 'maintenance',
  version: 1,
  doc: 'Control: a planned window in which nothing pages; an `until` that has passed ends it.',
  fields: {
    until: says('end of the window', time()),
    reason: says('why, in words of people', optional(text())),
    signature: signature(),
  },
  rule: {
    says: 'until is at most 24 hours after time.',
    check: ({ timeMs, untilMs }) =>
      untilMs - timeMs <= LIMITS.maintenanceMs
        ? null
        : fault('out_of_range', 'more than 24 hours after time', 'until'),
  },
  examples: [
    example('maintenance', {
      window_ms: 0,
      source: 'operator',
      until: '2026-03-02T02:00:00.000+01:00',
      reason: 'driver update',
      signature: {
        key: 'ops',
        hmac_sha256: 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad',
      },
    }),
  ],
});
