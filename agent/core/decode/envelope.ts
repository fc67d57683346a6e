/** The fields of every event. */
import { LIMITS } from '../limits.ts';
import { map } from './collections.ts';
import { byDefault, optional, says } from './declare.ts';
import { count, line, name, oneOf, pattern, time } from './scalars.ts';

export const ENVELOPE = {
  time: says('end of the flush, RFC 3339 with milliseconds', time()),
  window_ms: says('length of the flush; 0 for a point event', count(LIMITS.windowMs)),
  environment: says(
    'production, staging …; part of the identity',
    byDefault(pattern('^[A-Za-z0-9_.-]{1,64}$', 'letters, digits, "_", "." and "-"', 64), 'default'),
  ),
  model: says('what is observed', name()),
  version: says('which version of it', name()),
  source: says('the pod, rank, client or worker that measured it', name()),
  boot: says('changes when the source restarts, so that seq may start again', optional(name())),
  seq: says(
    '0, 1, 2 … per source and boot, over all kinds: a gap is loss, a repeat a duplicate',
    count(Number.MAX_SAFE_INTEGER),
  ),
  role: says('which part of the traffic it serves', byDefault(oneOf('stable', 'canary', 'shadow'), 'stable')),
  run: says(
    'the training run; an event with it belongs to training, one without to serving',
    optional(name()),
  ),
  step: says('optimizer step of the run', optional(count(Number.MAX_SAFE_INTEGER))),
  checkpoint: says('the weights it runs with', optional(name())),
  probe: says('id of a fixed input set: never traffic, compared exactly', optional(name())),
  labels: says(
    'where it runs: cluster, namespace, team …',
    optional(map(line(LIMITS.labelChars), LIMITS.mapEntries)),
  ),
};

/** Whole events for examples and tests: a body, and around it what every event must have. */
export const example = (
  kind: string,
  body: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => ({
  v: 1,
  kind,
  time: '2026-03-02T00:00:10.000Z',
  window_ms: 10_000,
  model: 'minilm-l6',
  version: 'v1',
  source: 'pod-0',
  boot: '0',
  seq: 7,
  ...body,
});
