/** The fields of every event. */
import { LIMITS } from '../limits.ts';
import { map } from './collections.ts';
import { byDefault, optional } from './declare.ts';
import { count, line, name, oneOf, pattern, time } from './scalars.ts';

export const ENVELOPE = {
  time: time(),
  window_ms: count(LIMITS.windowMs),
  environment: byDefault(
    pattern('^[A-Za-z0-9_.-]{1,64}$', 'letters, digits, "_", "." and "-"', 64),
    'default',
  ),
  model: name(),
  version: name(),
  source: name(),
  boot: optional(name()),
  seq: count(Number.MAX_SAFE_INTEGER),
  role: byDefault(oneOf('stable', 'canary', 'shadow'), 'stable'),
  run: optional(name()),
  step: optional(count(Number.MAX_SAFE_INTEGER)),
  checkpoint: optional(name()),
  probe: optional(name()),
  labels: optional(map(line(LIMITS.labelChars), LIMITS.mapEntries)),
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
