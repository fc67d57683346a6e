/** Streams and their numbers for `fixture.ts`: noise that is the same in every run, and an epsilon that is wrong from a tick on. */
import type { CellScore, CellView, EvidenceView, Site, StreamView } from '../../agent/core/view.ts';
import { NO_LATENCY } from '../../agent/core/view-latency.ts';

export const TICK_MS = 10_000;
export const START_MS = Date.parse('2026-03-02T02:00:00.000Z');
export const DEPLOYED_TICK = 174;

export const LAYERS: readonly string[] = [
  'embeddings.LayerNorm',
  ...[0, 1, 2, 3, 4, 5].flatMap((block) => [
    `encoder.layer.${block}.attention.output.LayerNorm`,
    `encoder.layer.${block}.output.LayerNorm`,
  ]),
];
export const ORIGIN = 'encoder.layer.2.output.LayerNorm';
export const HOSTILE_LAYER = '<img src=x onerror="document.title=\'owned\'">"\'&';
/** Standard normal noise by place, the same in every run (sum of hashed uniforms). */
function noise(...place: readonly number[]): number {
  let hash = place.reduce(
    (mixed, part) => Math.imul(mixed ^ (part + 0x9e3779b9), 0x85ebca6b) ^ (mixed >>> 13),
    17,
  );
  let sum = 0;
  for (let i = 0; i < 6; i += 1) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + i;
    sum += (hash >>> 0) / 2 ** 32;
  }
  return (sum - 3) * Math.SQRT2;
}

const SITES: readonly Site[] = ['input', 'output'];

/** How far layer and site are off: epsilon shrinks the output of one layer, later layers see a part of it. */
export function offset(layer: number, site: Site, since: number): number {
  const origin = LAYERS.indexOf(ORIGIN);
  if (since <= 0 || layer < origin || (layer === origin && site === 'input')) return 0;
  return -5.2 * 0.62 ** (layer - origin) * (site === 'output' ? 1 : 0.8);
}

export function cellsOf(
  layers: readonly string[],
  tick: number,
  seed: number,
  shift: typeof offset | null,
  since: number,
): CellView[] {
  return layers.flatMap((layer, index) =>
    SITES.map((site, at) => {
      const meanShift = noise(seed, tick, index, at, 1) * 0.07 + (shift?.(index, site, since) ?? 0) * 0.12;
      const varianceShift = noise(seed, tick, index, at, 2) * 0.07 + (shift?.(index, site, since) ?? 0);
      return cellOf(layer, site, index, meanShift, varianceShift);
    }),
  );
}

export function cellOf(
  layer: string,
  site: Site,
  index: number,
  meanShift: number,
  varianceShift: number,
): CellView {
  const baselineMean = site === 'input' ? 0.02 * Math.sin(index * 2) : 0.012 * Math.cos(index * 3);
  const baselineVariance = site === 'input' ? 0.5 + (index % 2) * 1.6 : 0.3 + 0.05 * (index % 4);
  const mean = baselineMean + meanShift * 0.004;
  const variance = baselineVariance * Math.exp(varianceShift * 0.12);
  const ratio = variance / baselineVariance;
  const score: CellScore = {
    against: 'reference',
    meanShiftSigmas: meanShift,
    varianceShiftSigmas: varianceShift,
    logVarianceRatio: Math.log(ratio),
    klNats: (ratio - 1 - Math.log(ratio) + (mean - baselineMean) ** 2 / baselineVariance) / 2,
    histogramKlNats: null,
    histogramJsNats: null,
    histogramPsi: null,
    baselineMean,
    baselineMeanBand: 0.004 * 0.25,
    baselineVariance,
    baselineVarianceFactor: 1.03,
  };
  return { layer, site, mean, variance, min: mean - 6, max: mean + 6, scores: [score] };
}

export function streamOf(
  part: Partial<StreamView> & Pick<StreamView, 'id' | 'version' | 'state' | 'cells'>,
  tick: number,
): StreamView {
  const endMs = START_MS + tick * TICK_MS;
  const done = { ticks: 60, ticksNeeded: 60, flushes: 600, flushesNeeded: 600, progress: 1, remainingMs: 0 };
  return {
    environment: 'default',
    model: 'minilm-l6',
    role: 'stable',
    run: null,
    checkpoint: 'c1',
    calibration: done,
    reference: 'pinned v1-night',
    watermarkMs: endMs + 1_000,
    tickEndMs: endMs,
    step: null,
    requests: 150 * tick,
    tokens: 7_000 * tick,
    sources: [0, 1, 2].map((pod) => ({ source: `pod-${pod}`, status: 'live', lastMs: endMs + 900 + pod })),
    layers: part.cells.length > 0 ? [...new Set(part.cells.map((cell) => cell.layer))] : LAYERS,
    outputs: [],
    evidence: [],
    latency: NO_LATENCY,
    training: null,
    ...part,
  };
}

/** v1 until the deployment, then v2 beside a v1 that has stopped. */
export function stableStreams(
  tick: number,
  layers: readonly string[],
  resolvedTick: number | null,
): StreamView[] {
  const since = tick - DEPLOYED_TICK;
  const broken = since > 1 && resolvedTick === null;
  const v1Tick = Math.min(tick, DEPLOYED_TICK);
  const v1Cells = cellsOf(layers, v1Tick, 1, null, 0);
  const v1 = streamOf(
    {
      id: 'serving/v1/stable',
      version: 'v1',
      state: 'guarded',
      cells: v1Cells,
      outputs: outputsOf(0.004),
      evidence: evidenceOf(v1Tick, false),
    },
    v1Tick,
  );
  if (since <= 0) return [v1];
  const sources = v1.sources.map((source) => ({ ...source, status: 'stopped' as const }));
  const cells = cellsOf(layers, tick, 1, resolvedTick === null ? offset : null, since);
  const state = broken ? 'drifting' : 'guarded';
  return [
    { ...v1, state: 'stopped', sources },
    streamOf(
      {
        id: 'serving/v2/stable',
        version: 'v2',
        state,
        cells,
        outputs: outputsOf(broken ? 0.184 : 0.004),
        evidence: evidenceOf(tick, broken),
      },
      tick,
    ),
  ];
}

/** Evidence of a stream: little and always a little else while all is well; what an epsilon does to it otherwise. */
export function evidenceOf(tick: number, broken: boolean): StreamView['evidence'] {
  const of = (detector: string, place: number, share: number, nats: number | null): EvidenceView => {
    const ticketNats = Math.log(60_480 / share);
    return {
      detector,
      nats: (broken ? nats : null) ?? Math.max(0, 0.6 + noise(9, tick, place) / 2),
      ticketNats,
      pageNats: ticketNats + Math.log(30 / 7),
      layer: broken && nats !== null ? ORIGIN : (LAYERS[place] ?? null),
      site: 'output',
    };
  };
  return [
    of('activation_mean', 0, 0.2, 13.1),
    of('activation_variance', 1, 0.2, 17.07),
    of('output_divergence', 2, 0.1, 6.2),
    of('peers', 3, 0.15, null),
  ];
}

export const outputsOf = (klNats: number): StreamView['outputs'] => [
  {
    output: 'embedding',
    requests: 150,
    nonFiniteRequests: 0,
    scores: [{ against: 'reference', klNats, jsNats: klNats / 4 }],
  },
];
