/** `backtest`: shipped recordings with their labels, days drawn from a healthy one, and what it says of mistakes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';
import { recordingLines } from '../../kit/recording.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const RECORDINGS = join(import.meta.dirname, '../../../examples/recordings');
const shipped = (name: string): string => join(RECORDINGS, `${name}.jsonl.gz`);
const LABELS = ['--labels', join(RECORDINGS, 'labels.json')];
const BASELINE = ['--baseline', shipped('baseline')];

describe('backtest', () => {
  it('judges recordings by their labels, each learning from the baseline that its label names', async () => {
    const files = ['healthy', 'deploy-epsilon', 'one-bad-pod'].map(shipped);
    const { code, out, err } = await runLine(['backtest', ...LABELS, '--json', ...files]);
    const { recordings, total, labels } = JSON.parse(out);
    expect(code).toBe(0);
    expect(recordings.map((one: { file: string }) => one.file)).toEqual(files);
    expect(recordings[0]).toMatchObject({ pages: 0, tickets: 0, incidents: [] });
    expect(recordings[0].label).toMatchObject({ expected: 'quiet', detected: false, false_incidents: 0 });
    expect(recordings[1].label).toMatchObject({
      expected: 'fault',
      onset: '2026-03-02T00:05:00.000Z',
      detected: true,
      delay: 10,
      delay_unit: 's',
      cause_expected: 'epsilon_mismatch',
      sources_right: true,
    });
    expect(recordings[2].label).toMatchObject({
      detected: true,
      sources_right: true,
      origin_layer_right: true,
    });
    expect(total.seconds).toBeCloseTo(3 * 240, -1);
    expect(total.pages.count + total.tickets.count).toBe(2);
    expect(labels).toMatchObject({ recordings: 3, faults: 2, detected: 2, missed: [] });
    expect(labels.false_incidents).toMatchObject({ count: 0, per_week: 0, per_week_low: 0 });
    // Learnt once, though three labels name it.
    expect(err.match(/baseline\.jsonl\.gz: baseline, /g)).toHaveLength(1);
  });

  it('takes --baseline instead of the one a label names', async () => {
    const [file] = [shipped('deploy-epsilon')];
    const own = await runLine(['backtest', ...LABELS, ...BASELINE, file]);
    const other = await runLine(['backtest', ...LABELS, '--baseline', shipped('training-healthy-1'), file]);
    expect(own.out).toMatch(/^faults found +1 of 1$/m);
    expect(other.err).toMatch(/training-healthy-1\.jsonl\.gz: warning: nothing to learn/);
  });

  it('counts without labels, in lines that fit a terminal', async () => {
    const files = ['healthy', 'fp16-overflow'].map(shipped);
    const { code, out } = await runLine(['backtest', ...BASELINE, ...files]);
    expect(code).toBe(0);
    expect(out).toMatch(/^RECORDING +HOURS +PAGES +TICKETS +SAYS$/m);
    expect(out).toMatch(/^fp16-overflow\.jsonl\.gz +0\.07 +1 +\d /m);
    expect(out).toMatch(/^pages +1, [\d,.]+ a week \(95 %: [\d,.]+ to [\d,.]+\)$/m);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('is all labelled recordings where none is named, training too', async () => {
    const { code, out } = await runLine(['backtest', ...LABELS, '--json']);
    const { recordings, labels } = JSON.parse(out);
    expect(code).toBe(0);
    expect(labels.recordings).toBe(recordings.length);
    const training = recordings.filter(
      (one: { label: { delay_unit: string } }) => one.label.delay_unit === 'steps',
    );
    expect(training.map((one: { file: string }) => one.file)).toContain(shipped('training-healthy-1'));
  });

  it('says which recording no label names', async () => {
    const { code, out, err } = await runLine(['backtest', ...LABELS, '-'], {
      stdin: recordingLines('healthy').slice(0, 9).join('\n'),
    });
    expect(code).toBe(0);
    expect(err).toContain('-: warning: no label names it');
    expect(out).toMatch(/^faults found +0 of 0$/m);
  });
});

describe('backtest --null-days', () => {
  const HALF_HOUR = String(30 / 1440);

  it('draws days of which it tells alarms, run length and promise, the same for the same seed', async () => {
    const words = [
      'backtest',
      '--null-days',
      HALF_HOUR,
      '--json',
      '--autocorrelation',
      '0.6',
      '--daily-cycle',
      '1',
    ];
    const { code, out } = await runLine([...words, shipped('healthy'), shipped('baseline')]);
    const { null_days } = JSON.parse(out);
    expect(code).toBe(0);
    expect(null_days).toMatchObject({
      blocks: 6,
      autocorrelation: 0.6,
      daily_cycle: 1,
      daily_mix: null,
      seed: 1,
    });
    expect(null_days.recordings).toHaveLength(2);
    expect(null_days.pooled.days).toBeCloseTo(60 / 1440, 9);
    expect(null_days.pooled.pages).toMatchObject({ promised_days: 30, days: 60 / 1440 });
    // No day counts for tickets until three are known.
    expect(null_days.pooled.tickets).toMatchObject({ promised_days: 7, days: 0, per_day_upper: null });
    expect((await runLine([...words, shipped('healthy'), shipped('baseline')])).out).toBe(out);
  });

  it('prints what follows for the budget', async () => {
    const mix = ['--daily-mix', shipped('healthy')];
    const { code, out } = await runLine([
      'backtest',
      '--null-days',
      HALF_HOUR,
      ...BASELINE,
      ...mix,
      shipped('baseline'),
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^RECORDING +DAYS +PAGES +TICKETS +OPEN HOURS +CAUSES$/m);
    expect(out).toMatch(/^pages +0 in 0\.0208 days, so at most [\d,]+ in 30 days \(95 %\)$/m);
    expect(out).toMatch(/^ +one in more than 0\.0208 days; promised one in 30$/m);
    expect(out).toMatch(/^tickets +0; no day counts yet$/m);
  });
});

describe('backtest is told', () => {
  it.each([
    [[], /name recordings, or --labels/],
    [['--null-days', '0', 'x'], /above 0/],
    [['--null-days', '1', ...LABELS], /cannot be used with/],
    [['--null-days', '1', '--autocorrelation', '1', 'x'], /below 1/],
    [['--null-days', '1', '--blocks', '1.5', 'x'], /whole number/],
  ])('%j, which is no usage', async (words, detail) => {
    const { code, err } = await runLine(['backtest', ...words]);
    expect(code).toBe(2);
    expectTold('usage', err);
    expect(err).toMatch(detail);
  });

  it('of labels that are wrong or name what is not there, all at once, with the lines', async (t) => {
    const file = join(await tempDir(t), 'labels.json');
    const entry = {
      file: 'gone.jsonl',
      cause: 'none',
      onset_s: null,
      severity: 'none',
      baseline: 'too.jsonl',
    };
    writeFileSync(file, JSON.stringify({ serving: [entry] }, null, 1));
    const { code, err } = await runLine(['backtest', '--labels', file]);
    expect(code).toBe(2);
    expectTold('labels_wrong', err);
    expect(err).toContain(`${file}:3: "file": there is no gone.jsonl`);
    expect(err).toContain(`${file}:3: "baseline" of gone.jsonl: there is no `);
  });

  it('of a recording with nothing to draw from', async () => {
    const { code, err } = await runLine(['backtest', '--null-days', '1', shipped('training-healthy-1')]);
    expect(code).toBe(2);
    expectTold('recording_unfit', err);
  });

  it('of a recording that is not there', async () => {
    const { code, err } = await runLine(['backtest', 'gone.jsonl']);
    expect(code).toBe(2);
    expectTold('file_missing', err);
  });
});
