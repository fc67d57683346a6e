/**
 * Sampled tokens recomputed in float64 beside the kernel: it needs no baseline to be wrong. The epsilon that explains its
 * output is held against the one it should have, its error against what the declared number format allows.
 */
import * as b from '../bucket.ts';
import { cellOf } from '../layout.ts';
import * as m from '../moments.ts';
import {
  PARITY_PREFIX,
  PARITY_STRIDE,
  Y_ERROR,
  Y_EXPECTED,
  Y_FITS,
  Y_IMPLIED,
  Y_ORDER,
} from '../sums/parity.ts';
import type { Detector, Signal, TickContext } from './contract.ts';
import { effectOf } from './effect.ts';
import { round } from './shift.ts';
import {
  type Finding,
  forgetVerdicts,
  type Held,
  keysWith,
  noteVerdicts,
  originOfVerdicts,
} from './verdicts.ts';

const CAUSES = ['unknown', 'epsilon_mismatch', 'precision_change'] as const;

/** An implied epsilon is a fit: it must be off by this share … */
const EPSILON_SHARE = 0.2;
/** … and change the output by this one, */
const EFFECT_SHARE = 1e-3;
/** or, where the variance of the input is not known, be off by so much: any normal input varies by far more. */
const EPSILON_UNSEEN = 1e-6;

/** Error that a format allows: of the output's standard deviation, and of one value (half a step of its last digit). */
interface Allowed {
  readonly sigmas: number;
  readonly share: number;
}
const ALLOWED: Readonly<Record<string, Allowed>> = {
  float64: { sigmas: 1e-4, share: 2 ** -24 },
  float32: { sigmas: 1e-4, share: 2 ** -24 },
  float16: { sigmas: 5e-3, share: 2 ** -11 },
  bfloat16: { sigmas: 3e-2, share: 2 ** -8 },
};
const ALLOWED_UNKNOWN: Allowed = { sigmas: 1e-2, share: 2 ** -11 };
/** What no format in use exceeds: beyond, something else is computed. */
const ALLOWED_MOST = ALLOWED.bfloat16!;
/** Of an error that the baseline knows and that was accepted with it. */
const KNOWN_FACTOR = 2;

export const parity: Detector = {
  name: 'parity',
  family: 'drift',
  doc:
    'Events `parity`: a layer recomputed in float64 from its own input, gamma and beta. The implied epsilon against the ' +
    'expected one where it matters to the output, and the largest error against what the number format declared in the ' +
    'manifest allows. Needs neither budget nor baseline, so it also sees what was wrong from the start; what was ' +
    'accepted with the baseline is not told again. Misses wrong gamma and beta, which the recomputation shares.',
  params: [
    { name: 'epsilon', unit: 'ratio', value: EPSILON_SHARE, help: 'least difference of the two epsilons' },
    {
      name: 'effect',
      unit: 'ratio',
      value: EFFECT_SHARE,
      help: 'least change of the output by that difference',
    },
    { name: 'float32', unit: 'sigmas', value: ALLOWED.float32!.sigmas, help: 'error allowed in float32' },
    { name: 'float16', unit: 'sigmas', value: ALLOWED.float16!.sigmas, help: 'error allowed in float16' },
    { name: 'bfloat16', unit: 'sigmas', value: ALLOWED.bfloat16!.sigmas, help: 'error allowed in bfloat16' },
    {
      name: 'undeclared',
      unit: 'sigmas',
      value: ALLOWED_UNKNOWN.sigmas,
      help: 'error allowed where no format is declared',
    },
  ],
  metrics: ['incident_info'],
  causes: CAUSES,
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    forgetVerdicts(state, context);
    const keys = keysWith(context.tick.sums, PARITY_PREFIX);
    noteVerdicts(
      state,
      context,
      context.tick.sources.flatMap(({ source, tick }) =>
        keys.flatMap((key) => {
          const row = tick.sums.get(key);
          const subject = key.slice(PARITY_PREFIX.length);
          return row?.length === PARITY_STRIDE
            ? [{ subject, source, finding: judge(context, subject, key, row) }]
            : [];
        }),
      ),
    );
    const found = originOfVerdicts(state);
    return found === null ? [] : [signalOf(context, found.origin, found.sources)];
  },
};

function judge(context: TickContext, name: string, key: string, row: Float64Array): Finding | null {
  const layer = context.layers.indexOf(name);
  const dtype = context.declared?.manifest.get(name)?.dtype;
  const allowed = ALLOWED[String(dtype)] ?? ALLOWED_UNKNOWN;
  const known = context.baseline?.sums.get(key);
  return judgeEpsilon(context, layer, allowed, row, known) ?? judgeError(context, layer, allowed, row, known);
}

/** The mean of fits, and what they should be; null where neither was told. */
function epsilonsOf(row: Float64Array | undefined): { implied: number; expected: number } | null {
  const fits = row?.[Y_FITS] ?? 0;
  if (row === undefined || fits === 0) return null;
  const implied = row[Y_IMPLIED]! / fits;
  const expected = row[Y_EXPECTED]! / fits;
  return Number.isFinite(implied) && Number.isFinite(expected) ? { implied, expected } : null;
}

