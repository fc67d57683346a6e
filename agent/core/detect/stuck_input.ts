/** The same input again and again: what flushes scatter among each other has vanished, to the last digit. */
import { byName } from '../codec.ts';
import { digitStep } from '../constant.ts';
import { layerOfCell } from '../layout.ts';
import * as m from '../moments.ts';
import { components } from '../score/components.ts';
import { shortList } from '../sentence.ts';
import type { SourceTick } from '../tick.ts';
import type { Detector, DetectorState, TickContext } from './contract.ts';

const TICKS = 3;
/** Few inputs come twice in a row by chance, a handful of popular ones for some ticks. */
const FLUSHES_MIN = 8;
/** So many equal flushes of all sources need no second tick. */
const FLUSHES_AT_ONCE = 30;
const SHARE_MIN = 0.9;
/** Cells that can tell: fewer are a model that is constant by itself, or one whose scatter is lost in its digits. */
const CELLS_MIN = 4;
const STEPS_MIN = 10;
/** A projection is the same within this share of what two ticks of other requests would lie apart. */
const SAME_SHARE = 0.03;
const SOURCES_MAX = 64;

/** Row of a source: index of its last tick; projections of its means and variances; ticks and flushes in a row. */
const LAST_TICK = 0;
const MEANS = 1;
const VARIANCES = 2;
const RUN = 3;
const FLUSHES = 4;
const ROW = 5;

export const stuckInput: Detector = {
  name: 'stuck_input',
  family: 'drift',
  doc:
    'A source, or all of them, gets the same input again and again: means and variances of its flushes are equal to the ' +
    'last digit in nine of ten cells, tick after tick, although the baseline scatters. One flush a tick is compared from ' +
    'tick to tick. Misses a short cycle of different inputs, models that are constant by themselves, and traffic so ' +
    'large that its scatter is lost in five digits.',
  params: [
    { name: 'ticks', unit: 'ticks', value: TICKS, help: 'in a row without any scatter' },
    { name: 'flushes', unit: 'flushes', value: FLUSHES_MIN, help: 'equal flushes of a source at the least' },
    {
      name: 'flushesAtOnce',
      unit: 'flushes',
      value: FLUSHES_AT_ONCE,
      help: 'equal flushes of all sources that need no more ticks',
    },
    {
      name: 'share',
      unit: 'ratio',
      value: SHARE_MIN,
      help: 'of the cells that can tell must have no scatter',
    },
  ],
  metrics: ['activation_mean', 'activation_variance'],
  causes: ['stuck_input'],
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    const { tick, baseline } = context;
    if (baseline === null) return [];
    const measured = tick.sources.filter(({ tick: one }) => one.flushes > 0);
    const stuck = measured.filter(({ source, tick: one }) => step(context, state, source, one));
    for (const [source, row] of state.named)
      if (row[LAST_TICK] !== tick.index && row[RUN]! < 2) state.named.delete(source);
    const rows = stuck.map(({ source }) => state.named.get(source)!);
    const flushes = rows.reduce((sum, row) => sum + row[FLUSHES]!, 0);
    const longest = Math.max(0, ...rows.map((row) => row[RUN]!));
    const lasts = rows.some((row) => row[RUN]! >= TICKS && row[FLUSHES]! >= FLUSHES_MIN);
    if (!lasts && (flushes < FLUSHES_AT_ONCE || stuck.length < measured.length)) return [];
    const names = stuck.map(({ source }) => source).sort(byName);
    const sources = stuck.length < measured.length ? names : [];
    return [
      {
        layer: 0,
        site: 'input',
        sources,
        severity: 'ticket',
        cause: 'stuck_input',
        confidence: 0.9,
        effect: stuck.length / measured.length,
        unit: 'ratio',
        onsetMs: tick.startMs - (longest - 1) * context.settings.tickMs,
        evidence: { equal_flushes: flushes, equal_ticks: longest, stuck_sources: stuck.length },
        says: `${sources.length > 0 ? shortList(sources) : 'every source'} computes the same input again and again: ${flushes} flushes in a row are equal to the last digit`,
      },
    ];
  },
};

