/**
 * A small network with three normalizations, each after a residual block, run on fixed inputs: what a probe answers when the
 * arithmetic is right, and when it is not. Real arithmetic instead of made-up numbers, so that tests have an oracle.
 */
import { createGaussian } from './events.ts';

export const FEATURES = 64;
const TOKENS = 24;
export const PROBE_LAYERS = ['first', 'second', 'third'] as const;

/** What one normalization does; by default layer normalization with epsilon 1e-12. */
export interface Arithmetic {
  readonly epsilon?: number;
  readonly affine?: boolean;
  readonly norm?: 'layernorm' | 'rmsnorm';
  /** Divides by n − 1. */
  readonly estimator?: boolean;
  /** Applied to what is normalized. */
  readonly round?: (value: number) => number;
}

export interface NetworkFault {
  /** By place of the layer; of every layer when it is no array. */
  readonly layers?: Arithmetic | readonly (Arithmetic | undefined)[];
  /** Weights of the block before a layer as a factor, by place. */
  readonly blocks?: readonly (number | undefined)[];
  /** Applied to every weight of every block. */
  readonly quantize?: (weight: number) => number;
  /** Digits that are sent; 5 by default. */
  readonly digits?: number;
  /** Adds to every number of the input: its mean. */
  readonly offset?: number;
}

type Matrix = number[][];

/** Columns of an `activations` event. */
export function probeAnswer(fault: NetworkFault = {}): Record<string, unknown> {
  const gaussian = createGaussian(42);
  const matrix = (rows: number, scale: number): Matrix =>
    Array.from({ length: rows }, () => Array.from({ length: FEATURES }, () => scale * gaussian()));
  let hidden = matrix(TOKENS, 0.5).map((row) => row.map((x) => x + 0.2 + (fault.offset ?? 0)));
  const blocks = { input: [] as Stats[], output: [] as Stats[] };
  for (let place = 0; place < PROBE_LAYERS.length; place++) {
    const weights = matrix(FEATURES, (0.4 + 0.3 * place) / Math.sqrt(FEATURES));
    const gamma = Array.from({ length: FEATURES }, () => 0.7 + 0.1 * gaussian());
    const beta = Array.from({ length: FEATURES }, () => 0.05 * gaussian());
    if (place > 0) hidden = residual(hidden, weights, fault.blocks?.[place] ?? 1, fault.quantize);
    blocks.input.push(statsOf(hidden));
    const layers = fault.layers ?? {};
    const arithmetic = isList(layers) ? (layers[place] ?? {}) : layers;
    hidden = hidden.map((row) => normalize(row, gamma, beta, arithmetic));
    blocks.output.push(statsOf(hidden));
  }
  const columns = (stats: readonly Stats[]) =>
    Object.fromEntries(
      Object.keys(stats[0]!).map((key) => [
        key,
        stats.map((one) => Number(one[key as keyof Stats].toPrecision(fault.digits ?? 5))),
      ]),
    );
  return { layers: PROBE_LAYERS, input: columns(blocks.input), output: columns(blocks.output), requests: 1 };
}

const isList = (value: unknown): value is readonly (Arithmetic | undefined)[] => Array.isArray(value);

function residual(x: Matrix, weights: Matrix, factor: number, quantize = (w: number): number => w): Matrix {
  const used = weights.map((row) => row.map((w) => quantize(w) * factor));
  return x.map((row) => row.map((value, i) => value + Math.tanh(dot(row, used[i]!))));
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function normalize(row: number[], gamma: number[], beta: number[], arithmetic: Arithmetic): number[] {
  const { epsilon = 1e-12, affine = true, norm = 'layernorm', estimator = false } = arithmetic;
  const { round = (x: number): number => x } = arithmetic;
  const mean = norm === 'rmsnorm' ? 0 : row.reduce((sum, x) => sum + x, 0) / row.length;
  const squares = row.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const scale = Math.sqrt(squares / (row.length - (estimator ? 1 : 0)) + epsilon);
  return row.map((x, i) => {
    const normal = round((x - mean) / scale);
    return affine ? round(normal * gamma[i]! + beta[i]!) : normal;
  });
}

interface Stats {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
  readonly min: number;
  readonly max: number;
  readonly token_variance_mean: number;
}

function statsOf(rows: Matrix): Stats {
  const all = rows.flat();
  const moments = (values: readonly number[]): { mean: number; variance: number } => {
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length };
  };
  const tokens = rows.map((row) => moments(row).variance);
  return {
    count: all.length,
    ...moments(all),
    min: Math.min(...all),
    max: Math.max(...all),
    token_variance_mean: tokens.reduce((sum, x) => sum + x, 0) / tokens.length,
  };
}
