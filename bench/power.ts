/**
 * `node bench/power.ts FILE [--repetitions N] [--write PAGE]`: how surely and how soon small faults are found, as Markdown
 * or into the block `power` of a page. Each repetition draws single ticks from a healthy recording, learns from the first
 * 60 of them, and then alters what it draws.
 */

import { parseArgs } from 'node:util';
import { createProgress } from '../agent/commands/progress.ts';
import { foldFile } from '../agent/commands/recording.ts';
import { createChance } from '../agent/core/chance.ts';
import { createPartition, takeFindings } from '../agent/core/fold.ts';
import { createResampler } from '../agent/core/resample.ts';
import { createSeriesReader, type TickSeries } from '../agent/core/series.ts';
import { DEFAULT_SETTINGS } from '../agent/core/settings.ts';
import { createTickFold } from '../agent/core/tick-fold.ts';
import { median } from './measure.ts';
import { dateAndMachine, writeBlock } from './page-block.ts';
import { drift, epsilon, type Fault, faulty, onePod, scaledVariance, shift } from './power-faults.ts';
import { quietSession } from './score-folder.ts';
import { table } from './score-table.ts';

/** Calibration, and some ticks after it. */
const HEALTHY_TICKS = 72;
const SINGLE_TICKS = { blockTicks: 1, autocorrelation: 0, dailyAmplitude: 0, other: null };

const GROUPS: readonly (readonly [what: string, faults: readonly Fault[]])[] = [
  [
    'One statistic of all sources shifted, standard deviations of one request',
    [0, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1, 1.5, 2].map(shift),
  ],
  ['The same in one of four pods', [0.25, 0.5, 0.75, 1, 1.5, 2, 3].map(onePod)],
  ['The variance of one layer at one site', [0.5, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 2].map(scaledVariance)],
  ['Another epsilon in one layer', [1e-4, 1e-3, 1e-2, 5e-2].map(epsilon)],
  ['One statistic that drifts, standard deviations of one request', [1, 4, 12].map(drift)],
];

/** Ticks from the onset to the first incident; null when it was missed, NaN when there was one before. */
function repeat(series: TickSeries, fault: Fault, turn: number): number | null {
  const partition = createPartition(DEFAULT_SETTINGS);
  const fold = createTickFold(partition, series);
  const next = createResampler(series, SINGLE_TICKS, createChance(turn + 1), series.ticks[0]!.index);
  const opened = (): boolean => takeFindings(partition).some(({ event }) => event === 'opened');
  for (let i = 0; i < HEALTHY_TICKS; i++) fold.fold(next());
  if (opened()) return Number.NaN;
  const reference = fold.model.references.find(({ id }) => id === fold.stream.reference);
  if (reference === undefined) throw new Error('nothing was learnt');
  const target = { bucket: reference.bucket, cells: series.layers.length * 2, turn };
  for (let tick = 0; tick < fault.ticks; tick++) {
    const drawn = next();
    fold.fold(faulty(drawn, fault.moves(target, tick, drawn), fault.source(target)));
    if (opened()) return tick + 1;
  }
  return null;
}

function rowOf(series: TickSeries, fault: Fault, repetitions: number): string[] {
  const all = Array.from({ length: repetitions }, (_, turn) => repeat(series, fault, turn));
  const clean = all.filter((ticks) => !Number.isNaN(ticks));
  const found = clean.flatMap((ticks) => ticks ?? []);
  const seconds = series.tickMs / 1000;
  const within = (ticks: number): string =>
    `${((100 * found.filter((one) => one <= ticks).length) / clean.length).toFixed(0)} %`;
  const middle = found.length === 0 ? '–' : `${median(found) * seconds} s`;
  return [fault.name, within(1), within(3), within(30), within(fault.ticks), middle, String(clean.length)];
}

async function readSeries(file: string): Promise<TickSeries> {
  const session = quietSession((text) => process.stderr.write(text), false);
  const reader = createSeriesReader(DEFAULT_SETTINGS.tickMs);
  const partition = createPartition(DEFAULT_SETTINGS);
  await foldFile(session, file, partition, {
    progress: createProgress(session),
    seen: reader.add,
    failed: [],
  });
  const series = reader.read();
  if (series === null) throw new Error(`${file}: no traffic`);
  return series;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { repetitions: { type: 'string', default: '208' }, write: { type: 'string' } },
  });
  const [file] = positionals;
  if (file === undefined) throw new Error('name a healthy recording');
  const series = await readSeries(file);
  const told = GROUPS.map(([what, faults]) => {
    const rows = faults.map((fault) => rowOf(series, fault, Number(values.repetitions)));
    process.stderr.write(`${what}\n`);
    return `${what}:\n\n${table(['size', 'in one tick', 'in 30 s', 'in 300 s', 'at all', 'median', 'repetitions'], rows)}`;
  });
  const text = `${dateAndMachine()}\n\n${told.join('\n')}`;
  if (values.write === undefined) process.stdout.write(text);
  else writeBlock(values.write, 'power', text);
}

if (import.meta.main) await main();
