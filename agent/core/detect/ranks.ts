/**
 * Evidence without a distribution: the rank of a residual among those of the baseline is a conformal p-value, the betting
 * function ε·p^(ε−1) makes an e-value of it, and the Shiryaev–Roberts sum an e-detector of those.
 * Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World" (2005), ch. 7; Vovk & Wang, "E-values: calibration,
 * combination and applications", Annals of Statistics 49 (2021), example 2.1.
 */

const BETS = [0.1, 0.5] as const;

/** As `stepEvidence`, from residuals in order. Uses the first four numbers of the row. */
export function stepRanks(
  rows: Float64Array | Float32Array,
  at: number,
  above: number,
  below: number,
  sample: Float64Array,
  cap: number,
): number {
  const p = share(sample, above);
  const q = share(sample, below, -1);
  let sum = 0;
  BETS.forEach((bet, i) => {
    const up = Math.min(cap, (1 + rows[at + i * 2]!) * bet * p ** (bet - 1));
    const down = Math.min(cap, (1 + rows[at + i * 2 + 1]!) * bet * q ** (bet - 1));
    rows[at + i * 2] = up;
    rows[at + i * 2 + 1] = down;
    sum += up + down;
  });
  return sum / (BETS.length * 2);
}

/** Shape of the tail beyond a sample: as heavy as that of Student's t with three degrees of freedom. */
const TAIL_POWER = 3;

/**
 * Share of the sample at or beyond a value, itself counted: a p-value. Beyond the sample it falls as a Pareto tail does
 * whose scale is the mean excess of the outer tenth (Pickands, "Statistical inference using extreme order statistics",
 * 1975), so that a value far out need not wait for many ticks. `sign` −1 looks at the lower tail.
 */
function share(sample: Float64Array, value: number, sign: 1 | -1 = 1): number {
  const n = sample.length;
  let beyond = 1;
  for (const one of sample) if (sign * one >= value) beyond++;
  if (beyond > 1) return beyond / (n + 1);
  const tail = Math.max(2, Math.floor(n / 10));
  const outer = (i: number): number => sign * sample[sign === 1 ? n - 1 - i : i]!;
  let excess = 0;
  for (let i = 0; i < tail; i++) excess += (outer(i) - outer(tail)) / tail;
  const far = (value - outer(0)) / Math.max(excess, Number.EPSILON);
  return Math.max(Number.MIN_VALUE, (1 + far / TAIL_POWER) ** -TAIL_POWER / (n + 1));
}
