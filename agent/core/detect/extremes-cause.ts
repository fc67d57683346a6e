/**
 * Which arithmetic moves constants so. Of the token behind them the input is known to be as before, so with
 * x̂ = (x − μ)/√(σ² + ε):
 *   n − 1 for n shrinks every x̂ by √(1 − 1/F) ≈ 1 − 1/(2F), F the features;
 *   another ε shrinks x̂ by √(σ²/(σ² + ε)), most where the token's variance is least;
 *   half precision puts values on its own grid: 2^(e − 10) apart for float16, 2^(e − 7) for bfloat16, where |x| ≥ 2^e.
 * Values are γ·x̂ + β, so that relative moves of x̂ and of the value differ by what β has of it.
 */
import { digitStep, moveTolerance } from '../constant.ts';
import * as m from '../moments.ts';
import { SCORE_STRIDE } from '../score/cells.ts';
import type { TickContext } from './contract.ts';
import { type Constant, isOutputCell } from './extremes.ts';
import { round, SHIFT_COLUMNS, shiftOf } from './shift.ts';

/** A constant that has moved: by `shift` (relative, positive = less extreme) in the middle of the sources. */
export interface Moved extends Constant {
  readonly shift: number;
  /** What each affected source shows. */
  readonly values: readonly number[];
}

export interface ExtremesVerdict {
  readonly cause: 'variance_estimator' | 'precision_change' | 'epsilon_mismatch' | 'unknown';
  readonly confidence: number;
  readonly says: string;
  readonly evidence: Readonly<Record<string, number | string>>;
}

interface Look {
  readonly context: TickContext;
  readonly moved: readonly Moved[];
  /** Those at outputs, where there are any: the normalization's own values. */
  readonly values: readonly Moved[];
  readonly allShrink: boolean;
  /** Every source shows the same value, up to a digit. */
  readonly exact: boolean;
  readonly largest: number;
  /** Means or variances have moved too, which none of these faults does by itself. */
  readonly statisticsMoved: boolean;
  /** By a deployment, or in some sources alone. */
  readonly changed: boolean;
}

/** Larger moves are no matter of rounding; other detectors see them too. */
const LARGE_SHARE = 1e-2;
const FEATURES_MIN = 16;
const FEATURES_MAX = 65_536;
/** Moves agree within this share of their median; with a known F within this share of 1/(2F). */
const AGREE_SHARE = 0.05;
const KNOWN_SHARE = 0.1;
/** The chance that values lie on a grid by accident. */
const GRID_CHANCE_MAX = 0.05;
const FORMATS = [
  { name: 'bfloat16', bits: 8 },
  { name: 'float16', bits: 11 },
] as const;
/** A statistic counts as moved in one tick from so many of its standard deviations. */
const CLEAR_SIGMAS = 5;

/** `kept` constants are as they were; `sources` are those to blame, empty for all. */
export function nameCause(
  context: TickContext,
  moved: readonly Moved[],
  kept: number,
  sources: readonly string[],
): ExtremesVerdict {
  const outputs = moved.filter(({ cell }) => isOutputCell(cell));
  const look: Look = {
    context,
    moved,
    values: outputs.length > 0 ? outputs : moved,
    allShrink: moved.every(({ shift }) => shift > 0),
    exact: moved.every(isExact),
    largest: Math.max(...moved.map(({ shift }) => Math.abs(shift))),
    statisticsMoved: hasMoved(context),
    changed: context.deployed || sources.length > 0,
  };
  const which = `${moved.length} of ${moved.length + kept} constant extremes`;
  return (
    varianceEstimator(look, which) ??
    gridPrecision(look, which) ??
    otherEpsilon(look, which) ??
    unevenPrecision(look, which) ?? {
      cause: 'unknown',
      confidence: 0.2,
      says: `${which} have moved, by up to ${percent(look.largest)}: the arithmetic or the inputs of every request differ`,
      evidence: {},
    }
  );
}

/** Every source shows the same value, up to a digit. */
export const isExact = ({ values }: Moved): boolean =>
  Math.max(...values) - Math.min(...values) <= moveTolerance(values[0]!, values[0]!);