const isOff = (implied: number, expected: number): boolean =>
  Math.abs(implied - expected) > EPSILON_SHARE * Math.abs(expected);

function judgeEpsilon(
  context: TickContext,
  layer: number,
  { share }: Allowed,
  row: Float64Array,
  known: Float64Array | undefined,
): Finding | null {
  const now = epsilonsOf(row);
  if (now === null || !isOff(now.implied, now.expected)) return null;
  const accepted = epsilonsOf(known);
  if (accepted !== null && !isOff(now.implied, accepted.implied)) return null;
  const variance = inputVariance(context, layer);
  const effect =
    variance === null
      ? Math.abs(now.implied - now.expected)
      : Math.abs(Math.sqrt((variance + now.expected) / (variance + now.implied)) - 1);
  // A fit below −σ² is none. The rounding of a format alone scatters the fit.
  const least = variance === null ? EPSILON_UNSEEN : Math.max(EFFECT_SHARE, 2.5 * share);
  if (!(effect > least) || (variance === null && now.implied < 0)) return null;
  return {
    place: 'output',
    order: row[Y_ORDER]!,
    cause: CAUSES.indexOf('epsilon_mismatch'),
    confidence: 0.95,
    effect,
    numbers: [now.implied, now.expected, row[Y_ERROR]!],
  };
}

function judgeError(
  context: TickContext,
  layer: number,
  allowed: Allowed,
  row: Float64Array,
  known: Float64Array | undefined,
): Finding | null {
  const error = row[Y_ERROR]!;
  const output = outputOf(context, layer);
  const limit = ({ sigmas, share }: Allowed): number =>
    Math.max(sigmas * output.deviation, 2 * share * output.greatest);
  if (!(error > limit(allowed)) || error <= KNOWN_FACTOR * (known?.[Y_ERROR] ?? 0)) return null;
  const isPrecision = error <= limit(ALLOWED_MOST);
  return {
    place: 'output',
    order: row[Y_ORDER]!,
    cause: CAUSES.indexOf(isPrecision ? 'precision_change' : 'unknown'),
    confidence: isPrecision ? 0.8 : 0,
    effect: error / output.deviation,
    numbers: [Number.NaN, Number.NaN, error],
  };
}

/** Variance across the features of a token that enters the layer, by the baseline; null where it is not known. */
function inputVariance({ baseline, places }: TickContext, layer: number): number | null {
  const at = rowOf(places, layer, 0);
  const variance = at < 0 ? undefined : baseline?.cells[at + b.B_V_MEAN];
  return variance !== undefined && variance > 0 ? variance : null;
}

/** Where neither the baseline nor the tick knows a layer: normalized values, of which some are large. */
const NORMALIZED = { deviation: 1, greatest: 10 };

/** How the output scatters and how large it gets. */
function outputOf(
  { baseline, places, tick }: TickContext,
  layer: number,
): { deviation: number; greatest: number } {
  if (layer < 0) return NORMALIZED;
  const cell = cellOf(layer, 1);
  const at = rowOf(places, layer, 1);
  const known = at < 0 ? undefined : baseline?.cells;
  const row = cell * m.TICK_STRIDE;
  const variance =
    known !== undefined && known[at + b.B_COUNT]! > 0
      ? known[at + b.B_M2]! / known[at + b.B_COUNT]!
      : tick.cells[row + m.M2]! / tick.cells[row + m.COUNT]!;
  if (!(variance > 0)) return NORMALIZED;
  const extremes = [tick.min[cell], tick.max[cell]];
  const seen = extremes.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  return { deviation: Math.sqrt(variance), greatest: Math.max(0, ...seen.map(Math.abs)) };
}

function rowOf(places: Int32Array, layer: number, site: 0 | 1): number {
  const place = layer < 0 ? -1 : (places[layer] ?? -1);
  return place < 0 ? -1 : (place * 2 + site) * b.BUCKET_STRIDE;
}

function signalOf(context: TickContext, origin: Held, sources: string[]): Signal {
  const name = origin.subject;
  const layer = context.layers.indexOf(name);
  const cause = CAUSES[origin.cause] ?? 'unknown';
  const [implied = Number.NaN, expected = Number.NaN, error = -1] = origin.numbers;
  const isEpsilon = cause === 'epsilon_mismatch';
  return {
    layer,
    site: 'output',
    sources,
    cause,
    confidence: origin.confidence,
    ...effectOf(context, layer < 0 ? -1 : cellOf(layer, 1), cause, origin.effect),
    onsetMs: origin.sinceMs,
    evidence: {
      parity_at: name,
      ...(isEpsilon ? { implied_epsilon: round(implied), expected_epsilon: round(expected) } : {}),
      ...(error >= 0 ? { parity_error: round(error) } : {}),
    },
    says: isEpsilon
      ? `${name} computes as with epsilon ${implied.toPrecision(2)}, it should be ${expected.toPrecision(2)}`
      : `${name} is off by ${error.toPrecision(2)} from what float64 gives for its own input`,
  };
}