/** Moves a source's run on; true while its flushes are equal among each other and to those of the tick before. */
function step(context: TickContext, state: DetectorState, source: string, one: SourceTick): boolean {
  const look = lookAt(context, one);
  if (look === null) {
    state.named.delete(source);
    return false;
  }
  let row = state.named.get(source);
  if (row === undefined) {
    if (state.named.size >= SOURCES_MAX) return false;
    row = new Float64Array(ROW);
    state.named.set(source, row);
  }
  const tolerance = SAME_SHARE / Math.sqrt(one.requests);
  const same =
    row[RUN]! > 0 &&
    Math.abs(look.means - row[MEANS]!) <= tolerance &&
    Math.abs(look.variances - row[VARIANCES]!) <= tolerance;
  row[LAST_TICK] = context.tick.index;
  row[MEANS] = look.means;
  row[VARIANCES] = look.variances;
  row[RUN] = same ? row[RUN]! + 1 : 1;
  row[FLUSHES] = (same ? row[FLUSHES]! : 0) + one.flushes;
  return one.flushes > 1 || row[RUN]! > 1;
}

interface Look {
  /** Residuals of all cells with alternating signs, so that other inputs give another number. */
  readonly means: number;
  readonly variances: number;
}

/** Five digits step by this share of a value at the most: what scatters more is no rounding. */
const DIGIT_SHARE_MAX = 1e-4;

/** True for nearly all healthy traffic, and cheap. */
function scatters(cells: Float64Array): boolean {
  const allowed = ((1 - SHARE_MIN) * cells.length) / m.TICK_STRIDE;
  let differing = 0;
  for (let at = 0; at < cells.length; at += m.TICK_STRIDE) {
    const digit = DIGIT_SHARE_MAX * cells[at + m.A_MEAN]!;
    if (cells[at + m.A_M2]! > digit * digit * cells[at + m.REQUESTS]! && ++differing > allowed) return true;
  }
  return false;
}

/** Null when the flushes of the tick differ, or when too few cells can tell. */
function lookAt({ baseline, places }: TickContext, one: SourceTick): Look | null {
  const { cells, flushes, requests } = one;
  if (scatters(cells)) return null;
  let means = 0;
  let variances = 0;
  let telling = 0;
  let differing = 0;
  const count = cells.length / m.TICK_STRIDE;
  for (let cell = 0; cell < count; cell++) {
    const at = cell * m.TICK_STRIDE;
    const place = places[layerOfCell(cell)] ?? -1;
    if (place < 0 || cells[at + m.FLUSHES] === 0) continue;
    const residual = residualOf(
      baseline!.cells,
      place * 2 + (cell & 1),
      'mean',
      cells,
      at,
      requests / flushes,
    );
    const spread = residualOf(
      baseline!.cells,
      place * 2 + (cell & 1),
      'variance',
      cells,
      at,
      requests / flushes,
    );
    if (residual === null || spread === null) continue;
    telling++;
    if (!residual.isEqual || !spread.isEqual) differing++;
    const sign = signOf(cell);
    means += sign * residual.sigmas;
    variances += sign * spread.sigmas;
  }
  if (telling < CELLS_MIN || differing > (1 - SHARE_MIN) * telling) return null;
  return { means: means / Math.sqrt(telling), variances: variances / Math.sqrt(telling) };
}

/** Fixed signs without a pattern that layers could share: the bits of a golden-ratio sequence. */
const signOf = (cell: number): 1 | -1 => ((cell * 0.618_033_988_75) % 1 < 0.5 ? 1 : -1);

/** Off the baseline in request standard deviations; null where scatter is no more than a few steps of the last digit. */
function residualOf(
  baseline: Float64Array,
  cell: number,
  statistic: 'mean' | 'variance',
  cells: Float64Array,
  at: number,
  requestsPerFlush: number,
): { readonly sigmas: number; readonly isEqual: boolean } | null {
  const c = components(baseline, cell, statistic);
  if (c === null) return null;
  const column = at + (statistic === 'mean' ? m.A_MEAN : m.V_MEAN);
  const value = cells[column]!;
  const sigma = Math.sqrt(c.requestVariance);
  const digit = digitStep(Math.max(Math.abs(value), Math.abs(c.mean)));
  if (!(sigma / Math.sqrt(requestsPerFlush) >= STEPS_MIN * digit)) return null;
  const scatter = Math.sqrt(Math.max(0, cells[column + 1]!) / cells[at + m.REQUESTS]!);
  return { sigmas: (value - c.mean) / sigma, isEqual: scatter <= digit };
}
