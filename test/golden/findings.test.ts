/**
 * The shipped recordings through the fold, each in a state of its own that knows the shipped baseline. The lines are
 * files to read (UPDATE_GOLDEN=1 writes them anew); what must be true of them whatever they say is in the labels.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPartition, finishPartition, takeFindings } from '../../agent/core/fold.ts';
import type { FindingLine } from '../../agent/core/incident.ts';
import { DEFAULT_SETTINGS } from '../../agent/core/settings.ts';
import labels from '../../examples/recordings/labels.json' with { type: 'json' };
import { foldAll, partitionWithBaseline, recording } from '../kit/recording.ts';

const FOLDER = new URL('findings/', import.meta.url);
const PODS = ['pod-0', 'pod-1', 'pod-2'];
/** An incident opens at most this long after its onset. */
const DELAY_MS_MAX = 60_000;
/** Detectors estimate an onset to a tick. */
const ONSET_MS_OFF = 10_000;

const nameOf = (file: string): string => file.replace('.jsonl.gz', '');
const SERVING = labels.serving.map((label) => ({ ...label, name: nameOf(label.file) }));
const TRAINING = labels.training.map((label) => ({ ...label, name: nameOf(label.file) }));

function replay(name: string, withBaseline: boolean): FindingLine[] {
  const partition = withBaseline ? partitionWithBaseline() : createPartition(DEFAULT_SETTINGS);
  foldAll(partition, recording(name));
  finishPartition(partition);
  return takeFindings(partition);
}

const LINES = new Map<string, readonly FindingLine[]>([
  ...SERVING.map(({ name, baseline }) => [name, replay(name, baseline !== null)] as const),
  ...TRAINING.map(({ name }) => [name, replay(name, false)] as const),
]);

describe.each([...LINES])('findings of %s', (name, lines) => {
  const path = new URL(`${name}.jsonl`, FOLDER);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');

  it('are those of the file', () => {
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
    expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : null);
  });
});

describe.each(SERVING)('$name, by its label', ({ name, onset, layers, sources, cause }) => {
  const lines = LINES.get(name)!;
  const opened = lines.filter(({ event }) => event === 'opened');

  if (cause === 'none') {
    it('says nothing', () => expect(lines).toEqual([]));
    return;
  }

  it('opens one incident within a minute after the onset, and says nothing before', () => {
    expect(opened).toHaveLength(1);
    const delayMs = Date.parse(opened[0]!.time as string) - Date.parse(onset!);
    expect(delayMs).toBeGreaterThanOrEqual(0);
    expect(delayMs).toBeLessThanOrEqual(DELAY_MS_MAX);
    expect(Math.abs(Date.parse(opened[0]!.onset as string) - Date.parse(onset!))).toBeLessThanOrEqual(
      ONSET_MS_OFF,
    );
  });

  it('names the layer where it began, and in the end the sources that have it', () => {
    for (const line of lines) expect((line.layers as string[])[0]).toBe(layers[0]);
    const all = sources.length === PODS.length;
    expect(lines.at(-1)!.sources).toEqual(all ? [] : sources);
  });
});

it('an epsilon that came with a deployment is told as of that rollout', () => {
  expect(LINES.get('deploy-epsilon')![0]).toMatchObject({
    version: 'v2',
    scope: 'rollout',
    deployment: { version: 'v2', minutes: 0 },
  });
});

it('an fp16 overflow pages at once, with its cause', () => {
  expect(LINES.get('fp16-overflow')![0]).toMatchObject({ severity: 'page', cause: 'fp16_overflow' });
});

describe.each(TRAINING)('$name, by its label', ({ name, onset_step, evidence_step }) => {
  it('says nothing before the data shows it', () => {
    for (const line of LINES.get(name)!) expect(line.step).toBeGreaterThanOrEqual(evidence_step ?? Infinity);
  });

  if (onset_step === null) return;

  it('tells of the step at which it happened, with a page', () => {
    expect(LINES.get(name)![0]).toMatchObject({ event: 'opened', step: onset_step, severity: 'page' });
  });
});

it('every recording has its file, and every file its recording', () => {
  const files = readdirSync(FOLDER).map((file) => file.replace('.jsonl', ''));
  expect(files.sort()).toEqual([...LINES.keys()].sort());
});
