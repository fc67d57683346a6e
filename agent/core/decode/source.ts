import { LIMITS } from '../limits.ts';
import { map } from './collections.ts';
import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { count, name, oneOf } from './scalars.ts';

export type SourceEvent = EventOf<typeof source>;

export const source = defineKind({
  kind: 'source',
  version: 1,
  doc: 'A source says that it is there, and what it has sent and dropped by kind since it started.',
  fields: {
    status: says('alive is sent every 30 s', oneOf('started', 'alive', 'stopping')),
    sent: says('events by kind, since boot', optional(map(count(), LIMITS.mapEntries))),
    dropped: says(
      'events by kind that did not get out, since boot',
      optional(map(count(), LIMITS.mapEntries)),
    ),
    node: says('machine', optional(name())),
    accelerator: says('GPU or the like', optional(name())),
    emitter_version: says('version of what measures', optional(name())),
  },
  examples: [
    example('source', {
      status: 'alive',
      sent: { activations: 300, outputs: 300 },
      dropped: { channels: 2 },
      node: 'gpu-7',
      accelerator: 'A100-SXM4-80GB',
      emitter_version: '0.1.0',
    }),
    example('source', { window_ms: 0, status: 'stopping' }),
  ],
});
