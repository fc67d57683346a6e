/** Slow ops and slow requests from events to incidents, and shipped recordings in which nothing is slow. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../agent/core/decode/event.ts';
import { finishPartition, foldEvent, takeFindings, viewPartition } from '../../../agent/core/fold.ts';
import type { FindingLine } from '../../../agent/core/incident.ts';
import { MINUTE, SECOND } from '../../kit/events.ts';
import { createFleet, type Fleet } from '../../kit/fleet.ts';
import { partitionWithBaseline, recording } from '../../kit/recording.ts';

const op = (factor: number) => ({
  given: { tokens: 300, op: { count: [10, 10], time_ns: [factor * 500_000, factor * 600_000] } },
});
const detectorsOf = (line: FindingLine): string[] => (line.detectors as string[]).toSorted();
const latency = (told: readonly FindingLine[]): FindingLine[] =>
  told.filter((line) => detectorsOf(line).some((name) => name.endsWith('_latency')));
const msOf = (time: unknown): number => Date.parse(String(time));

/** A fleet that is calibrated, and has thirty ticks of op times and requests behind it. */
function calibrated(): Fleet {
  const fleet = createFleet({
    settings: { ...createFleet().partition.settings, calibration: { ticks: 36, flushes: 60 } },
  });
  for (let i = 0; i < 40; i++) playTick(fleet, 1, 1);
  return fleet;
}

/** Ten seconds with the op, and requests, so many times as long. */
function playTick(fleet: Fleet, opFactor: number, requestFactor: number): FindingLine[] {
  const told = fleet.play(10 * SECOND, op(opFactor));
  const offset = -16 + Math.round(4 * Math.log2(requestFactor));
  const histogram = { scale: 2, zero_count: 0, positive: { offset, counts: [60, 30, 8, 2] } };
  for (const pod of ['pod-0', 'pod-1', 'pod-2']) {
    const body = { window_ms: 10_000, count: 100, errors: 0, latency: histogram };
    told.push(...fleet.send('requests', body, pod));
  }
  return told;
}

describe('a fleet', () => {
  it('opens a ticket about ops that take twice as long, within a minute of it', () => {
    const fleet = calibrated();
    const onsetMs = fleet.nowMs;
    const told: FindingLine[] = [];
    for (let i = 0; i < 8; i++) told.push(...playTick(fleet, 2, 1));
    const [opened] = latency(told);
    expect(opened).toMatchObject({
      event: 'opened',
      severity: 'ticket',
      detectors: ['op_latency'],
      cause: 'latency_regression',
      scope: 'unknown',
      layers: [],
      sources: [],
    });
    expect(msOf(opened!.time) - onsetMs).toBeLessThanOrEqual(MINUTE);
    expect(msOf(opened!.onset)).toBe(onsetMs);
    // Twice, to a bin of an eighth of an octave.
    const { value, unit } = fleet.model().incidents[0]!.effect!;
    expect(unit).toBe('ratio');
    expect(Math.abs(Math.log2(value) - 1)).toBeLessThan(1 / 8);
  });

  it('lays it to the deployment that came before, and pages when requests feel it for a minute', () => {
    const fleet = calibrated();
    fleet.send('deployment', { version: 'v1', previous_version: 'v0', change: 'another kernel' });
    const told: FindingLine[] = [];
    for (let i = 0; i < 10; i++) told.push(...playTick(fleet, 3, 3));
    const lines = latency(told);
    expect(lines[0]).toMatchObject({ event: 'opened', severity: 'ticket', scope: 'rollout' });
    expect(lines.at(-1)).toMatchObject({ severity: 'page', scope: 'rollout' });
    expect(detectorsOf(lines.at(-1)!)).toEqual(['op_latency', 'request_latency']);
    // Well again, it resolves.
    const after: FindingLine[] = [];
    for (let i = 0; i < 60; i++) after.push(...playTick(fleet, 1, 1));
    expect(latency(after).map(({ event }) => event)).toContain('resolved');
  });

  it('says nothing when op times and requests are no longer told', () => {
    const fleet = calibrated();
    expect(latency(fleet.play(3 * MINUTE))).toEqual([]);
    const evidence = fleet.stream().evidence.filter(({ detector }) => detector.endsWith('_latency'));
    expect(evidence.map(({ nats }) => nats)).toEqual([0, 0]);
  });
});

const slowed = (event: Event, factor: number): Event =>
  event.kind === 'activations' && event.op?.time_ns !== undefined
    ? { ...event, op: { ...event.op, time_ns: event.op.time_ns.map((t) => t && Math.round(t * factor)) } }
    : event;

describe('the shipped healthy recording', () => {
  const events = recording('healthy');
  const middleMs = (events[0]!.timeMs + events.at(-1)!.timeMs) / 2;

  function replay(factor: number) {
    const partition = partitionWithBaseline();
    for (const event of events)
      foldEvent(partition, event.timeMs < middleMs ? event : slowed(event, factor), null);
    finishPartition(partition);
    return { told: latency(takeFindings(partition)), view: viewPartition(partition).models[0]!.streams[0]! };
  }

  it('has op times, which are counted, and no latency incident', () => {
    const { told, view } = replay(1);
    expect(told).toEqual([]);
    expect(view.latency.ops).toHaveLength(13);
    expect(view.latency.ops.every(({ durations }) => durations.seconds > 0)).toBe(true);
    expect(view.latency.requests).toBeGreaterThan(1_000);
  });

  it('has one within a minute when real op times are doubled', () => {
    const [opened] = replay(2).told;
    expect(opened).toMatchObject({ event: 'opened', detectors: ['op_latency'], severity: 'ticket' });
    expect(msOf(opened!.time) - middleMs).toBeLessThanOrEqual(75_000);
  });
});
