/**
 * What the first ticks of a baseline say about the detectors themselves: how far ticks hang together, which statistics are
 * not normal, and whether the promised run length holds on the baseline's own ticks.
 *
 * Blocks of ticks are drawn with replacement (moving block bootstrap: Künsch, "The jackknife and the bootstrap for general
 * stationary observations", 1989), all statistics together, so that their dependence stays. Crossings of high levels are
 * too rare to be seen; the rate at a level that is crossed often enough is carried on by the bound of the e-detector,
 * which falls by e for each nat.
 */
import type { Bucket } from './bucket.ts';
import { createChance } from './chance.ts';
import { type Codec, CodecError, f64, floats, list, map, str, struct, uint } from './codec.ts';
import { capOf, EVIDENCE_STRIDE, stepEvidence } from './detect/evidence.ts';
import { stepRanks } from './detect/ranks.ts';
import { components, predictiveVariance } from './score/components.ts';

export interface RunLength {
  detector: string;
  promisedTicks: number;
  /** Carried on from the level that was crossed often enough; a lower bound where none was. */
  empiricalTicks: number;
  /** Crossings of that level, and ticks drawn. */
  alarms: number;
  ticks: number;
}

export interface Calibration {
  /** Ticks behind it. */
  ticks: number;
  /** Autocorrelation from tick to tick, per cell and statistic (mean, log variance). */
  phi: Float64Array;
  /** Nats added to thresholds, by detector. */
  raises: Map<string, number>;
  runLengths: RunLength[];
  /** Statistics that are judged by ranks, and their residuals in order, by the statistic's number. */
  ranked: number[];
  samples: Map<string, Float64Array>;
}

const storedCodec: Codec<Calibration> = struct<Calibration>({
  ticks: f64,
  phi: floats,
  raises: map(f64),
  runLengths: list(
    struct<RunLength>({ detector: str, promisedTicks: f64, empiricalTicks: f64, alarms: f64, ticks: f64 }),
  ),
  ranked: list(uint),
  samples: map(floats),
});

/** Throws CodecError on numbers that evidence cannot be made of: a baseline may come from outside. */
export const calibrationCodec: Codec<Calibration> = {
  write: storedCodec.write,
  read(r) {
    const calibration = storedCodec.read(r);
    if (!isSound(calibration)) throw new CodecError('calibration does not add up');
    return calibration;
  },
};

const isSound = ({ phi, raises, samples }: Calibration): boolean =>
  phi.every((p) => p >= 0 && p <= PHI_MAX) &&
  [...raises.values()].every((nats) => nats >= 0 && nats < Number.POSITIVE_INFINITY) &&
  [...samples.values()].every((s) => s.length >= SAMPLE_MIN && s.length <= SAMPLE_MAX && isOrdered(s));

const isOrdered = (values: Float64Array): boolean =>
  values.every((value, i) => Number.isFinite(value) && (i === 0 || value >= values[i - 1]!));

/** Ticks of a baseline as they came: requests, then mean and log variance of every cell. NaN = not measured. */
export interface Series {
  readonly cells: number;
  readonly ticks: Float64Array[];
}

export const seriesWidth = (cells: number): number => 1 + cells * 2;

const PHI_MAX = 0.95;
/** Excess kurtosis of sixty normal residuals, which is skewed, reaches this many of its standard errors once in thousands. */
const KURTOSIS_ERRORS = 5;
const SAMPLE_MAX = 64;
/** Two values and one more make a tail. */
const SAMPLE_MIN = 3;

const BLOCK_TICKS = 6;
/** Statistic updates that one bootstrap may cost: some 5 ms. */
const UPDATES_MAX = 60_000;
const STEPS_MAX = 20_000;
/** Crossings that make a rate, and the level below which no rate is taken, in nats. */
const CROSSINGS_MIN = 8;
const LEVEL_MIN = 1;

export interface Promised {
  readonly detector: string;
  /** 0 mean, 1 log variance. */
  readonly statistic: 0 | 1;
  readonly nats: number;
  readonly promisedTicks: number;
}