/** All outputs shrink by 1/(2F). One output alone needs F, which elements per token tell. */
function varianceEstimator(
  { context, values, allShrink, exact }: Look,
  which: string,
): ExtremesVerdict | null {
  if (!allShrink || !exact || !values.every(({ cell }) => isOutputCell(cell))) return null;
  const shifts = values.map(({ shift }) => shift).sort((x, y) => x - y);
  const median = shifts[shifts.length >> 1]!;
  const implied = Math.round(1 / (2 * median));
  if (implied < FEATURES_MIN || implied > FEATURES_MAX) return null;
  const known = values.map(({ cell }) => featuresOf(context, cell));
  const fits = values.every(({ shift, value }, i) => {
    const features = known[i]!;
    const wanted = features === null ? median : 1 / (2 * features);
    const share = features === null ? AGREE_SHARE : KNOWN_SHARE;
    return Math.abs(shift - wanted) <= share * wanted + digitStep(value) / Math.abs(value);
  });
  if (!fits || (values.length < 2 && known[0] === null)) return null;
  return {
    cause: 'variance_estimator',
    confidence: values.length > 1 ? 0.95 : 0.85,
    says: `${which} shrink by ${percent(median)}, which is 1/(2·${implied}): the variance is divided by n − 1 instead of n`,
    evidence: {
      implied_features: implied,
      ...(known[0] === null ? {} : { features: known[0]! }),
    },
  };
}

/** Elements of one token at a cell, where flushes say how many tokens they held. */
function featuresOf({ tick }: TickContext, cell: number): number | null {
  const features = tick.cells[cell * m.TICK_STRIDE + m.COUNT]! / tick.tokens;
  return features >= FEATURES_MIN && features <= FEATURES_MAX ? Math.round(features) : null;
}

/** Every new value lies on the grid of a half precision, and the old ones did not. */
function gridPrecision({ values, statisticsMoved }: Look, which: string): ExtremesVerdict | null {
  for (const { name, bits } of FORMATS) {
    let chance = 1;
    let fits = true;
    for (const { value, values: seen } of values) {
      if (gridChance(value, bits) !== null) continue;
      for (const one of new Set(seen)) {
        const by = gridChance(one, bits);
        if (by === null) fits = false;
        else chance *= by;
      }
    }
    if (!fits || chance > GRID_CHANCE_MAX) continue;
    return {
      cause: 'precision_change',
      confidence: chance > GRID_CHANCE_MAX / 10 && statisticsMoved ? 0.6 : 0.9,
      says: `${which} have moved onto values that ${name} can hold: the normalization is computed in lower precision`,
      evidence: { precision: name, chance_on_grid: round(chance) },
    };
  }
  return null;
}

/** How likely a value of 5 digits lies on the grid by accident, if it does; null where it does not. */
function gridChance(value: number, bits: number): number | null {
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - bits + 1);
  const half = 0.51 * digitStep(value);
  return Math.abs(value / step - Math.round(value / step)) * step <= half
    ? Math.min(1, (2 * half) / step)
    : null;
}

/** All shrink, none more than the first: later tokens have more variance, or see only what is left of it. */
function otherEpsilon(look: Look, which: string): ExtremesVerdict | null {
  const [first] = look.moved;
  if (!look.allShrink || first === undefined || !isOutputCell(first.cell) || !isExact(first)) return null;
  if (look.moved.some(({ shift }) => shift > first.shift)) return null;
  // Where nobody changed the arithmetic, another input of a later layer is as likely.
  const isLikely = first.cell === 1 || look.changed;
  return {
    cause: 'epsilon_mismatch',
    confidence: look.largest > LARGE_SHARE || look.statisticsMoved ? 0.4 : isLikely ? 0.8 : 0.45,
    says: `${which} shrink, most at the first of them (${percent(first.shift)}): another epsilon, which tells where the variance is small`,
    // x̂ shrinks by √(σ²/(σ² + ε)), so this is ε over the variance of that one token.
    evidence: { epsilon_over_token_variance: round(1 / (1 - first.shift) ** 2 - 1) },
  };
}

/** Small moves in both directions, the same in every source, from the first normalization on. */
function unevenPrecision(look: Look, which: string): ExtremesVerdict | null {
  if (look.allShrink || look.largest > LARGE_SHARE || look.statisticsMoved) return null;
  if (look.moved.every(({ shift }) => shift < 0) && look.moved.length < 2) return null;
  return {
    cause: 'precision_change',
    confidence: look.moved[0]!.cell <= 1 && look.exact ? 0.85 : 0.6,
    says: `${which} have moved unevenly, by up to ${percent(look.largest)}, and nothing else has: another precision or kernel`,
    evidence: {},
  };
}

/** A mean or a variance that is out in this tick alone. */
function hasMoved(context: TickContext): boolean {
  const rows = context.scores!.rows;
  const least = 2 * context.settings.leastEffectSigmas;
  for (let cell = 0; cell < rows.length / SCORE_STRIDE; cell++) {
    for (const columns of SHIFT_COLUMNS) {
      const spread = rows[cell * SCORE_STRIDE + columns.spread]!;
      if (Math.abs(shiftOf(context, columns, cell)) >= Math.max(least, CLEAR_SIGMAS * spread)) return true;
    }
  }
  return false;
}

const percent = (share: number): string => `${(share * 100).toPrecision(2)} %`;
