/** Kinds of sums, one line each. */
import type { SumKind } from '../sums.ts';
import { CHANNELS } from './channels.ts';
import { OP } from './op.ts';
import { OP_HISTOGRAM } from './op_histogram.ts';
import { PARITY } from './parity.ts';
import { PROBE } from './probe.ts';
import { REQUESTS } from './requests.ts';
import { SHAPE } from './shape.ts';

export const SUM_KINDS: readonly SumKind[] = [OP, OP_HISTOGRAM, REQUESTS, CHANNELS, SHAPE, PARITY, PROBE];
