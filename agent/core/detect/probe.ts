/**
 * Fixed inputs, run through the model again and again: whatever their answers change by is the arithmetic's. Compared
 * exactly, probe by probe and source by source, so it needs no budget; it sees nothing that no probe passes through.
 */
import type { Bucket } from '../bucket.ts';
import { cellOf } from '../layout.ts';
import { atDirection, DIRECTIONS, OUTPUT_STRIDE, P_ORDER, PROBE_PREFIX, probeOfKey } from '../sums/probe.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { effectOf } from './effect.ts';
import { departs, judgeProbe, PRECISION_SHARE, type ProbeLayer } from './probe-cause.ts';
import { round } from './shift.ts';
import {
  type Finding,
  forgetVerdicts,
  type Held,
  keysWith,
  noteVerdicts,
  originOfVerdicts,
} from './verdicts.ts';

const CAUSES = [
  'unknown',
  'missing_affine',
  'norm_type',
  'variance_estimator',
  'epsilon_mismatch',
  'precision_change',
  'quantization',
  'weight_corruption',
  'output_divergence',
] as const;

/** Shares of an output have three digits: none of its directions moves by more when one of them falls the other way. */
const OUTPUT_TOLERANCE = 2e-3;
const OUTPUT_CONFIDENCE = 0.5;
/** Layers and outputs whose first answers are kept here, since the baseline knows none. */
const OWN_MAX = 1_024;
const OWN = 'own\n';

/** Row of the stream: since when the baseline is that baseline. */
const BASELINE_MS = 0;

export const probe: Detector = {
  name: 'probe',
  family: 'drift',
  doc:
    'Answers to fixed inputs (events with `probe`), layer by layer: any change beyond the digits that are sent, and ' +
    'beyond what the baseline itself has varied by, is told with its first layer in forward order, what of it follows ' +
    'for the arithmetic, and which sources show it. A probe that the baseline does not know is held against its own ' +
    'first answers. Needs no budget. Misses what the probes do not pass through, and what was wrong from the first on.',
  params: [
    {
      name: 'precision',
      unit: 'ratio',
      value: PRECISION_SHARE,
      help: 'changes in both directions up to this are those of another precision',
    },
    {
      name: 'outputTolerance',
      unit: 'ratio',
      value: OUTPUT_TOLERANCE,
      help: 'an output that changes by no more is the same',
    },
  ],
  metrics: ['incident_info'],
  causes: CAUSES,
  cellStride: 0,
  streamStride: 1,
  tick(context, state) {
    const { baseline, tick } = context;
    // Answers that were accepted, or that nothing is known of yet, are off nothing.
    if (baseline === null || state.stream[BASELINE_MS] !== baseline.fromMs) state.named.clear();
    if (baseline === null) return [];
    state.stream[BASELINE_MS] = baseline.fromMs;
    forgetVerdicts(state, context);
    const keys = keysWith(tick.sums, PROBE_PREFIX);
    if (keys.length > 0) {
      judgeSources(context, baseline, state, keys);
      for (const key of keys) keepFirst(state, baseline, key, tick.sums.get(key)!);
    }
    const found = originOfVerdicts(state);
    return found === null ? [] : [signalOf(context, found.origin, found.sources)];
  },
};

function keepFirst({ named }: DetectorState, { sums }: Bucket, key: string, row: Float64Array): void {
  if (sums.has(key)) named.delete(OWN + key);
  else if (!named.has(OWN + key) && named.size < OWN_MAX) named.set(OWN + key, Float64Array.from(row));
}

interface Answers {
  readonly layers: ProbeLayer[];
  readonly outputs: { name: string; base: Float64Array; now: Float64Array }[];
}

function judgeSources(
  context: TickContext,
  baseline: Bucket,
  state: DetectorState,
  keys: readonly string[],
): void {
  const verdicts = context.tick.sources.flatMap(({ source, tick }) => {
    const answers = new Map<string, Answers>();
    for (const key of keys) {
      const now = tick.sums.get(key);
      const base = baseline.sums.get(key) ?? state.named.get(OWN + key);
      if (now !== undefined && base?.length === now.length) addAnswer(context, answers, key, base, now);
    }
    return [...answers].map(([subject, one]) => ({ subject, source, finding: judge(context, one) }));
  });
  noteVerdicts(state, context, verdicts);
}

