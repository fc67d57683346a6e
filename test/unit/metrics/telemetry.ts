import { createTelemetry, type Telemetry, type TelemetryOptions } from '../../../agent/io/otel/telemetry.ts';
import type { Owner } from '../../kit/owner.ts';
import { NOW_MS } from './view.ts';

export interface StartedTelemetry extends Telemetry {
  /** What OpenTelemetry had to complain about so far. */
  readonly troubles: readonly string[];
}

/** Quiet telemetry that ends with the test. */
export function startTelemetry(owner: Owner, options: Partial<TelemetryOptions>): StartedTelemetry {
  const troubles: string[] = [];
  const telemetry = createTelemetry({
    samples: () => [],
    counts: () => ({ errors: { kafka: 0, redis: 0 }, occurrences: {}, records: {} }),
    nowMs: () => NOW_MS,
    push: null,
    onTrouble: (message) => troubles.push(message),
    ...options,
  });
  owner.onTestFinished(() => telemetry.close());
  return { ...telemetry, troubles };
}
