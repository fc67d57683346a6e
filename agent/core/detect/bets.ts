/**
 * Evidence from p-values: the betting function ε·p^(ε−1) makes an e-value of a p-value, and the Shiryaev–Roberts sum an
 * e-detector of those (Vovk & Wang, "E-values: calibration, combination and applications", Annals of Statistics 49, 2021,
 * example 2.1; Shin, Ramdas, Rinaldo, "E-detectors", 2023). It holds while ticks are exchangeable with the baseline's.
 */

const BETS = [0.1, 0.3, 0.6] as const;
export const BETS_STRIDE = BETS.length;
/**
 * No tick says more than this, some 3 nats: trouble comes in bursts, and a neighbour that is busy for half a minute is
 * no regression, however slow it makes a host.
 */
const P_MIN = 0.002;

/**
 * One tick of one statistic. `limit` is another e-value of the same tick, the lesser of the two counts; that is an
 * e-value again. Rows of M lie at `at` and are held at `cap`. Returns their mean.
 */
export function stepBets(rows: Float64Array, at: number, p: number, limit: number, cap: number): number {
  const held = Math.max(P_MIN, p);
  let sum = 0;
  for (let i = 0; i < BETS.length; i++) {
    const bet = BETS[i]!;
    // Most ticks have nothing to say, and powers are dear.
    const e = Math.min(limit, held >= 1 ? bet : bet * held ** (bet - 1));
    const m = Math.min(cap, (1 + rows[at + i]!) * e);
    rows[at + i] = m;
    sum += m;
  }
  return sum / BETS.length;
}
