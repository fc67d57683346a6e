/** What `baseline show` says on a terminal of 100 columns. */
import type { BudgetPromise, DetectorPromise, LeastEffects, StatisticName } from '../core/promise.ts';
import type { StreamView } from '../core/view.ts';
import type { ReferenceFacts, Shown } from './baseline-show.ts';
import { columns, shortTime } from './columns.ts';
import { countOf } from './lines.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const YEARS_TOLD_MAX = 100;
const HOURS_OF_DAY = 24;
const WIDTH = 100;

export function textOf(shown: Shown): string {
  const { environment, model, budget, references } = shown;
  const streams = shown.streams.map((one) => [one.id, one.state, ...againstOf(one)]);
  const blocks = [
    `${model} (${environment})\nat most ${budget.pages} false pages and ${budget.tickets} false tickets; an output beyond ${budget.outputKlNats} nats pages\n`,
    columns(['STREAM', 'STATE', 'CALIBRATION', 'REFERENCE'], streams),
  ];
  if (references.length > 0)
    blocks.push(columns(['REFERENCE', 'KIND', 'CHECKPOINT', 'LEARNT FROM'], references.map(lineOf)));
  for (const one of inUse(shown)) blocks.push(referenceText(one));
  return blocks.join('\n');
}

const lineOf = (one: ReferenceFacts): string[] => [
  one.id,
  one.kind,
  one.checkpoint ?? '–',
  `${one.ticks} ticks, ${one.flushes} flushes, ${one.layers} layers, of ${shortTime(Date.parse(one.created))}`,
];

/** Calibration and reference; a run has neither. */
function againstOf({ calibration, reference }: Pick<StreamView, 'calibration' | 'reference'>): string[] {
  const { progress, ticks, ticksNeeded, flushes, flushesNeeded } = calibration;
  if (ticksNeeded === 0) return ['–', '–'];
  const state = progress >= 1 ? 'done' : `${ticks}/${ticksNeeded} ticks, ${flushes}/${flushesNeeded} flushes`;
  return [state, reference ?? 'none yet'];
}

/** What the shown streams are held against, and what is still being learnt; all where no stream is held against any. */
function inUse({ streams, references }: Shown): readonly ReferenceFacts[] {
  const ids = new Set(streams.map(({ id }) => id));
  const used = references.filter((one) => one.kind === 'learning' || one.streams.some((id) => ids.has(id)));
  return used.length > 0 ? used : references;
}

function referenceText(one: ReferenceFacts): string {
  const { promise } = one;
  const facts: [string, string][] = [
    ['known', knownOf(one)],
    ['age', ageOf(one)],
    ['tick to tick', autocorrelationOf(one)],
    ['ranks', ranksOf(one)],
    ['least effect', leastEffectOf(promise.leastEffect)],
  ];
  const budgets = promise.budgets.map((budget): [string, string] => [
    `${budget.severity}s`,
    budgetOf(budget),
  ]);
  const raised = promise.detectors.filter(({ raisedNats }) => raisedNats > 0).map(raisedOf);
  return [
    `${one.id}${one.kind === 'learning' ? ', still learning: it promises this once it is complete' : ''}\n`,
    ...[...facts, ...budgets].map(([name, text]) => wrapped(name, text)),
    ...raised.map((text) => wrapped('raised', text)),
    '\n',
    columns(
      ['DETECTOR', 'SHARE', 'TICKET AT', 'PAGE AT', 'RAISED', 'ONE FALSE TICKET IN', 'MEASURED'],
      promise.detectors.map(rowOf),
    ),
    howMeasured(promise),
  ].join('');
}

function howMeasured({ detectors }: ReferenceFacts['promise']): string {
  const drawn = Math.max(...detectors.map(({ drawnTicks }) => drawnTicks));
  if (drawn === 0) return '';
  return (
    `\nMeasured: ${drawn.toLocaleString('en-US')} ticks, drawn anew in blocks from the reference's own. Evidence that they reached\n` +
    'is carried on to the threshold, a factor e a nat. Not tried: promised by the theorem alone.\n'
  );
}

const rowOf = (one: DetectorPromise): string[] => [
  one.detector,
  percent(one.share),
  nats(one.ticketNats),
  nats(one.pageNats),
  one.raisedNats > 0 ? nats(one.raisedNats) : '–',
  span(one.promisedMs),
  one.measuredMs === null ? 'not tried' : measured(one.measuredMs, one.isBound),
];

