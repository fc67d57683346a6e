/** Incidents from signals: the lines that are told, in order, for made-up ticks of one stream. */
import { describe, expect, it } from 'vitest';
import { decodeBytes, encode } from '../../../agent/core/codec.ts';
import { type IncidentBook, incidentCodec } from '../../../agent/core/incident.ts';
import { endIncident, openIncident } from '../../../agent/core/lifecycle.ts';
import { formatTime } from '../../../agent/core/time.ts';
import { DAY, HOUR, MINUTE, T0 } from '../../kit/events.ts';
import {
  eventsOf,
  FIRST,
  type Named,
  newBook,
  play,
  QUIET,
  signal,
  subjectOf,
  tick,
  times,
} from '../../kit/incidents.ts';
import { TICK_MS } from '../../kit/ticks.ts';

/** The keys of an incident line, in the order that others build on. */
const KEYS = [
  'event',
  'id',
  'time',
  'onset',
  'watermark',
  'environment',
  'model',
  'version',
  'role',
  'run',
  'step',
  'checkpoint',
  'severity',
  'detectors',
  'cause',
  'confidence',
  'layers',
  'sources',
  'scope',
  'deployment',
  'suppressed',
  'reopened',
  'evidence',
  'message',
];

describe('an incident line', () => {
  it('has exactly the keys of the contract, in their order', () => {
    const [line] = tick(newBook(), 0, [signal()]);
    expect(Object.keys(line!)).toEqual(KEYS);
  });

  it('says when, what, where and since when', () => {
    const deployments = [
      { timeMs: T0 - 5 * MINUTE, version: 'v1', previousVersion: 'v0', checkpoint: null, change: null },
    ];
    const [line] = tick(newBook({ deployments }), 0, [signal({ confidence: 0.5, cause: 'input_shift' })]);
    expect(line).toEqual({
      event: 'opened',
      id: line!.id,
      time: formatTime(T0 + TICK_MS),
      onset: formatTime(T0),
      watermark: formatTime(T0 + TICK_MS + 5_000),
      environment: 'default',
      model: 'm',
      version: 'v1',
      role: 'stable',
      run: null,
      step: null,
      checkpoint: 'ck-1',
      severity: 'ticket',
      detectors: ['activation_variance'],
      cause: 'input_shift',
      confidence: 0.5,
      layers: ['b'],
      sources: [],
      scope: 'rollout',
      deployment: { version: 'v1', minutes: 5 },
      suppressed: null,
      reopened: false,
      evidence: { shift: 2 },
      message: 'm v1: something is off since 00:00:00 UTC, 5 min after v1 was deployed',
    });
  });
});

