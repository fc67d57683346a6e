/**
 * KL(N(m₁, v₁) ‖ N(m₀, v₀)) = ½ (ln(v₀/v₁) + (v₁ + (m₁ − m₀)²)/v₀ − 1), nats.
 * Kullback, "Information Theory and Statistics" (1959), ch. 9. NaN when a variance is not positive.
 */
export function gaussianKlNats(mean: number, variance: number, mean0: number, variance0: number): number {
  if (!(variance > 0) || !(variance0 > 0)) return Number.NaN;
  const shift = mean - mean0;
  const kl = 0.5 * (Math.log(variance0 / variance) + (variance + shift * shift) / variance0 - 1);
  return Math.max(0, kl);
}
