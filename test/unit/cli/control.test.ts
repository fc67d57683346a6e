/** Control events as they would be sent: what --dry-run prints is what the agent's decode takes. */
import { describe, expect, it } from 'vitest';
import { decode } from '../../../agent/core/decode/index.ts';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';

const NOW_MS = Date.parse('2026-03-02T12:00:00.000Z');
const MODEL = ['--model', 'minilm-l6', '--dry-run'];

async function eventOf(words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await runLine(words, { nowMs: NOW_MS });
  expect({ code, err }).toEqual({ code: 0, err: 'nothing was sent (--dry-run)\n' });
  expect(decode(new TextEncoder().encode(out), new Map())).toMatchObject({ ok: true });
  return JSON.parse(out);
}

describe('a control event', () => {
  it('has all that every event must have, and a boot of its own', async () => {
    const words = ['deployment', 'announce', ...MODEL, '--environment', 'staging', '--version', 'v2'];
    const first = await eventOf(words);
    expect(first).toMatchObject({
      v: 1,
      kind: 'deployment',
      time: '2026-03-02T12:00:00.000Z',
      window_ms: 0,
      environment: 'staging',
      model: 'minilm-l6',
      version: 'v2',
      role: 'stable',
      seq: 0,
    });
    expect(first.source).toMatch(/^cli@/);
    expect((await eventOf(words)).boot).not.toBe(first.boot);
  });

  it('says of a deployment what was given, and nothing else', async () => {
    const words = ['deployment', 'announce', ...MODEL, '--version', 'v2', '--role', 'canary'];
    const more = ['--previous-version', 'v1', '--checkpoint', 'c7', '--change', 'new runtime'];
    expect(await eventOf([...words, ...more])).toMatchObject({
      role: 'canary',
      previous_version: 'v1',
      checkpoint: 'c7',
      change: 'new runtime',
    });
    expect(Object.keys(await eventOf(words))).not.toContain('checkpoint');
  });

  it('opens a maintenance window for a span or until a time, an hour by default', async () => {
    const start = ['maintenance', 'start', ...MODEL, '--reason', 'driver'];
    expect(await eventOf(start)).toMatchObject({ until: '2026-03-02T13:00:00.000Z', reason: 'driver' });
    expect(await eventOf([...start, '--for', '24h'])).toMatchObject({ until: '2026-03-03T12:00:00.000Z' });
    const until = await eventOf([...start, '--until', '2026-03-02T20:00:00+02:00']);
    expect(until).toMatchObject({ until: '2026-03-02T18:00:00.000Z' });
  });

  it('ends a maintenance window at its own time', async () => {
    const event = await eventOf(['maintenance', 'end', ...MODEL]);
    expect(event).toMatchObject({ kind: 'maintenance', until: event.time });
  });

  it('pins, unpins and relearns', async () => {
    const version = ['--version', 'v1'];
    const range = [
      '--since',
      '2026-03-01T00:00:00Z',
      '--until',
      '2026-03-02T00:00:00Z',
      '--reference',
      'march',
    ];
    expect(await eventOf(['baseline', 'pin', ...MODEL, ...version, ...range])).toMatchObject({
      action: 'pin',
      reference: 'march',
      since: '2026-03-01T00:00:00.000Z',
      until: '2026-03-02T00:00:00.000Z',
    });
    const unpin = await eventOf(['baseline', 'unpin', ...MODEL, ...version, '--reference', 'march']);
    expect(unpin).toMatchObject({ action: 'unpin', reference: 'march' });
    const relearn = await eventOf(['baseline', 'relearn', ...MODEL, ...version]);
    expect(relearn).toMatchObject({ action: 'relearn', since: '2026-03-02T12:00:00.000Z' });
  });

  it('that the agent would refuse is not sent, and the field is named', async () => {
    const start = ['maintenance', 'start', ...MODEL, '--reason', 'x', '--until', '2026-03-09T00:00:00Z'];
    const { code, out, err } = await runLine(start, { nowMs: NOW_MS });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expectTold('event_refused', err);
    expect(err).toMatch(/out_of_range in "until".*24 hours/);
  });
});
