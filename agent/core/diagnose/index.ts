/**
 * Signals of one family in one tick → what the incident tells: cause, origin, sources and severity. Detectors see one
 * statistic each; here all layers are looked at together.
 */
import type { Signal, TickContext } from '../detect/contract.ts';
import { ARITHMETIC } from '../detect/effect.ts';
import { SHIFT_PARAMS } from '../detect/shift.ts';
import { cellOf } from '../layout.ts';
import { type NamedSignal, originOf } from '../story.ts';
import { judge, type Verdict } from './causes.ts';
import { isEverywhere } from './everywhere.ts';
import { largestShift, nameOfCell, type Pattern, patternOf } from './pattern.ts';

/** The signal that tells the story: the first of the given ones when there is nothing more to say; null without any. */
export function diagnose(context: TickContext, signals: readonly NamedSignal[]): NamedSignal | null {
  const first = originOf(signals);
  if (first === null) return null;
  const sources = blamedSources(context, signals, first);
  // Rules look at means and variances: they have nothing to say where none is out.
  const isShift = signals.some(({ signal }) => signal.unit === 'request_sigmas' || signal.unit === 'nats');
  const pattern = isShift ? patternOf(context, sources, cellOfSignal(first.signal)) : null;
  const seen = pattern === null ? null : judge(pattern);
  const said = mostCertain(signals);
  if (said !== null && (seen === null || said.signal.confidence >= seen.confidence))
    return tell(context, first, sources, pattern, said.signal);
  return tell(context, first, sources, pattern, seen);
}

function tell(
  context: TickContext,
  first: NamedSignal,
  sources: readonly string[],
  pattern: Pattern | null,
  verdict: Verdict | Signal | null,
): NamedSignal {
  const { signal } = first;
  const cause = verdict?.cause ?? signal.cause;
  const named = verdict !== null && 'layer' in verdict && verdict.layer >= 0 ? verdict : null;
  // Who names a cause names its place, unless something is out before it: not every layer sends everything.
  const seen = pattern === null ? null : placeOf(pattern);
  const place =
    named !== null && (seen === null || named.layer <= seen.layer) ? named : (seen ?? named ?? signal);
  const pages =
    pattern !== null && ARITHMETIC.has(cause) && largestShift(pattern) >= SHIFT_PARAMS.pageEffect.value;
  const everywhere = sources.length > 0 || pattern === null || isEverywhere(context, pattern.origin);
  return {
    detector: first.detector,
    everywhere,
    signal: {
      ...signal,
      layer: place.layer,
      site: place.site,
      sources: named !== null && named.sources.length > 0 ? named.sources : sources,
      cause,
      confidence: verdict?.confidence ?? signal.confidence,
      severity: pages ? 'page' : signal.severity,
      effect: Math.max(
        signal.unit === 'request_sigmas' ? signal.effect : 0,
        pattern === null ? signal.effect : largestShift(pattern),
      ),
      unit: pattern === null ? signal.unit : 'request_sigmas',
      evidence: { ...signal.evidence, ...(verdict?.evidence ?? {}) },
      says: verdict?.says ?? (pattern === null ? signal.says : sayPlace(pattern, signal)),
    },
  };
}

const placeOf = ({ origin }: Pattern): { layer: number; site: 'input' | 'output' } => ({
  layer: origin >> 1,
  site: (origin & 1) === 0 ? 'input' : 'output',
});

const sayPlace = (pattern: Pattern, signal: Signal): string =>
  signal.layer === pattern.origin >> 1
    ? signal.says
    : `activations have moved from ${nameOfCell(pattern, pattern.origin)} on`;

const cellOfSignal = (signal: Signal): number =>
  signal.layer < 0 ? -1 : cellOf(signal.layer, signal.site === 'output' ? 1 : 0);

/** A comparison of sources knows best whom to blame; then the detector that saw the origin. */
function blamedSources(
  context: TickContext,
  signals: readonly NamedSignal[],
  first: NamedSignal,
): readonly string[] {
  if (context.loneSource !== null) return [context.loneSource];
  const peers = signals.find(({ detector }) => detector === 'peers');
  return peers?.signal.sources ?? first.signal.sources;
}

/** The signal that is surest of a cause of its own. */
function mostCertain(signals: readonly NamedSignal[]): NamedSignal | null {
  let best: NamedSignal | null = null;
  for (const named of signals) {
    if (named.signal.cause === 'unknown') continue;
    if (best === null || named.signal.confidence > best.signal.confidence) best = named;
  }
  return best;
}
