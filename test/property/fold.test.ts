/** The state is a function of the records alone: not of batch cuts, restarts, or how sources interleave. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../agent/core/decode/event.ts';
import {
  createPartition,
  foldEvent,
  restorePartition,
  takeDirty,
  takeFindings,
} from '../../agent/core/fold.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../agent/core/settings.ts';
import { foldAll, recording, stateOf } from '../kit/recording.ts';

/** Calibrated within a minute, so that a short recording reaches references, detectors and incidents. */
const QUICK: Settings = {
  ...DEFAULT_SETTINGS,
  calibration: { ticks: 6, flushes: 60 },
  rollingDelayMs: 60_000,
};
const NAMES = ['deploy-epsilon', 'fp16-overflow', 'one-bad-pod', 'training-fp16-ln-zero-eps-nan'];
const RECORDINGS = new Map(NAMES.map((name) => [name, recording(name)]));
const anyRecording = fc.constantFrom(...NAMES).map((name) => RECORDINGS.get(name)!);

const stateAfter = (events: readonly Event[]) => stateOf(foldAll(createPartition(QUICK), events));
const EXPECTED = new Map([...RECORDINGS.values()].map((events) => [events, stateAfter(events)]));

test('parts committed at any cuts add up to the same bytes', () => {
  fc.assert(
    fc.property(
      anyRecording,
      fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 }),
      (events, cuts) => {
        const partition = createPartition(QUICK);
        const stored = new Map<string, string>();
        const commit = () => {
          const { set, remove } = takeDirty(partition);
          for (const name of remove) stored.delete(name);
          for (const [name, bytes] of set) stored.set(name, Buffer.from(bytes).toString('hex'));
        };
        events.forEach((event, i) => {
          if (cuts.includes(i)) commit();
          foldEvent(partition, event, null);
        });
        commit();
        expect(stored).toEqual(EXPECTED.get(events));
      },
    ),
    { numRuns: 12 },
  );
});

test('a restart from the stored parts at any record changes neither state nor findings', () => {
  fc.assert(
    fc.property(
      anyRecording,
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
      (events, cuts) => {
        const straight = foldAll(createPartition(QUICK), events);
        let partition = createPartition(QUICK);
        const stored = new Map<string, Uint8Array>();
        const findings = [];
        for (const [i, event] of events.entries()) {
          if (cuts.includes(i)) {
            const { set, remove } = takeDirty(partition);
            for (const name of remove) stored.delete(name);
            for (const [name, bytes] of set) stored.set(name, bytes);
            findings.push(...takeFindings(partition));
            partition = restorePartition(QUICK, stored);
          }
          foldEvent(partition, event, null);
        }
        findings.push(...takeFindings(partition));
        const { set, remove } = takeDirty(partition);
        for (const name of remove) stored.delete(name);
        for (const [name, bytes] of set) stored.set(name, bytes);
        const hex = new Map([...stored].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));
        expect(hex).toEqual(EXPECTED.get(events));
        expect(findings).toEqual(takeFindings(straight));
      },
    ),
    { numRuns: 12 },
  );
});

/** Each source keeps its own order, but is held up by up to five seconds of event time as chance has it. */
function interleave(events: readonly Event[], delaysMs: readonly number[]): Event[] {
  const arrival = new Map<string, number>();
  const timed = events.map((event, i) => {
    const delayed = event.timeMs + delaysMs[i % delaysMs.length]!;
    const at = Math.max(arrival.get(event.source) ?? 0, delayed);
    arrival.set(event.source, at);
    return { event, at };
  });
  return timed.sort((a, b) => a.at - b.at).map(({ event }) => event);
}

test('any interleaving of sources within the lateness gives the same bytes', () => {
  fc.assert(
    fc.property(
      anyRecording,
      fc.array(fc.integer({ min: 0, max: 4900 }), { minLength: 1, maxLength: 200 }),
      (events, delaysMs) => {
        expect(stateAfter(interleave(events, delaysMs))).toEqual(EXPECTED.get(events));
      },
    ),
    { numRuns: 40 },
  );
});

test('records sent twice are counted as duplicates and change nothing else', () => {
  const events = RECORDINGS.get('deploy-epsilon')!;
  fc.assert(
    fc.property(fc.array(fc.nat({ max: events.length - 1 }), { minLength: 1, maxLength: 50 }), (again) => {
      const repeated = new Set(again);
      const partition = createPartition(QUICK);
      for (const [i, event] of events.entries()) {
        foldEvent(partition, event, null);
        if (repeated.has(i)) foldEvent(partition, event, null);
      }
      const model = [...partition.models.values()][0]!;
      expect(model.duplicates).toBe(repeated.size);
      model.duplicates = 0;
      const state = stateOf(partition);
      const expected = new Map(EXPECTED.get(events)!);
      // How many records were seen is part of two heads; everything else is the same.
      for (const name of ['head', [...expected.keys()].find((n) => /^[^/]+\/head$/.test(n))!]) {
        state.delete(name);
        expected.delete(name);
      }
      expect(state).toEqual(expected);
    }),
    { numRuns: 8 },
  );
});
