/** Lines in, messages out: conservation over any course of things, and a log that fails in every way it can. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createIntake, type IntakeOptions } from '../../agent/flow/intake.ts';
import { type Clock, type OutgoingMessage, type Producer, SinkUnavailable } from '../../agent/flow/ports.ts';

const BASE = { v: 1, window_ms: 1_000, time: '2026-03-02T00:00:10.000Z', model: 'm', version: 'v1' };
const BODIES: Record<string, object> = {
  activations: { requests: 0 },
  nonfinite: { layer: 'l0', site: 'input', nan: 1 },
  deployment: { change: 'x' },
};
const line = (kind: string, fields: object = {}) =>
  new TextEncoder().encode(JSON.stringify({ ...BASE, kind, ...BODIES[kind], ...fields }));
const pad = (bytes: number) => ({ ignored: 'x'.repeat(bytes) });

/** Time does not pass by itself: sleepers wait for `pass` or their signal. */
function createHandClock() {
  const sleepers = new Set<() => void>();
  const clock: Clock = {
    nowMs: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(wake);
          resolve();
        };
        if (signal?.aborted) return resolve();
        sleepers.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };
  return {
    clock,
    sleepers: () => sleepers.size,
    async pass() {
      for (const wake of [...sleepers]) wake();
      await settle();
    },
  };
}
/** Lets all promises go as far as they get. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

type Fate = 'ok' | 'fail' | 'hang';
function createLog(fate: (messages: readonly OutgoingMessage[]) => Fate = () => 'ok') {
  const log = {
    held: [] as OutgoingMessage[],
    sends: 0,
    fate,
    events: () => log.held.map(({ value }) => JSON.parse(new TextDecoder().decode(value))),
    producer: {
      async send(messages) {
        log.sends += 1;
        const fate = log.fate(messages);
        if (fate === 'hang') await new Promise(() => {});
        if (fate === 'fail') throw new SinkUnavailable('no broker');
        log.held.push(...messages);
      },
      async close() {},
    } satisfies Producer,
  };
  return log;
}

function setUp(options: Partial<IntakeOptions> = {}, log = createLog()) {
  const time = createHandClock();
  const told: string[] = [];
  const intake = createIntake({
    producer: log.producer,
    clock: time.clock,
    source: 'pod-0',
    boot: 'B',
    bytesMax: 64 * 1024,
    occurrences: {
      intakeTrouble: (error) => told.push(error.message),
      intakeRecovered: () => told.push('recovered'),
      intakeDropped: (kind, why) => told.push(`${kind} ${why}`),
    },
    ...options,
  });
  return { intake, log, time, told };
}

const total = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((sum, one) => sum + one, 0);

describe('intake', () => {
  test('takes lines while the log hangs, and answers without it', async () => {
    const { intake, time } = setUp(
      {},
      createLog(() => 'hang'),
    );
    expect(intake.take(line('activations'))).toEqual({ ok: true });
    await time.pass();
    expect(intake.take(line('activations'))).toEqual({ ok: true });
    expect(intake.intakeCounters()).toMatchObject({ accepted: 2, produced: 0, bufferedEvents: 2 });
  });

  test('waits for company, then sends all that came in order, keyed by environment and model', async () => {
    const { intake, log, time } = setUp();
    for (const fields of [{}, { environment: 'staging' }, {}]) intake.take(line('activations', fields));
    await settle();
    expect(log.sends).toBe(0);
    await time.pass();
    expect(log.sends).toBe(1);
    expect(log.held.map(({ key }) => key)).toEqual(['default/m', 'staging/m', 'default/m']);
    expect(log.events().map(({ source, boot, seq }) => [source, boot, seq])).toEqual([
      ['pod-0', 'B', 0],
      ['pod-0', 'B', 0],
      ['pod-0', 'B', 1],
    ]);
  });

  test('sends at once when a batch is full', async () => {
    const { intake, log } = setUp({ flushBytes: 4_000 });
    for (let count = 0; count < 3; count++) intake.take(line('activations', pad(1_500)));
    await settle();
    expect(log.held).toHaveLength(2);
  });

  test('refuses with reason and field, and counts by reason', () => {
    const { intake } = setUp();
    expect(intake.take(new TextEncoder().encode('{'))).toMatchObject({
      ok: false,
      reason: 'not_json',
      field: null,
    });
    expect(intake.take(line('activations', { requests: -1 }))).toMatchObject({ field: 'requests' });
    expect(intake.take(new Uint8Array(2 ** 20 + 1))).toMatchObject({ reason: 'too_large' });
    expect(intake.take(line('activations', pad(50_000)))).toMatchObject({ reason: 'too_large' });
    expect(intake.intakeCounters()).toMatchObject({
      accepted: 0,
      refused: { not_json: 1, out_of_range: 1, too_large: 2 },
    });
  });

  test('keeps a copy: the caller may use its bytes again', async () => {
    const { intake, log, time } = setUp();
    const bytes = line('activations', { source: 's', boot: 'b', seq: 5 });
    intake.take(bytes);
    bytes.fill(0);
    await time.pass();
    expect(log.events()[0]).toMatchObject({ source: 's', boot: 'b', seq: 5 });
  });

  test('tries again while the log is away, loses nothing and keeps the order', async () => {
    const log = createLog(() => 'fail');
    const { intake, time, told } = setUp({}, log);
    for (let count = 0; count < 20; count++) intake.take(line('activations'));
    for (let round = 0; round < 12; round++) await time.pass();
    expect(intake.intakeCounters()).toMatchObject({ produced: 0, bufferedEvents: 20, trouble: 'no broker' });
    log.fate = () => 'ok';
    for (let round = 0; round < 12; round++) await time.pass();
    expect(log.events().map(({ seq }) => seq)).toEqual([...Array(20).keys()]);
    expect(intake.intakeCounters()).toMatchObject({ produced: 20, bufferedEvents: 0, trouble: null });
    expect(told.at(-1)).toBe('recovered');
    expect(time.sleepers()).toBe(0);
  });

  test('an event the log refuses is dropped alone; the others pass, also ones that come later', async () => {
    const isBad = ({ value }: OutgoingMessage) => new TextDecoder().decode(value).includes('poison');
    const log = createLog((messages) => (messages.some(isBad) ? 'fail' : 'ok'));
    const { intake, time, told } = setUp({}, log);
    for (let count = 0; count < 9; count++)
      intake.take(line('activations', count === 4 ? { ignored: 'poison' } : {}));
    for (let round = 0; round < 40; round++) await time.pass();
    expect(log.events().map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 5, 6, 7, 8]);
    expect(intake.intakeCounters()).toMatchObject({
      produced: 8,
      dropped: { activations: 1 },
      bufferedEvents: 0,
    });
    expect(told).toContain('activations refused');
  });

  test('full: the oldest goes, control events and notices last, counted by kind', async () => {
    const { intake, time, told } = setUp(
      {},
      createLog(() => 'hang'),
    );
    intake.take(line('deployment', pad(5_000)));
    intake.take(line('nonfinite', pad(5_000)));
    await time.pass();
    for (let count = 0; count < 40; count++) intake.take(line('activations', pad(5_000)));
    const { accepted, dropped, bufferedEvents, bufferedBytes } = intake.intakeCounters();
    expect(Object.keys(dropped)).toEqual(['activations']);
    expect(accepted).toBe(total(dropped) + bufferedEvents);
    expect(bufferedBytes).toBeLessThanOrEqual(64 * 1024);
    expect(told).toContain('activations full');
  });

  test('at the end takes nothing more, sends what waits, without waiting for company', async () => {
    const { intake, log } = setUp();
    intake.take(line('activations'));
    await intake.drain(1_000);
    expect(log.held).toHaveLength(1);
    expect(intake.take(line('activations'))).toMatchObject({ ok: false, reason: 'stopping' });
    await intake.drain(1_000);
    expect(intake.intakeCounters()).toMatchObject({ accepted: 1, produced: 1, refused: { stopping: 1 } });
  });

  test('at the end does not wait beyond the deadline, and counts what is left as dropped', async () => {
    const { intake, time, told } = setUp(
      {},
      createLog(() => 'hang'),
    );
    for (const kind of ['activations', 'nonfinite', 'activations']) intake.take(line(kind));
    await time.pass();
    const drained = intake.drain(1_000);
    await time.pass();
    await drained;
    expect(intake.intakeCounters()).toMatchObject({
      accepted: 3,
      produced: 0,
      dropped: { activations: 2, nonfinite: 1 },
      bufferedEvents: 0,
      bufferedBytes: 0,
    });
    expect(told).toContain('nonfinite stopped');
  });

  test('accepted = produced + dropped + buffered, and the log holds what was produced, over any course', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('take' as const),
        kind: fc.constantFrom(...Object.keys(BODIES)),
        bytes: fc.nat(20_000),
        good: fc.boolean(),
      }),
      fc.record({ do: fc.constant('pass' as const) }),
      fc.record({ do: fc.constant('fate' as const), fate: fc.constantFrom<Fate>('ok', 'ok', 'fail') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, hangs) => {
        let fate: Fate = 'ok';
        const log = createLog(() => fate);
        const { intake, time } = setUp({}, log);
        const check = () => {
          const counters = intake.intakeCounters();
          expect(counters.accepted).toBe(
            counters.produced + total(counters.dropped) + counters.bufferedEvents,
          );
          expect(counters.bufferedBytes).toBeLessThanOrEqual(64 * 1024);
        };
        for (const one of steps) {
          if (one.do === 'take') intake.take(one.good ? line(one.kind, pad(one.bytes)) : line('unheard-of'));
          else if (one.do === 'fate') fate = one.fate;
          else await time.pass();
          check();
          expect(log.held).toHaveLength(intake.intakeCounters().produced);
        }
        if (hangs) fate = 'hang';
        const drained = intake.drain(1_000);
        await time.pass();
        await time.pass();
        await drained;
        check();
        expect(intake.intakeCounters().bufferedEvents).toBe(0);
        // An answer that comes after the deadline is not counted any more.
        expect(log.held.length).toBeGreaterThanOrEqual(intake.intakeCounters().produced);
        // What did arrive is in order, each event once.
        const seqs = log.events().map(({ seq }) => seq);
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });
});
