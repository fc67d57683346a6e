/** What was found in one recording against what its label says. */
import type { Answer, Label } from './backtest-labels.ts';
import type { Opening } from './backtest-openings.ts';

/** What else must be known of a folded recording. */
export interface Facts {
  /** Time of the recording's first flush. */
  readonly firstMs: number;
  /** Event time it covers. */
  readonly seconds: number;
  /** Names of the sources of a stream, by `version/role`. */
  readonly sourcesOf: (version: string, role: string | null) => readonly string[];
}

export interface Verdict {
  /** `quiet`: nothing may be found. `either`: may be found or missed. `fault`: must be found. */
  readonly expected: 'quiet' | 'either' | 'fault';
  readonly onsetMs: number | null;
  readonly detected: boolean;
  /** Seconds of event time (steps in training) from the onset to the first opening after it. */
  readonly delay: number | null;
  /** Openings before the onset, or that the label has no place for; and the seconds in which they could come. */
  readonly falsely: number;
  readonly healthySeconds: number;
  /** Incidents after the first one. */
  readonly extra: number;
  /** What the first incident after the onset told last. */
  readonly cause: string | null;
  /** Null where there is nothing to judge. */
  readonly causeRight: boolean | null;
  readonly layerRight: boolean | null;
  readonly sourcesRight: boolean | null;
  readonly severityRight: boolean | null;
  readonly impliedEpsilon: number | null;
  readonly epsilonRight: boolean | null;
}

const EPSILON_SHARE = 0.2;
/** A flush is stamped late, or a clock is off, by no more than this when a recording begins with a minute. */
const START_SLACK_MS = 5_000;
const MINUTE_MS = 60_000;

export function judge(label: Label, openings: readonly Opening[], facts: Facts): Verdict {
  const onset = onsetOf(label, facts);
  const told = openings.filter(({ muted }) => !muted);
  const after = told.filter((one) => onset.isAfter(one));
  const before = told.filter((one) => !onset.isAfter(one));
  const expected = expectedOf(label.acceptable);
  const first = after[0];
  const isFault = expected !== 'quiet' && onset.at !== null;
  const falsely = isFault ? before : told.filter(({ severity }) => !label.acceptable.includes(severity));
  const healthySeconds =
    isFault && onset.timeMs !== null
      ? Math.min(facts.seconds, Math.max(0, (onset.timeMs - facts.firstMs) / 1000))
      : isFault
        ? 0
        : facts.seconds;
  if (!isFault || first === undefined) {
    return {
      ...NOTHING_TOLD,
      expected,
      onsetMs: onset.timeMs,
      falsely: falsely.length,
      healthySeconds,
      // A fault that may be missed is answered rightly by nothing; one that must be found is not.
      severityRight: isFault ? label.acceptable.includes('none') : null,
    };
  }
  const highest: Answer = after.some(({ severity }) => severity === 'page') ? 'page' : 'ticket';
  const cause = String(first.last.cause);
  return {
    expected,
    onsetMs: onset.timeMs,
    detected: true,
    delay: onset.delayOf(first),
    falsely: falsely.length,
    healthySeconds,
    extra: new Set(after.map(({ id }) => id)).size - 1,
    cause,
    causeRight: cause === label.cause,
    layerRight: layerRight(label, first),
    sourcesRight: label.kind === 'training' ? null : sourcesRight(label, first, facts),
    severityRight: label.acceptable.includes(highest),
    ...epsilonOf(label, first),
  };
}

const NOTHING_TOLD = {
  detected: false,
  delay: null,
  extra: 0,
  cause: null,
  causeRight: null,
  layerRight: null,
  sourcesRight: null,
  impliedEpsilon: null,
  epsilonRight: null,
} as const;

const expectedOf = (acceptable: readonly Answer[]): Verdict['expected'] =>
  !acceptable.includes('none') ? 'fault' : acceptable.length === 1 ? 'quiet' : 'either';

interface OnsetTime {
  readonly at: number | null;
  readonly timeMs: number | null;
  readonly isAfter: (opening: Opening) => boolean;
  readonly delayOf: (opening: Opening) => number;
}

function onsetOf({ onset }: Label, facts: Facts): OnsetTime {
  if (onset.at === 'never') return { at: null, timeMs: null, isAfter: () => true, delayOf: () => 0 };
  if (onset.at === 'step') {
    const { step } = onset;
    return {
      at: step,
      timeMs: null,
      isAfter: (one) => (one.step ?? Number.NEGATIVE_INFINITY) >= step,
      delayOf: (one) => (one.step ?? step) - step,
    };
  }
  const timeMs =
    onset.at === 'time' ? onset.timeMs : (onset.startMs ?? startOf(facts)) + onset.seconds * 1000;
  return {
    at: timeMs,
    timeMs,
    isAfter: (one) => one.openedMs > timeMs,
    delayOf: (one) => (one.openedMs - timeMs) / 1000,
  };
}

/** The minute in which a recording begins. */
const startOf = ({ firstMs }: Facts): number =>
  Math.floor((firstMs + START_SLACK_MS) / MINUTE_MS) * MINUTE_MS;

/** Told of faults of a single layer only: elsewhere there is no one origin. */
function layerRight({ layers }: Label, { last }: Opening): boolean | null {
  if (layers === 'all' || layers.length !== 1) return null;
  return (last.layers as readonly string[])[0] === layers[0];
}

/** The right sources by name, and nobody when the whole fleet has it. Of a stream, none named means all it has. */
function sourcesRight({ sources }: Label, { last }: Opening, facts: Facts): boolean {
  const blamed = last.sources as readonly string[];
  const own = facts.sourcesOf(String(last.version), last.role as string | null);
  if (sources === 'all' || sources.length === 0) return blamed.length === 0;
  if (blamed.length > 0) return sameSet(blamed, sources);
  return own.every((source) => sources.includes(source));
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

function epsilonOf(label: Label, { last }: Opening): Pick<Verdict, 'impliedEpsilon' | 'epsilonRight'> {
  const implied = (last.evidence as Record<string, unknown>).implied_epsilon;
  if (label.epsilon === null || typeof implied !== 'number')
    return { impliedEpsilon: null, epsilonRight: null };
  return {
    impliedEpsilon: implied,
    epsilonRight: Math.abs(implied / label.epsilon - 1) <= EPSILON_SHARE,
  };
}
