/** A few features of a layer that go far while the others stay; see `score/features.ts` for the units. */
import {
  type FeatureModel,
  type FeatureScore,
  featureModel,
  featureShift,
  scoreFeatures,
  standardized,
} from '../score/features.ts';
import { channelOf } from '../sums/channels.ts';
import { blamed } from './blame.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { capOf, natsOf, partOf } from './evidence.ts';
import { round } from './shift.ts';
import { evidenceAt, FORGET_MS, stepWindow, W_ONSET_MS, WINDOW_STRIDE } from './windows.ts';

/** Rows (layer and site) of a stream. */
const ROWS_MAX = 64;
/** Features that a signal names. */
const WORST = 5;
/** Row of a layer and site, by its key: evidence over windows, then what the last window showed. */
const SHIFT = WINDOW_STRIDE;
const TOKEN_SIGMAS = WINDOW_STRIDE + 1;
const WORST_STATISTIC = WINDOW_STRIDE + 2;
const COLLAPSED = WINDOW_STRIDE + 3;
const FEATURES = WINDOW_STRIDE + 4;
const STRIDE = FEATURES + WORST;
/** Sources that alone showed it in the last window have a row of one number under this and their name. */
const BLAMED = 'source/';

export const features: Detector = {
  name: 'features',
  family: 'drift',
  doc:
    'Mean and variance of each feature of the layers that `channels` events name, against the baseline. Catches single ' +
    'channels that collapse, die or explode while the layer as a whole looks as before, and names the worst five. What ' +
    'all features do together (other texts, another epsilon) is left to the mean and variance of the layer. Misses ' +
    'layers that no `channels` event names, and features beyond the first 4,096 rows hold.',
  params: [
    {
      name: 'effect',
      unit: 'layer_sigmas',
      value: 0.125,
      help: 'default of fold.leastEffectSigmas, of the mean',
    },
    { name: 'logVariance', unit: 'nats', value: 0.25, help: 'least change of ln variance: twice that' },
    {
      name: 'collapsed',
      unit: 'ratio',
      value: 0.05,
      help: 'share of its variance below which a feature has collapsed',
    },
    { name: 'rows', unit: 'rows', value: ROWS_MAX, help: 'layers and sites that are watched' },
    { name: 'forget', unit: 'ms', value: FORGET_MS, help: 'age at which a window counts no more' },
  ],
  metrics: ['activation_kl_nats'],
  causes: ['channel_collapse', 'unknown'],
  ofReference: true,
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    stepRows(context, state);
    const told = alarm(context, state);
    return told === null ? [] : [told];
  },
};

function stepRows(context: TickContext, state: DetectorState): void {
  const { baseline, tick, settings } = context;
  for (const key of state.named.keys())
    if (!key.startsWith(BLAMED) && baseline?.sums.has(key) !== true) state.named.delete(key);
  if (baseline === null) return;
  const { pageNats } = context.thresholds(features.name);
  let worst: { key: string; model: FeatureModel; score: FeatureScore } | null = null;
  for (const [key, now] of tick.sums) {
    const then = channelOf(key) === null ? undefined : baseline.sums.get(key);
    const model = then === undefined ? null : featureModel(then, settings.leastEffectSigmas);
    const score = model === null ? null : scoreFeatures(now, model, WORST);
    const row = score === null ? null : rowOf(state, key);
    if (model === null || score === null || row === null) continue;
    stepWindow(row, 0, score.evidence, tick, capOf(pageNats, state.named.size));
    keep(row, score);
    if (worst === null || score.evidence > worst.score.evidence) worst = { key, model, score };
  }
  if (worst === null) return;
  for (const name of state.named.keys()) if (name.startsWith(BLAMED)) state.named.delete(name);
  for (const source of sourcesOf(context, worst.key, worst.model, worst.score.worst))
    state.named.set(BLAMED + source, Float64Array.of(tick.endMs));
}

function rowOf(state: DetectorState, key: string): Float64Array | null {
  const found = state.named.get(key);
  if (found !== undefined && found.length === STRIDE) return found;
  if (found === undefined && state.named.size >= ROWS_MAX) return null;
  const row = new Float64Array(STRIDE);
  state.named.set(key, row);
  return row;
}

function keep(row: Float64Array, score: FeatureScore): void {
  row[SHIFT] = score.shift;
  row[TOKEN_SIGMAS] = score.tokenSigmas;
  row[WORST_STATISTIC] = score.worst;
  row[COLLAPSED] = score.collapsed;
  for (let i = 0; i < WORST; i++) row[FEATURES + i] = score.features[i] ?? -1;
}