function addAnswer(
  { declared }: TickContext,
  answers: Map<string, Answers>,
  key: string,
  base: Float64Array,
  now: Float64Array,
): void {
  const { id, name, isLayer } = probeOfKey(key)!;
  let one = answers.get(id);
  if (one === undefined) {
    one = { layers: [], outputs: [] };
    answers.set(id, one);
  }
  if (!isLayer) {
    one.outputs.push({ name, base, now });
    return;
  }
  const { features, epsilon } = declared?.manifest.get(name) ?? {};
  one.layers.push({ name, base, now, features: numberOf(features), epsilon: numberOf(epsilon) });
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' && value > 0 ? value : null);

function judge({ deployed }: TickContext, { layers, outputs }: Answers): Finding | null {
  layers.sort((a, b) => a.now[P_ORDER]! - b.now[P_ORDER]!);
  const verdict = judgeProbe(layers, deployed);
  if (verdict !== null) {
    const { layer, site, order, cause, confidence, change, ratio, impliedEpsilon } = verdict;
    return {
      place: `${site}\n${layer}`,
      order,
      cause: CAUSES.indexOf(cause),
      confidence,
      effect: change,
      numbers: [ratio, impliedEpsilon],
    };
  }
  const output = outputs.find(({ base, now }) => changeOfOutput(base, now) > 0);
  if (output === undefined) return null;
  return {
    place: `\n${output.name}`,
    order: Number.MAX_SAFE_INTEGER,
    cause: CAUSES.indexOf('output_divergence'),
    confidence: OUTPUT_CONFIDENCE,
    effect: changeOfOutput(output.base, output.now),
    numbers: [],
  };
}

/** The farthest that any direction moved; 0 while none has left where it was. */
function changeOfOutput(base: Float64Array, now: Float64Array): number {
  let most = 0;
  if (base.length !== OUTPUT_STRIDE) return most;
  for (let d = 0; d < DIRECTIONS; d++) {
    const at = atDirection(d);
    if (!departs(base, now, at, OUTPUT_TOLERANCE)) continue;
    most = Math.max(most, now[at + 1]! - base[at + 1]!, base[at]! - now[at]!);
  }
  return most;
}

function signalOf(context: TickContext, origin: Held, sources: string[]): Signal {
  const [site, name] = origin.place.split('\n') as [string, string];
  const layer = site === '' ? -1 : context.layers.indexOf(name);
  const cause = CAUSES[origin.cause] ?? 'unknown';
  const cell = layer < 0 ? -1 : cellOf(layer, site === 'output' ? 1 : 0);
  const [ratio = Number.NaN, impliedEpsilon = Number.NaN] = origin.numbers;
  const id = decodeURIComponent(origin.subject);
  return {
    layer,
    site: site === 'input' || site === 'output' ? site : null,
    sources,
    cause,
    confidence: origin.confidence,
    ...effectOf(context, cell, cause, origin.effect),
    onsetMs: origin.sinceMs,
    evidence: {
      probe: id,
      probe_at: site === '' ? name : `${site} of ${name}`,
      probe_change: round(origin.effect),
      ...(Number.isFinite(ratio) ? { probe_variance_ratio: round(ratio) } : {}),
      ...(Number.isFinite(impliedEpsilon) ? { implied_epsilon: round(impliedEpsilon) } : {}),
    },
    says: `${sayWhere(id, site, name)} ${sayWhat(cause, origin.effect, impliedEpsilon)}`,
  };
}

const sayWhere = (id: string, site: string, name: string): string =>
  site === ''
    ? `output ${name} of probe ${id}`
    : `probe ${id} is as it was up to the ${site} of ${name}, which`;

function sayWhat(cause: string, change: number, impliedEpsilon: number): string {
  if (cause === 'missing_affine') return 'has mean 0 and variance 1: gamma and beta are not applied';
  if (cause === 'norm_type') return 'follows the mean of its input: another kind of normalization';
  if (cause === 'epsilon_mismatch') return `is as with an epsilon near ${impliedEpsilon.toPrecision(2)}`;
  const by = `has changed by ${(100 * change).toPrecision(2)} %`;
  if (cause === 'variance_estimator') return `${by}, as n − 1 for n gives`;
  if (cause === 'precision_change') return `${by} in both directions, as another precision gives`;
  return by;
}