/** Residuals of one statistic in tick order, standardized by the baseline itself. NaN = not measured. */
function residualsOf(bucket: Bucket, series: Series, cell: number, statistic: 0 | 1): Float64Array | null {
  const c = components(bucket.cells, cell, statistic === 0 ? 'mean' : 'variance');
  if (c === null || (statistic === 1 && !(c.mean > 0))) return null;
  const scale = statistic === 0 ? 1 : c.mean;
  const centre = statistic === 0 ? c.mean : Math.log(c.mean);
  return Float64Array.from(series.ticks, (row) => {
    const spread = Math.sqrt(predictiveVariance(c, row[0]!)) / scale;
    return (row[1 + cell * 2 + statistic]! - centre) / spread;
  });
}

/** `seed` makes the draw repeatable. Null when the series is too short to say anything. */
export function calibrate(
  bucket: Bucket,
  series: Series,
  leastSigmas: number,
  promises: readonly Promised[],
  seed: number,
): Calibration | null {
  const ticks = series.ticks.length;
  if (ticks < 2 * BLOCK_TICKS) return null;
  const statistics = series.cells * 2;
  const residuals = Array.from({ length: statistics }, (_, s) =>
    residualsOf(bucket, series, s >> 1, (s & 1) as 0 | 1),
  );
  const phi = shrunk(
    residuals.map((r) => (r === null ? Number.NaN : autocorrelation(r))),
    ticks,
  );
  const calibration: Calibration = {
    ticks,
    phi,
    raises: new Map(),
    runLengths: [],
    ranked: [],
    samples: new Map(),
  };
  const whitened = residuals.map((r, s) => (r === null ? null : whiten(r, phi[s]!)));
  whitened.forEach((u, s) => {
    if (u === null || !isHeavyTailed(u)) return;
    calibration.ranked.push(s);
    calibration.samples.set(String(s), sampleOf(u));
  });
  const random = createChance(seed).uniform;
  for (const promise of promises) {
    const chosen = whitened.flatMap((u, s) =>
      u === null || (s & 1) !== promise.statistic
        ? []
        : [
            {
              u,
              floor: floorOf(bucket, s, leastSigmas, phi[s]!),
              sample: calibration.samples.get(String(s)),
            },
          ],
    );
    if (chosen.length === 0) continue;
    const run = bootstrap(chosen, ticks, promise, random);
    calibration.runLengths.push(run);
    const raise = Math.log(promise.promisedTicks / run.empiricalTicks);
    if (raise > 0) calibration.raises.set(promise.detector, raise);
  }
  return calibration;
}

/** The least effect in standard deviations of a whitened tick of usual volume. */
function floorOf(bucket: Bucket, statistic: number, leastSigmas: number, phi: number): number {
  const c = components(bucket.cells, statistic >> 1, (statistic & 1) === 0 ? 'mean' : 'variance')!;
  const spread = Math.sqrt(predictiveVariance(c, bucket.requests / bucket.ticks) / c.requestVariance);
  const error = Math.sqrt(c.errorVariance / c.requestVariance);
  return (Math.max(leastSigmas, 3 * error) / spread) * Math.sqrt((1 - phi) / (1 + phi));
}

/** One statistic as the detector judges it: whitened residuals, its least effect, and the sample of one that is ranked. */
interface Judged {
  readonly u: Float64Array;
  readonly floor: number;
  readonly sample: Float64Array | undefined;
}

