/** Shipped recordings of real faults, whose pods also declare what they run: one finding tells what both show. */
import { describe, expect, it } from 'vitest';
import { finishPartition, takeFindings } from '../../../agent/core/fold.ts';
import type { FindingLine } from '../../../agent/core/incident.ts';
import { eventOf, foldAll, onlyModel, partitionWithBaseline, recordingLines } from '../../kit/recording.ts';

type Line = Readonly<Record<string, unknown>>;

const FAULT_MS = Date.parse('2026-03-02T00:05:00.001Z');

/** The fault comes with a version, or at a time. */
const isFaulty = (name: string, { version, time }: Line): boolean =>
  name.startsWith('deploy') ? version === 'v2' : Date.parse(String(time)) >= FAULT_MS;

/** The layers of the recording as a source declares them; `faulty` changes the columns once the fault is there. */
function declaration(line: Line, layers: string[], faulty: (columns: Columns) => void): Line {
  const columns: Columns = {
    norm: layers.map(() => 'layernorm'),
    epsilon: layers.map(() => 1e-12),
    affine: layers.map(() => true),
    dtype: layers.map(() => 'float32'),
  };
  faulty(columns);
  const { v, time, model, version, source, boot } = line;
  return { v, kind: 'manifest', time, window_ms: 0, model, version, source, boot, layers, ...columns };
}

interface Columns {
  readonly norm: string[];
  readonly epsilon: number[];
  readonly affine: boolean[];
  readonly dtype: string[];
}

/** Every pod declares something with its first flush, and again with the first after the fault. */
function play(
  name: string,
  faulty: (columns: Columns, source: string, layers: string[]) => void,
): FindingLine[] {
  const seqs = new Map<unknown, number>();
  const heard = new Set<string>();
  const lines = recordingLines(name).flatMap((text): Line[] => {
    const line: Line = JSON.parse(text);
    const key = `${line.version} ${line.source} ${isFaulty(name, line)}`;
    if (line.kind !== 'activations' || heard.has(key)) return [line];
    heard.add(key);
    const layers = line.layers as string[];
    const change = (columns: Columns) => {
      if (isFaulty(name, line)) faulty(columns, String(line.source), layers);
    };
    return [declaration(line, layers, change), line];
  });
  const partition = partitionWithBaseline();
  const events = lines.map((line) => {
    const seq = seqs.get(line.source) ?? 0;
    seqs.set(line.source, seq + 1);
    return eventOf(new TextEncoder().encode(JSON.stringify({ ...line, seq })));
  });
  foldAll(partition, events);
  finishPartition(partition);
  expect(onlyModel(partition).duplicates).toBe(0);
  return takeFindings(partition);
}

const opened = (lines: readonly FindingLine[]) => lines.filter(({ event }) => event === 'opened');

describe('a recording whose pods declare', () => {
  it('another epsilon in the new version: one finding, with the value', () => {
    const layer = 'encoder.layer.2.output.LayerNorm';
    const told = play('deploy-epsilon', ({ epsilon }, _, layers) => {
      epsilon[layers.indexOf(layer)] = 0.05;
    });
    expect(opened(told)).toMatchObject([
      {
        version: 'v2',
        cause: 'epsilon_mismatch',
        confidence: 0.98,
        layers: [layer],
        sources: [],
        scope: 'rollout',
        evidence: { declared_epsilon: 0.05, expected_epsilon: 1e-12 },
      },
    ]);
    expect(told.at(-1)!.detectors).toEqual(expect.arrayContaining(['manifest']));
  });

  it('gamma and beta missing in one pod: one finding, naming it', () => {
    const layer = 'encoder.layer.3.attention.output.LayerNorm';
    const told = play('one-bad-pod', ({ affine }, source, layers) => {
      if (source === 'pod-2') affine[layers.indexOf(layer)] = false;
    });
    expect(opened(told)).toMatchObject([
      { cause: 'missing_affine', layers: [layer], sources: ['pod-2'], scope: 'source', severity: 'page' },
    ]);
  });

  it('what they always did, while all is well: nothing', () => {
    expect(play('healthy', () => {})).toEqual([]);
  });
});
