/** Minima and maxima that healthy traffic holds constant and that now have another value: the arithmetic has changed. */
import { byName } from '../codec.ts';
import { MOVE_SHARE } from '../constant.ts';
import { layerOfCell, siteOfCell } from '../layout.ts';
import type { Detector, DetectorState, TickContext } from './contract.ts';
import {
  areAllKept,
  type Constant,
  constantsOf,
  LESS_TICKS,
  MORE_TICKS,
  SHARE_MIN,
  type Sighting,
  sightingsOf,
  TICKS_MIN,
} from './extremes.ts';
import { isExact, type Moved, nameCause } from './extremes-cause.ts';
import { round } from './shift.ts';

/** One constant that has moved, and who shows it. */
interface Broken extends Moved {
  readonly sightings: readonly Sighting[];
  /** Sources in which it certainly is as it was. */
  readonly kept: readonly string[];
  readonly run: number;
}

export const constantExtremes: Detector = {
  name: 'constant_extremes',
  family: 'drift',
  doc:
    'A token that every request carries has one embedding, so some extremes have one value in every tick. It moves with ' +
    'the arithmetic alone: n − 1 for n, half precision, another epsilon show nowhere else. A value that is less extreme ' +
    'than the constant breaks it, in one tick where several sources show it, in two where one does; a more extreme one ' +
    'only when it stays the same for three ticks, since a rare text may be more extreme. Five digits are compared, so ' +
    'this is a hard rule without evidence to add up; its share of the budget is for what a baseline of minutes cannot ' +
    'know, such as requests without that token. Misses models whose requests share no token, and layers in which the ' +
    'other tokens reach it.',
  params: [
    {
      name: 'share',
      unit: 'ratio',
      value: SHARE_MIN,
      help: 'of the baseline’s ticks that must meet the constant',
    },
    {
      name: 'ticks',
      unit: 'ticks',
      value: TICKS_MIN,
      help: 'of the baseline that must meet it at the least',
    },
    {
      name: 'move',
      unit: 'ratio',
      value: MOVE_SHARE,
      help: 'least move that counts, and one and a half steps of the fifth digit',
    },
    {
      name: 'lessTicks',
      unit: 'ticks',
      value: LESS_TICKS,
      help: 'in a row in which a single source is less extreme',
    },
    {
      name: 'moreTicks',
      unit: 'ticks',
      value: MORE_TICKS,
      help: 'in a row at one new value that is more extreme',
    },
  ],
  metrics: ['incident_effect'],
  causes: ['variance_estimator', 'precision_change', 'epsilon_mismatch', 'unknown'],
  ofReference: true,
  cellStride: 0,
  streamStride: 0,
  tick(context, state) {
    state.nats = 0;
    state.at = -1;
    if (context.scores === null) return [];
    const constants = constantsOf(context);
    if (areAllKept(context, state, constants)) return [];
    const sightings = sightingsOf(context, state, constants);
    const broken = withMore(
      constants.map((constant, i) => brokenOf(constant, sightings[i]!)),
      constants,
      sightings,
    );
    noteNearest(context, state, constants, sightings);
    const [first] = broken;
    if (first === undefined) return [];
    const sources = blamedOf(broken);
    const verdict = nameCause(context, broken, constants.length - broken.length, sources);
    const run = Math.max(...broken.map((one) => one.run));
    return [
      {
        layer: layerOfCell(first.cell),
        site: siteOfCell(first.cell),
        sources,
        severity: 'ticket',
        cause: verdict.cause,
        confidence: verdict.confidence,
        effect: Math.max(...broken.map(({ shift }) => Math.abs(shift))),
        unit: 'ratio',
        onsetMs: context.tick.startMs - (run - 1) * context.settings.tickMs,
        evidence: {
          constants_moved: broken.length,
          constants_known: constants.length,
          constant_was: first.value,
          constant_is: round5(first.values[0]!),
          constant_shift_ratio: round(-first.shift),
          ...verdict.evidence,
        },
        says: verdict.says,
      },
    ];
  },
};

/** Null while the constant holds, or while nothing is certain. */
function brokenOf(constant: Constant, sightings: readonly Sighting[]): Broken | null {
  const kept = sightings.filter(({ status }) => status === 'kept');
  const less = sightings.filter(({ status }) => status === 'less');
  const out = sightings.filter(
    ({ status, run }) => status === 'less' || (status === 'more' && run >= MORE_TICKS),
  );
  const run = Math.max(0, ...out.map((one) => one.run));
  // Several sources and none as before: no single request without the token does that.
  const isAtOnce = less.length > 1 && kept.length === 0;
  if (out.length === 0 || (run < LESS_TICKS && !isAtOnce)) return null;
  return breakOf(constant, out, kept);
}

function breakOf(constant: Constant, out: readonly Sighting[], kept: readonly Sighting[]): Broken {
  const shifts = out.map(({ shift }) => shift).sort((x, y) => x - y);
  const shift = shifts[shifts.length >> 1]!;
  return {
    ...constant,
    shift,
    values: out.map(({ value }) => value),
    sightings: out,
    // At the edge of what counts, sources that show the same fall on either side of it.
    kept: kept.filter((one) => Math.abs(one.shift) < Math.abs(shift) / 2).map(({ source }) => source),
    run: Math.max(...out.map((one) => one.run)),
  };
}

/** Once a constant is broken, another that the same sources show at one more extreme value is broken with it. */
function withMore(
  broken: readonly (Broken | null)[],
  constants: readonly Constant[],
  sightings: readonly (readonly Sighting[])[],
): Broken[] {
  const out = new Set(broken.flatMap((one) => one?.sightings.map(({ source }) => source) ?? []));
  return constants.flatMap((constant, i) => {
    const found = broken[i];
    if (found != null) return [found];
    const theirs = sightings[i]!.filter(({ source }) => out.has(source));
    if (theirs.length === 0 || theirs.some(({ status }) => status !== 'more')) return [];
    const one = breakOf(constant, theirs, []);
    return isExact(one) ? [one] : [];
  });
}

/** Sources that show it while others certainly do not; empty when all (or none for certain) do. */
function blamedOf(broken: readonly Broken[]): string[] {
  const out = new Set(broken.flatMap(({ sightings }) => sightings.map(({ source }) => source)));
  const intact = broken.flatMap(({ kept }) => kept).some((source) => !out.has(source));
  return intact ? [...out].sort(byName) : [];
}

/** How close it is: the part of the ticks needed that have passed, of the threshold. */
function noteNearest(
  context: TickContext,
  state: DetectorState,
  constants: readonly Constant[],
  sightings: readonly (readonly Sighting[])[],
): void {
  const { ticketNats } = context.thresholds('constant_extremes');
  let most = 0;
  constants.forEach(({ cell }, i) => {
    for (const { status, run } of sightings[i]!) {
      const part = Math.min(1, run / (status === 'less' ? LESS_TICKS : MORE_TICKS));
      if (part <= most) continue;
      most = part;
      state.at = cell;
    }
  });
  state.nats = most * ticketNats;
}

const round5 = (value: number): number => Number(value.toPrecision(5));
