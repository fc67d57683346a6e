/** Chance that can be repeated: a seed gives the same numbers everywhere. */

export interface Chance {
  /** In [0, 1). */
  readonly uniform: () => number;
  /** Of mean 0 and variance 1. */
  readonly normal: () => number;
}

/** sfc32 of PractRand (Doty-Humphrey, 2018). */
export function createChance(seed: number): Chance {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const uniform = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first numbers of near seeds are alike.
  for (let i = 0; i < 16; i++) uniform();
  let spare: number | null = null;
  /** Box and Muller, "A note on the generation of random normal deviates" (1958). */
  const normal = (): number => {
    if (spare !== null) {
      const given = spare;
      spare = null;
      return given;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, normal };
}
