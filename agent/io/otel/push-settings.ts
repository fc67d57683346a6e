/**
 * Whether to push by OTLP, and how often, by the variables of the OpenTelemetry specification. Guarded against in
 * exporter-metrics-otlp-proto 0.301, which reads the others itself: it takes an address it cannot parse for none and
 * pushes to localhost, and it ignores the protocol asked for.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

export interface PushSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A variable has a value that cannot be meant. `variable` and `expected` name what to mend. */
export class PushSettingsError extends Error {
  override name = 'PushSettingsError';
  readonly variable: string;
  readonly expected: string;
  constructor(variable: string, expected: string) {
    super(`${variable} must be ${expected}`);
    this.variable = variable;
    this.expected = expected;
  }
}

const INTERVAL_MS = 60_000;
const TIMEOUT_MS = 30_000;
const PROTOCOL = 'http/protobuf';

/** Null: nobody asked for a push. Throws PushSettingsError. */
export function pushSettings(environment: Environment): PushSettings | null {
  const isOff =
    environment.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || environment.OTEL_METRICS_EXPORTER === 'none';
  const endpoint = setting(environment, 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (isOff || endpoint === null) return null;
  if (!/^https?:$/.test(URL.parse(endpoint.value)?.protocol ?? ''))
    throw new PushSettingsError(endpoint.variable, 'an http or https address');

  const protocol = setting(environment, 'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== null && protocol.value !== PROTOCOL)
    throw new PushSettingsError(protocol.variable, `${PROTOCOL}, the only protocol pushed`);

  const intervalMs = milliseconds(environment, 'OTEL_METRIC_EXPORT_INTERVAL', INTERVAL_MS);
  const timeoutMs = milliseconds(environment, 'OTEL_METRIC_EXPORT_TIMEOUT', TIMEOUT_MS);
  return { intervalMs, timeoutMs: Math.min(intervalMs, timeoutMs) };
}

/** The first variable that is set. By the specification an empty one is not. */
function setting(
  environment: Environment,
  ...variables: string[]
): { variable: string; value: string } | null {
  for (const variable of variables) {
    const value = environment[variable]?.trim() ?? '';
    if (value !== '') return { variable, value };
  }
  return null;
}

function milliseconds(environment: Environment, variable: string, otherwise: number): number {
  const given = setting(environment, variable);
  if (given === null) return otherwise;
  const value = Number(given.value);
  // setInterval takes no longer times.
  if (!Number.isSafeInteger(value) || value < 1 || value >= 2 ** 31)
    throw new PushSettingsError(variable, 'a number of milliseconds');
  return value;
}
