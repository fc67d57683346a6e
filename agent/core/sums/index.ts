/** Kinds of sums, one line each. */
import type { SumKind } from '../sums.ts';
import { OP } from './op.ts';
import { OP_HISTOGRAM } from './op_histogram.ts';
import { PARITY } from './parity.ts';
import { PROBE } from './probe.ts';
import { REQUESTS } from './requests.ts';

export const SUM_KINDS: readonly SumKind[] = [OP, OP_HISTOGRAM, REQUESTS, PARITY, PROBE];
