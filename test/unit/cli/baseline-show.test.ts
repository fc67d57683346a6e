/** `baseline show`: what is promised, read from the store or learnt from a recording; what it needs and refuses. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHARES } from '../../../agent/core/budget.ts';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';
import { recordingLines } from '../../kit/recording.ts';
import { storedInstallation } from '../../kit/stored.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const BASELINE = join(import.meta.dirname, '../../../examples/recordings/baseline.jsonl.gz');
const SHOW = ['baseline', 'show'];
/** A tenth of the shipped baseline, as text. */
const BEGINNING = recordingLines('baseline').slice(0, 360);

const json = async (words: readonly string[], stdin = '') =>
  JSON.parse((await runLine([...SHOW, ...words, '--json'], { stdin })).out);

describe('of a recording', () => {
  it('tells the promise before anything is installed, in 100 columns', async () => {
    const { code, out, err } = await runLine([...SHOW, BASELINE]);
    expect(code).toBe(0);
    expect(err).toContain('3600 events, 0 refused');
    for (const line of out.trimEnd().split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(out).toContain('at most 1/30d false pages and 1/7d false tickets');
    expect(out).toMatch(/known +60 ticks \(10 min\), 1800 flushes, \d+ requests; 13 layers, 52 statistics/);
    expect(out).toMatch(/pages +one false page in 30 days promised; activation_mean and activation_variance/);
    for (const [name, share] of Object.entries(SHARES)) {
      expect(out).toMatch(
        new RegExp(`\\n${name} +${Math.round(share * 100)}.% +\\d+\\.\\d nats +\\d+\\.\\d nats`),
      );
    }
  });

  it('is the same as JSON, with nothing that JSON has no word for', async () => {
    const shown = await json([BASELINE]);
    expect(shown).toMatchObject({
      environment: 'default',
      model: 'minilm-l6',
      budget: { pages: '1/30d', tickets: '1/7d', outputKlNats: 0.1 },
      streams: [{ id: 'serving/v1/stable', state: 'guarded' }],
    });
    const [reference] = shown.references;
    expect(reference).toMatchObject({
      id: 'learned/v1/stable',
      kind: 'learned',
      ageMs: null,
      ticks: 60,
      flushes: 1800,
      hours: { learnt: 0, ofDay: 0 },
      streams: ['serving/v1/stable'],
    });
    const { detectors, budgets, leastEffect } = reference.promise;
    expect(detectors.map((one: { detector: string }) => one.detector)).toEqual(Object.keys(SHARES));
    for (const one of budgets) expect(one.measuredMs).toBeGreaterThanOrEqual(one.promisedMs * 0.999);
    expect(leastEffect).toMatchObject({ defaultSigmas: 0.125, statistics: 52 });
  });

  it('counts with the budget of the model as it is configured', async (t) => {
    const file = join(await tempDir(t), 'nw.yaml');
    writeFileSync(
      file,
      'kafka: { brokers: [a:1] }\nstore: { type: memory }\nbudget: { pages: 1/60d, models: { minilm-l6: { tickets: 2/1d } } }\n',
    );
    const { budget, references } = await json([BASELINE, '-c', file]);
    const [usual] = (await json([BASELINE])).references;
    expect(budget).toMatchObject({ pages: '1/60d', tickets: '1/12h' });
    const [own] = references[0].promise.detectors;
    const [before] = usual.promise.detectors;
    expect(own.pageNats - before.pageNats).toBeCloseTo(Math.log(2), 6);
    expect(own.ticketNats - before.ticketNats).toBeCloseTo(Math.log(1 / 14), 6);
  });

  it('too short to promise says so, and shows what it will', async () => {
    const { out } = await runLine([...SHOW, '-'], { stdin: BEGINNING.join('\n') });
    expect(out).toMatch(/serving\/v1\/stable +calibrating +\d+\/60 ticks, \d+\/600 flushes +none yet/);
    expect(out).toContain('learned/v1/stable, still learning: it promises this once it is complete');
    expect(out).toContain('tick to tick  not known: too few ticks in a row to tell');
    expect(out).toContain('promised by the theorem; not tried');
    expect(out).not.toContain('Measured:');
  });

  it('of several models asks for one, and takes its name', async () => {
    const stdin = [...BEGINNING, ...BEGINNING.map((line) => line.replace('"minilm-l6"', '"other"'))].join(
      '\n',
    );
    const { code, err } = await runLine([...SHOW, '-'], { stdin });
    expect(code).toBe(2);
    expectTold('usage', err);
    expect(err).toContain('default/minilm-l6, default/other');
    expect(await json(['-', '--model', 'other'], stdin)).toMatchObject({ model: 'other' });
    const unknown = await runLine([...SHOW, '-', '--model', 'third'], { stdin });
    expect(unknown.code).toBe(1);
    expectTold('model_unknown', unknown.err);
  });

  it('of nothing answers no, and one that is not there is told', async () => {
    const empty = await runLine([...SHOW, '-'], { stdin: '\n' });
    expect({ code: empty.code, out: empty.out }).toEqual({ code: 1, out: '' });
    expectTold('reference_none', empty.err);
    const missing = await runLine([...SHOW, '/nowhere.jsonl']);
    expect(missing.code).toBe(2);
    expectTold('file_missing', missing.err);
  });
});

describe('of the store', () => {
  it('tells how old the reference is, and what calibration raised and why', async (t) => {
    const { config, partition } = await storedInstallation(t, ['healthy'], (stored) => {
      for (const { references } of stored.models.values()) {
        const calibration = structuredClone(references[0]!.calibration!);
        references[0]!.calibration = calibration;
        calibration.raises.set('activation_mean', 1.5);
        const [run] = calibration.runLengths;
        Object.assign(run!, { alarms: 12, empiricalTicks: run!.promisedTicks * Math.exp(-1.5) });
      }
    });
    const [model] = partition.models.values();
    const nowMs = model!.references[0]!.createdMs + 3 * 86_400_000;
    const { out } = await runLine([...SHOW, '-c', config], { nowMs });
    expect(out).toContain('UTC, 3 days old; in use by serving/v1/stable');
    expect(out).toMatch(
      /raised +activation_mean by 1\.5 nats: the reference's own ticks gave a false ticket in [\d.]+\s+days,\s+not\s+in the promised [\d.]+ days/,
    );
    expect(out).toMatch(/\nactivation_mean +\d+.% +[\d.]+ nats +[\d.]+ nats +1\.5 nats /);
  });

  it('shows one version when asked, with its references', async (t) => {
    const { config } = await storedInstallation(t, ['deploy-epsilon']);
    const { streams } = await json(['--version', 'v2', '-c', config]);
    expect(streams.map(({ id }: { id: string }) => id)).toEqual(['serving/v2/stable']);
  });
});