function knownOf({ ticks, tickMs, flushes, requests, layers, hours, promise }: ReferenceFacts): string {
  const amount = `${countOf(ticks, 'tick')} (${span(ticks * tickMs)}), ${flushes} flushes, ${requests} requests`;
  const width = `${countOf(layers, 'layer')}, ${promise.leastEffect.statistics} statistics`;
  const day =
    hours.learnt === 0
      ? 'no hour of the day yet'
      : `${countOf(hours.learnt, 'hour')}, ${hours.ofDay} of the ${HOURS_OF_DAY} of a day`;
  return `${amount}; ${width}; ${day}`;
}

const ageOf = ({ created, ageMs, streams }: ReferenceFacts): string =>
  `of ${shortTime(Date.parse(created))} UTC${ageMs === null ? ' in the recording' : `, ${span(ageMs)} old`}` +
  (streams.length === 0 ? '; no stream is held against it' : `; in use by ${streams.join(', ')}`);

const TOO_FEW = 'not known: too few ticks in a row to tell';

function autocorrelationOf({ promise: { autocorrelation } }: ReferenceFacts): string {
  if (autocorrelation === null) return TOO_FEW;
  const { median, largest, largestAt } = autocorrelation;
  const where = largest > 0 ? ` (${nameOf(largestAt)})` : '';
  return `autocorrelation ${median.toFixed(2)} in the median, ${largest.toFixed(2)} at most${where}; taken out before judging`;
}

function ranksOf({ promise: { autocorrelation, ranked, leastEffect } }: ReferenceFacts): string {
  if (autocorrelation === null) return TOO_FEW;
  if (ranked.length === 0) return 'not needed: no statistic has tails heavier than the normal';
  return `judge ${ranked.length} of ${leastEffect.statistics} statistics, whose tails are heavier than the normal`;
}

function leastEffectOf(least: LeastEffects): string {
  const { defaultSigmas, statistics, raisedByError, raisedByHours, largestSigmas, largestAt } = least;
  const usual = `${sigmas(defaultSigmas)} request standard deviations`;
  if (largestAt === null) return `${usual} in all ${statistics} statistics`;
  const reasons = [
    ...(raisedByError > 0 ? [`in ${raisedByError} by three standard errors of the baseline`] : []),
    ...(raisedByHours > 0 ? [`in ${raisedByHours} by three standard deviations of its hours`] : []),
  ];
  return `${usual}; of ${statistics} statistics raised ${reasons.join(', ')}: to ${sigmas(largestSigmas)} at most (${nameOf(largestAt)})`;
}

function budgetOf({
  severity,
  everyMs,
  tried,
  share,
  promisedMs,
  measuredMs,
  isBound,
}: BudgetPromise): string {
  const promised = `one false ${severity} in ${span(everyMs)} promised`;
  if (promisedMs === null || measuredMs === null)
    return `${promised} by the theorem; not tried, too few ticks in a row`;
  const part = `${tried.join(' and ')} hold ${percent(share)} of it`;
  return `${promised}; ${part}, one in ${span(promisedMs)}, and were measured at one in ${measured(measuredMs, isBound)}`;
}

const raisedOf = ({ detector, raisedNats, measuredMs, promisedMs }: DetectorPromise): string =>
  `${detector} by ${nats(raisedNats)}: the reference's own ticks gave a false ticket in ${span(measuredMs ?? 0)}, ` +
  `not in the promised ${span(promisedMs)}`;

const measured = (ms: number, isBound: boolean): string =>
  ms > YEARS_TOLD_MAX * YEAR_MS ? `over ${YEARS_TOLD_MAX} years` : `${isBound ? 'over ' : ''}${span(ms)}`;

/** `10 min`, `12 h`, `17.5 days`, `3.2 years`. */
function span(ms: number): string {
  if (ms < 2 * HOUR_MS) return `${Math.max(0, Math.round(ms / MINUTE_MS))} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  if (ms < 2 * YEAR_MS) return `${digits(ms / DAY_MS)} days`;
  return `${digits(ms / YEAR_MS)} years`;
}

const digits = (value: number): string => String(Number(value.toPrecision(value < 100 ? 3 : 4)));
/** With a space that no line breaks at. */
const percent = (share: number): string => `${digits(share * 100)}\u00a0%`;
const nats = (value: number): string => `${value.toFixed(1)} nats`;
const sigmas = (value: number): string => String(Number(value.toPrecision(3)));

const nameOf = ({ layer, site, statistic }: StatisticName): string =>
  `${statistic} of the ${site} of ${layer}`;

const NAME_WIDTH = 14;

/** `  name    text`, the text broken between words. */
function wrapped(name: string, text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH - NAME_WIDTH - 2) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  const indent = ' '.repeat(NAME_WIDTH + 2);
  return `  ${name.padEnd(NAME_WIDTH)}${lines.join(`\n${indent}`)}\n`;
}
