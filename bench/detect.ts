/**
 * What detection costs beyond the fold: CPU of all detectors for one statistic (layer × site × mean or variance) and tick,
 * bytes of their state for one statistic, and thirty days of drawn ticks. Of the shipped healthy recording, whose pods send
 * features, histograms and op times as well: what those cost is in the figures, though they are more statistics.
 */
import { createChance } from '../agent/core/chance.ts';
import { DETECTORS } from '../agent/core/detect/index.ts';
import { createPartition, takeFindings } from '../agent/core/fold.ts';
import { createResampler } from '../agent/core/resample.ts';
import { createSeriesReader } from '../agent/core/series.ts';
import { DEFAULT_SETTINGS } from '../agent/core/settings.ts';
import { createTickFold } from '../agent/core/tick-fold.ts';
import { recording } from '../test/kit/recording.ts';
import { type Figure, median } from './measure.ts';

const TICKS_PER_DAY = 86_400_000 / DEFAULT_SETTINGS.tickMs;
const ROUNDS = 7;

/** Microseconds a tick of a day of drawn ticks, with the detectors as given. */
function dayMicros(detect: boolean): { micros: number; bytes: number; statistics: number } {
  const reader = createSeriesReader(DEFAULT_SETTINGS.tickMs);
  for (const event of recording('healthy')) reader.add(event);
  const series = reader.read()!;
  const partition = createPartition(DEFAULT_SETTINGS);
  const fold = createTickFold(partition, series);
  const days = { blockTicks: 6, autocorrelation: 0, dailyAmplitude: 0, other: null };
  const from = Math.floor(series.ticks[0]!.startMs / 86_400_000) * TICKS_PER_DAY;
  const next = createResampler(series, days, createChance(1), from);
  const spent = detect ? null : silence();
  const started = process.cpuUsage();
  for (let i = 0; i < TICKS_PER_DAY; i++) {
    fold.fold(next());
    takeFindings(partition);
  }
  const { user } = process.cpuUsage(started);
  spent?.();
  let bytes = 0;
  for (const state of fold.stream.detectors.values()) {
    bytes += state.cells.byteLength + state.stream.byteLength;
    for (const row of state.named.values()) bytes += row.byteLength;
  }
  return { micros: user / TICKS_PER_DAY, bytes, statistics: fold.stream.layers.length * 4 };
}

/** Takes the detectors' work away, and gives back what puts it in place again. */
function silence(): () => void {
  const kept = DETECTORS.map((detector) => detector.tick);
  for (const detector of DETECTORS)
    if (detector.tick !== undefined) Object.assign(detector, { tick: () => [] });
  return () => {
    for (const [i, detector] of DETECTORS.entries()) Object.assign(detector, { tick: kept[i] });
  };
}

export async function benchDetect(): Promise<Figure[]> {
  dayMicros(true);
  const whole: number[] = [];
  const costs: number[] = [];
  let last = dayMicros(true);
  for (let round = 0; round < ROUNDS; round++) {
    last = dayMicros(true);
    whole.push(last.micros);
    costs.push((last.micros - dayMicros(false).micros) / last.statistics);
  }
  const cost = median(costs);
  const month = (median(whole) * TICKS_PER_DAY * 30) / 1e6;
  const size = last.bytes / last.statistics;
  return [
    {
      what: `all ${DETECTORS.length} detectors, CPU a statistic and tick (${last.statistics} statistics)`,
      value: `${cost.toFixed(2)} µs`,
      goal: '≤ 1 µs',
      good: cost <= 1,
    },
    {
      what: 'their state a statistic',
      value: `${Math.round(size)} bytes`,
      goal: '≤ 256 bytes',
      good: size <= 256,
    },
    { what: 'thirty days of drawn ticks', value: `${month.toFixed(0)} s`, goal: '≤ 60 s', good: month <= 60 },
  ];
}
