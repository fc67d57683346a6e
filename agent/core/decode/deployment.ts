import { optional, says } from './declare.ts';
import { example } from './envelope.ts';
import { defineKind, type EventOf } from './kind.ts';
import { name, text } from './scalars.ts';
import { signature } from './signature.ts';

export type DeploymentEvent = EventOf<typeof deployment>;

export const deployment = defineKind({
  kind: 'deployment',
  version: 1,
  doc: 'A version went out; `source` is what deployed it.',
  fields: {
    previous_version: says('what it replaced', optional(name())),
    change: says('what changed, in words of people', optional(text())),
    signature: signature(),
  },
  examples: [
    example('deployment', {
      window_ms: 0,
      version: 'v2',
      source: 'deploy-controller',
      previous_version: 'v1',
      checkpoint: 'nightly-3-step-25',
      change: 'ONNX export with fused LayerNorm',
      signature: {
        key: 'ci',
        hmac_sha256: 'b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad',
      },
    }),
    example('deployment', { window_ms: 0, version: 'v2', source: 'deploy-controller' }),
  ],
});
