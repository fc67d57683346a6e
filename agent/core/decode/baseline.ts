import { LIMITS } from '../limits.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { type Fault, fault } from './fault.ts';
import { defineKind, type EventOf } from './kind.ts';
import { name, oneOf, pattern, time } from './scalars.ts';
import { signature } from './signature.ts';

export type BaselineEvent = EventOf<typeof baseline>;

const BASE64 = '^[A-Za-z0-9+/]*={0,2}$';

export const baseline = defineKind({
  kind: 'baseline',
  version: 1,
  doc: 'Control: pins a reference from this log or from an export, drops it, or learns again from a time on.',
  fields: {
    action: says('set a reference, drop it, or learn anew', oneOf('pin', 'unpin', 'relearn')),
    reference: says('id of the reference', optional(name())),
    from_version: says('version it was measured on', optional(name())),
    since: says('begin of the range', optional(time())),
    until: says('end of the range', optional(time())),
    data: says('base64 of `baseline export`', optional(pattern(BASE64, 'base64', LIMITS.baselineDataChars))),
    signature: signature(),
  },
  rule: {
    says: 'pin has either since and a later until, or data; relearn has since.',
    check: ({ action, sinceMs, untilMs, data }): Fault | null => {
      if (sinceMs !== null && untilMs !== null && untilMs <= sinceMs) {
        return fault('out_of_range', 'until is not later than since', 'until');
      }
      if (action === 'relearn' && sinceMs === null)
        return fault('missing_field', 'relearn needs it', 'since');
      if (action !== 'pin') return null;
      if (data === undefined) {
        if (sinceMs === null) return fault('missing_field', 'pin needs since and until, or data', 'since');
        return untilMs === null
          ? fault('missing_field', 'pin needs since and until, or data', 'until')
          : null;
      }
      const both = sinceMs !== null || untilMs !== null;
      return both ? fault('bad_field', 'pin takes since and until, or data, not both', 'data') : null;
    },
  },
  examples: [
    example('baseline', {
      window_ms: 0,
      source: 'operator',
      action: 'pin',
      reference: 'v1-march',
      from_version: 'v1',
      since: '2026-03-01T00:00:00.000Z',
      until: '2026-03-02T00:00:00.000Z',
      signature: {
        key: 'ops',
        hmac_sha256: 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad',
      },
    }),
    example('baseline', {
      window_ms: 0,
      source: 'operator',
      action: 'pin',
      reference: 'golden',
      data: 'bndiMQ==',
    }),
    example('baseline', { window_ms: 0, source: 'operator', action: 'unpin', reference: 'v1-march' }),
    example('baseline', {
      window_ms: 0,
      source: 'operator',
      action: 'relearn',
      since: '2026-03-01T12:00:00Z',
    }),
  ],
});