/** Sources that show the given statistic by themselves. */
function sourcesOf(context: TickContext, key: string, model: FeatureModel, statistic: number): string[] {
  const { tick } = context;
  const length = tick.sums.get(key)!.length;
  return blamed(
    tick.sources.flatMap(({ source, tick: one }) => {
      const row = one.sums.get(key);
      if (row === undefined || row.length !== length) return [];
      const shift = featureShift(model, row, statistic);
      return [{ source, shift, sigmas: standardized(model, row, statistic) }];
    }),
  );
}

interface Row {
  readonly key: string;
  readonly row: Float64Array;
  readonly evidence: number;
  readonly layer: number;
  readonly site: 'input' | 'output';
}

/** One signal for the first row in forward order that is out, or for one that has collapsed. */
function alarm(context: TickContext, state: DetectorState): Signal | null {
  const rows = rowsOf(context, state);
  const strongest = rows.reduce<Row | null>((a, b) => (a === null || b.evidence > a.evidence ? b : a), null);
  const sum = rows.reduce((total, { evidence }) => total + evidence, 0);
  state.nats = rows.length === 0 ? 0 : natsOf(sum / rows.length);
  state.at =
    strongest === null || strongest.layer < 0 || state.nats === 0
      ? -1
      : strongest.layer * 2 + (strongest.site === 'output' ? 1 : 0);
  if (rows.length === 0 || state.nats < context.thresholds(features.name).ticketNats) return null;
  const out = rows.filter(({ evidence }) => evidence >= partOf(rows.length));
  const collapsed = out.filter(({ row }) => row[COLLAPSED]! > 0);
  const first = collapsed[0] ?? out[0]!;
  const sources = [...state.named.keys()].flatMap((name) =>
    name.startsWith(BLAMED) ? [name.slice(BLAMED.length)] : [],
  );
  return signalOf(context, first, out, sources);
}

/** In forward order; layers that no flush names come last. */
function rowsOf(context: TickContext, state: DetectorState): Row[] {
  const rows: Row[] = [];
  for (const [key, row] of state.named) {
    const channel = channelOf(key);
    if (channel === null) continue;
    const layer = context.layers.indexOf(channel.layer);
    rows.push({ key, row, evidence: evidenceAt(row, 0, context.tick.endMs), layer, site: channel.site });
  }
  const place = ({ layer, site }: Row): number =>
    layer < 0 ? Number.POSITIVE_INFINITY : layer * 2 + (site === 'output' ? 1 : 0);
  return rows.sort((a, b) => place(a) - place(b) || (a.key < b.key ? -1 : 1));
}

function signalOf(context: TickContext, first: Row, out: readonly Row[], sources: readonly string[]): Signal {
  const { row, site, layer, key } = first;
  const collapsed = row[COLLAPSED]!;
  const statistic = row[WORST_STATISTIC]!;
  const certain = [...row.subarray(FEATURES, FEATURES + WORST)].filter((f) => f >= 0);
  const named = certain.length > 0 ? certain : [statistic >> 1];
  const ofVariance = (statistic & 1) === 1;
  const shift = row[SHIFT]!;
  const where = `the ${site} of ${channelOf(key)!.layer}`;
  const change = ofVariance
    ? `the variance of feature ${statistic >> 1} is ${Math.exp(shift).toPrecision(2)} times its baseline`
    : `the mean of feature ${statistic >> 1} has moved by ${shift.toPrecision(2)}`;
  return {
    layer,
    site,
    sources,
    severity: 'ticket',
    cause: collapsed > 0 ? 'channel_collapse' : 'unknown',
    confidence: collapsed > 0 ? 0.9 : 0,
    effect: row[TOKEN_SIGMAS]! * Math.sqrt(tokensPerRequest(context)),
    unit: 'request_sigmas',
    onsetMs: Math.min(...out.map((one) => one.row[W_ONSET_MS]!)),
    evidence: {
      features: named.join(', '),
      features_layer: channelOf(key)!.layer,
      features_rows_out: out.length,
      ...(collapsed > 0 && { features_collapsed: collapsed }),
      ...(ofVariance
        ? { feature_variance_ratio: round(Math.exp(shift)) }
        : { feature_mean_shift: round(shift) }),
    },
    says:
      collapsed > 0
        ? `${collapsed} features at ${where} have lost their variance (${named.join(', ')})`
        : `at ${where} ${change}`,
  };
}

/** Scatter is known per token, effects are told per request. */
const tokensPerRequest = ({ tick }: TickContext): number =>
  tick.tokens > 0 && tick.requests > 0 ? tick.tokens / tick.requests : 1;