describe('an incident', () => {
  it('opens once, stays open while signals come, and resolves after three quiet minutes', () => {
    const book = newBook();
    const lines = play(book, [[signal()], ...times(20, [signal()]), ...times(17, QUIET)]);
    expect(eventsOf(lines)).toEqual(['opened']);
    const [end] = tick(book, 38, QUIET);
    expect(end).toMatchObject({ event: 'resolved', id: lines[0]!.id, time: formatTime(T0 + 39 * TICK_MS) });
    expect(play(book, times(30, QUIET), 39)).toEqual([]);
  });

  it('does not flap when signals come and go', () => {
    const book = newBook();
    const pattern = [[signal()], QUIET, QUIET, [signal()], ...times(17, QUIET)];
    expect(eventsOf(play(book, times(20, pattern).flat()))).toEqual(['opened']);
  });

  it('is told again when its severity rises, and keeps it', () => {
    const lines = play(newBook(), [
      [signal()],
      [signal({ severity: 'page' })],
      [signal()],
      [signal({ severity: 'page' })],
      [signal()],
    ]);
    expect(lines.map(({ event, severity }) => [event, severity])).toEqual([
      ['opened', 'ticket'],
      ['changed', 'page'],
    ]);
  });

  it('comes back with the same id within a day, no less severe than it was', () => {
    const book = newBook();
    const [opened] = play(book, [[signal({ severity: 'page' })], ...times(18, QUIET)]);
    const resolvedAt = 18;
    const later = resolvedAt + DAY / TICK_MS;
    const [reopened] = tick(book, later, [signal()]);
    expect(reopened).toMatchObject({ event: 'opened', id: opened!.id, reopened: true, severity: 'page' });
    expect(book.incidents).toHaveLength(1);
    const [resolved] = play(book, times(18, QUIET), later + 1);
    expect(resolved).toMatchObject({ event: 'resolved', id: opened!.id });
  });

  it.each([
    ['after more than a day', 19 + DAY / TICK_MS, {}],
    ['at another layer', 100, { layer: 2 }],
    ['by another detector', 100, { detector: 'activation_mean' }],
  ])('is a new one %s', (_, at, given) => {
    const book = newBook();
    const [opened] = play(book, [[signal()], ...times(18, QUIET)]);
    const [other] = tick(book, at, [signal(given)]);
    expect(other).toMatchObject({ event: 'opened', reopened: false });
    expect(other!.id).not.toBe(opened!.id);
  });

  it('that was accepted does not come back', () => {
    const book = newBook();
    const [opened] = tick(book, 0, [signal()]);
    const end = { timeMs: T0 + MINUTE, tick: FIRST + 6, step: null, watermarkMs: T0 };
    expect(endIncident(book, book.incidents[0]!, 'accepted', end)).toMatchObject({ event: 'resolved' });
    const [other] = tick(book, 20, [signal()]);
    expect(other!.reopened).toBe(false);
    expect(other!.id).not.toBe(opened!.id);
  });

  it('has the same id in every replay, and another in another tick, stream, model or detector', () => {
    const idOf = (book: IncidentBook, at: number, named: Named, subject = subjectOf()) =>
      tick(book, at, [named], { subject })[0]!.id;
    const ids = [
      idOf(newBook(), 0, signal()),
      idOf(newBook(), 1, signal()),
      idOf(newBook({ model: 'other' }), 0, signal()),
      idOf(newBook({ environment: 'staging' }), 0, signal()),
      idOf(newBook(), 0, signal({ detector: 'activation_mean' })),
      idOf(newBook(), 0, signal(), subjectOf({ id: 'serving/v2/stable' })),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(idOf(newBook(), 0, signal())).toBe(ids[0]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is one for all signals of a family in a stream, led by the first layer in forward order', () => {
    const book = newBook();
    const lines = play(book, [
      [
        signal({ layer: 2, detector: 'activation_mean', evidence: { mean: 1 } }),
        signal({ layer: 0, site: 'output', evidence: { variance: 1 } }),
        signal({ layer: 0, site: 'input', detector: 'activation_mean', says: 'the first' }),
        signal({
          layer: -1,
          detector: 'output_divergence',
          unit: 'nats',
          effect: 0.3,
          evidence: { kl: 0.3 },
        }),
      ],
      [signal({ layer: 2, detector: 'activation_mean' })],
    ]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      layers: ['a'],
      detectors: ['activation_mean', 'activation_variance', 'output_divergence'],
      evidence: { mean: 1, variance: 1, kl: 0.3 },
    });
    expect(lines[0]!.message).toContain('the first');
    expect(book.incidents[0]).toMatchObject({ effect: 0.3, unit: 'nats' });
  });

  it('keeps families and streams apart', () => {
    const book = newBook();
    const v2 = subjectOf({ id: 'serving/v2/stable', version: 'v2' });
    tick(book, 0, [signal()]);
    tick(book, 0, [signal({ detector: 'silent_source', layer: -1 })], { family: 'telemetry' });
    tick(book, 0, [signal()], { subject: v2 });
    expect(book.incidents).toHaveLength(3);
    expect(openIncident(book, v2, 'drift')!.version).toBe('v2');
    expect(openIncident(book, v2, 'telemetry')).toBeUndefined();
  });

  it('of telemetry is over as soon as the source is heard again', () => {
    const book = newBook();
    const family = 'telemetry';
    const silent = signal({ detector: 'silent_source', layer: -1, sources: ['pod-1'], unit: 'ms' });
    expect(eventsOf(tick(book, 0, [silent], { family }))).toEqual(['opened']);
    expect(eventsOf(tick(book, 1, [silent], { family }))).toEqual([]);
    expect(eventsOf(tick(book, 2, [], { family }))).toEqual(['resolved']);
  });
});

describe('the book', () => {
  it('keeps the newest hundred, and open ones before closed ones', () => {
    const book = newBook();
    const stays = subjectOf({ id: 'serving/stays/stable' });
    tick(book, 0, [signal()], { subject: stays });
    for (let i = 1; i <= 150; i++) {
      const subject = subjectOf({ id: `serving/v${i}/stable` });
      const [opened] = tick(book, i, [signal()], { subject });
      expect(opened!.event).toBe('opened');
      const decision = { timeMs: T0 + i * TICK_MS, tick: i, step: null, watermarkMs: T0 };
      endIncident(book, openIncident(book, subject, 'drift')!, 'resolved', decision);
    }
    expect(book.incidents).toHaveLength(100);
    expect(openIncident(book, stays, 'drift')).toBeDefined();
    expect(book.incidents.some((i) => i.stream === 'serving/v150/stable')).toBe(true);
    expect(book.incidents.some((i) => i.stream === 'serving/v2/stable')).toBe(false);
  });

  it('comes back from its bytes', () => {
    const book = newBook({ maintenanceUntilMs: T0 + HOUR });
    tick(book, 0, [signal({ sources: ['pod-1'], evidence: { text: 'ä', n: 1.5 } })]);
    const [incident] = book.incidents;
    expect(decodeBytes(incidentCodec, encode(incidentCodec, incident!))).toEqual(incident);
  });
});
