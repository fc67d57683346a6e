/** Recordings → what the demo sends: times and boots stamped anew, one model a story, a reference pinned first. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decode } from '../../core/decode/index.ts';
import { createPartition, exportReferences, finishPartition, foldEvent } from '../../core/fold.ts';
import { exportReference } from '../../core/reference.ts';
import type { Settings } from '../../core/settings.ts';
import { formatTime, parseTime } from '../../core/time.ts';
import type { Story } from './stories.ts';

/** One event of a story, not yet stamped. `offsetMs` counts from the story's first event. */
export interface Line {
  readonly offsetMs: number;
  readonly event: Readonly<Record<string, unknown>>;
}

export interface Script {
  readonly story: Story;
  readonly lines: readonly Line[];
  readonly lengthMs: number;
}

export function readScript(folder: string, story: Story): Script {
  const events = readLines(join(folder, story.file)).map((line) => JSON.parse(line));
  const times = events.map((event) => parseTime(event.time));
  const startMs = Math.min(...times);
  const lines = events.map((event, i) => ({ offsetMs: times[i]! - startMs, event }));
  return { story, lines, lengthMs: Math.max(...times) - startMs };
}

/** `baseline export` of a recording's first stream, as base64. */
export function referenceOf(folder: string, file: string, settings: Settings): string {
  const partition = createPartition(settings);
  for (const line of readLines(join(folder, file))) {
    const decoded = decode(Buffer.from(line));
    if (decoded.ok) foldEvent(partition, decoded.event, null);
  }
  finishPartition(partition);
  const [first] = exportReferences(partition);
  if (first === undefined) throw new Error(`${file} has too few ticks for a reference`);
  return Buffer.from(exportReference(first.reference)).toString('base64');
}

/** The event at its place in a telling of the story that begins at `startMs`. */
export function stamp(line: Line, model: string, boot: string, startMs: number): Uint8Array {
  const time = formatTime(startMs + line.offsetMs);
  return Buffer.from(JSON.stringify({ ...line.event, time, boot, model }));
}

/** The record that makes the shipped baseline the reference of a story's model. */
export function pinLine(script: Script, data: string): Line {
  const event = {
    v: 1,
    kind: 'baseline',
    window_ms: 0,
    version: 'v1',
    source: 'normwatch-demo',
    seq: 0,
    action: 'pin',
    reference: 'shipped-baseline',
    from_version: 'v1',
    data,
  };
  return { offsetMs: Math.min(0, script.lines[0]?.offsetMs ?? 0), event };
}

/** The end of a story: every source says goodbye, so that its streams are over and not silent. */
export function farewell(script: Script): Line[] {
  const last = new Map<string, Record<string, unknown>>();
  for (const { event } of script.lines) {
    if (event.kind === 'activations') last.set(`${event.source} ${event.version}`, event);
  }
  const seqs = new Map<unknown, number>();
  for (const { event } of script.lines) seqs.set(event.source, Number(event.seq));
  return [...last.values()].map((event) => {
    const seq = seqs.get(event.source)! + 1;
    seqs.set(event.source, seq);
    const { v, version, source } = event;
    return {
      offsetMs: script.lengthMs,
      event: { v, kind: 'source', window_ms: 0, version, source, seq, status: 'stopping' },
    };
  });
}

const readLines = (path: string): string[] =>
  gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
