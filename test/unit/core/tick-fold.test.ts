/** Ticks folded without events say what the events they came from say. */
import { expect, it } from 'vitest';
import {
  createPartition,
  finishPartition,
  foldEvent,
  pinReferences,
  takeFindings,
} from '../../../agent/core/fold.ts';
import { createSeriesReader } from '../../../agent/core/series.ts';
import { DEFAULT_SETTINGS } from '../../../agent/core/settings.ts';
import { createTickFold } from '../../../agent/core/tick-fold.ts';
import { baselineReferences, partitionWithBaseline, recording } from '../../kit/recording.ts';

const GIST = ['event', 'id', 'time', 'severity', 'cause', 'layers', 'sources', 'detectors'] as const;

it.each(['one-bad-pod', 'healthy'])('the ticks of %s give its incidents', (name) => {
  const partition = partitionWithBaseline();
  const reader = createSeriesReader(DEFAULT_SETTINGS.tickMs);
  for (const event of recording(name)) {
    foldEvent(partition, event, null);
    reader.add(event);
  }
  finishPartition(partition);
  const gistOf = (of: typeof partition) =>
    takeFindings(of).map((line) => GIST.map((key) => JSON.stringify(line[key])).join(' '));

  const fromTicks = createPartition(DEFAULT_SETTINGS);
  pinReferences(fromTicks, baselineReferences());
  const series = reader.read()!;
  const fold = createTickFold(fromTicks, series);
  for (const tick of series.ticks) fold.fold(tick);

  const expected = gistOf(partition);
  expect(gistOf(fromTicks)).toEqual(expected);
  expect(expected.length > 0).toBe(name !== 'healthy');
  expect(fold.stream.closedTick).toBe(series.ticks.at(-1)!.index);
});

it('folding leaves the ticks as they were, so that they may be drawn again', () => {
  const reader = createSeriesReader(DEFAULT_SETTINGS.tickMs);
  for (const event of recording('one-bad-pod')) reader.add(event);
  const series = reader.read()!;
  const before = structuredClone(series.ticks);
  const partition = partitionWithBaseline();
  const fold = createTickFold(partition, series);
  for (const tick of series.ticks) fold.fold(tick);
  expect(takeFindings(partition).length).toBeGreaterThan(0);
  expect(series.ticks).toEqual(before);
});