function bootstrap(
  statistics: readonly Judged[],
  ticks: number,
  promise: Promised,
  random: () => number,
): RunLength {
  const stride = Math.max(1, Math.ceil(statistics.length / 512));
  const chosen = statistics.filter((_, i) => i % stride === 0);
  const steps = Math.min(STEPS_MAX, Math.floor(UPDATES_MAX / chosen.length));
  const rows = new Float64Array(chosen.length * EVIDENCE_STRIDE);
  const cap = capOf(promise.nats, chosen.length);
  const crossings = new Map<number, number>();
  let level = 0;
  for (let step = 0, at = 0; step < steps; step++, at++) {
    if (step % BLOCK_TICKS === 0) at = Math.floor(random() * (ticks - BLOCK_TICKS + 1));
    let sum = 0;
    for (let i = 0; i < chosen.length; i++) {
      const { u, floor, sample } = chosen[i]!;
      const value = u[at]!;
      if (Number.isNaN(value)) continue;
      const row = i * EVIDENCE_STRIDE;
      sum +=
        sample === undefined
          ? stepEvidence(rows, row, value - floor, -value - floor, cap)
          : stepRanks(rows, row, value - floor, -value - floor, sample, cap);
    }
    const nats = Math.floor(Math.log(Math.max(1, sum / chosen.length)));
    // A level is crossed once on the way up, until evidence has gone below 1 again.
    for (let reached = level + 1; reached <= nats; reached++)
      crossings.set(reached, (crossings.get(reached) ?? 0) + 1);
    level = nats === 0 ? 0 : Math.max(level, nats);
  }
  let best = LEVEL_MIN;
  for (const [reached, count] of crossings) if (count >= CROSSINGS_MIN && reached > best) best = reached;
  const alarms = crossings.get(best) ?? 0;
  const empiricalTicks = (steps / Math.max(1, alarms)) * Math.exp(Math.max(0, promise.nats - best));
  return {
    detector: promise.detector,
    promisedTicks: promise.promisedTicks,
    empiricalTicks,
    alarms,
    ticks: steps,
  };
}

function autocorrelation(r: Float64Array): number {
  let product = 0;
  let square = 0;
  let count = 0;
  for (let i = 1; i < r.length; i++) {
    if (Number.isNaN(r[i]!) || Number.isNaN(r[i - 1]!)) continue;
    product += r[i]! * r[i - 1]!;
    square += (r[i]! * r[i]! + r[i - 1]! * r[i - 1]!) / 2;
    count++;
  }
  // Of independent ticks it is −1/n on average (Kendall, 1954).
  return count < 2 || square === 0 ? Number.NaN : product / square + 1 / count;
}

/**
 * Half its own, half the median of all, since ticks share their traffic; less half a standard error (1/√n), since what is
 * not there must not cost power. What is left out of it the least effect covers, and the bootstrap sees.
 */
function shrunk(phis: readonly number[], ticks: number): Float64Array {
  const known = phis.filter((p) => !Number.isNaN(p)).sort((a, b) => a - b);
  const median = known[known.length >> 1] ?? 0;
  const error = 0.5 / Math.sqrt(ticks);
  return Float64Array.from(phis, (p) =>
    Math.min(PHI_MAX, Math.max(0, (Number.isNaN(p) ? median : (p + median) / 2) - error)),
  );
}

/** Innovations of an AR(1) process, of the same variance. */
export function whiten(r: Float64Array, phi: number): Float64Array {
  const scale = 1 / Math.sqrt(1 - phi * phi);
  return r.map((value, i) => {
    const before = i === 0 ? Number.NaN : r[i - 1]!;
    return Number.isNaN(before) ? value : (value - phi * before) * scale;
  });
}

function isHeavyTailed(u: Float64Array): boolean {
  const known = u.filter((value) => !Number.isNaN(value));
  const n = known.length;
  const mean = known.reduce((sum, v) => sum + v, 0) / n;
  let second = 0;
  let fourth = 0;
  for (const value of known) {
    const square = (value - mean) ** 2;
    second += square / n;
    fourth += (square * square) / n;
  }
  return second > 0 && fourth / (second * second) - 3 > KURTOSIS_ERRORS * Math.sqrt(24 / n);
}

function sampleOf(u: Float64Array): Float64Array {
  const sorted = u.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length <= SAMPLE_MAX) return sorted;
  return Float64Array.from(
    { length: SAMPLE_MAX },
    (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (SAMPLE_MAX - 1))]!,
  );
}
