/** Kinds of sums, one line each. */
import type { SumKind } from '../sums.ts';

export const SUM_KINDS: readonly SumKind[] = [];
