/**
 * Cuts a shorter recording out of a longer one:
 *
 *     node examples/cut.ts INPUT [--sources pod-0,pod-1] [--without channels] [--from S] [--to S] --out FILE
 *
 * Seconds count from the start of the recording's first flush. Sources named by `--sources` stay, and so does whoever
 * sends control events (a deployment concerns all). Where events are left out, `seq` is numbered anew per source and
 * boot, because a gap would count as loss; nothing else is touched.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';

export interface Cut {
  /** Null keeps all. */
  readonly sources: readonly string[] | null;
  readonly without: readonly string[];
  readonly fromS: number;
  readonly toS: number;
}

interface Head {
  readonly kind: string;
  readonly time: string;
  readonly window_ms: number;
  readonly source: string;
  readonly boot?: string;
  readonly seq: number;
}

const CONTROL = ['deployment', 'baseline', 'maintenance'];

export function cut(lines: readonly string[], { sources, without, fromS, toS }: Cut): string[] {
  const first = headOf(lines[0] ?? '');
  const startMs = Date.parse(first.time) - first.window_ms;
  const kept: string[] = [];
  const nextSeq = new Map<string, number>();
  for (const line of lines) {
    const head = headOf(line);
    const sinceS = (Date.parse(head.time) - startMs) / 1_000;
    if (sinceS <= fromS || sinceS > toS || without.includes(head.kind)) continue;
    if (sources !== null && !sources.includes(head.source) && !CONTROL.includes(head.kind)) continue;
    const sender = `${head.source}/${head.boot ?? ''}`;
    const seq = nextSeq.get(sender) ?? 0;
    nextSeq.set(sender, seq + 1);
    kept.push(renumbered(line, head.seq, seq));
  }
  return kept;
}

const headOf = (line: string): Head => JSON.parse(line) as Head;

/** In the text, so that every other number keeps the digits it was written with. */
function renumbered(line: string, from: number, to: number): string {
  const written = `"seq":${from},`;
  const at = line.indexOf(written);
  if (at < 0) throw new Error(`no ${written} in ${line.slice(0, 200)}`);
  return `${line.slice(0, at)}"seq":${to},${line.slice(at + written.length)}`;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sources: { type: 'string' },
      without: { type: 'string', default: '' },
      from: { type: 'string', default: '0' },
      to: { type: 'string', default: 'Infinity' },
      out: { type: 'string' },
    },
  });
  const [input, ...more] = positionals;
  if (input === undefined || more.length > 0 || values.out === undefined) {
    console.error(
      'usage: node examples/cut.ts INPUT [--sources A,B] [--without KIND] [--from S] [--to S] --out FILE',
    );
    process.exitCode = 2;
    return;
  }
  const lines = gunzipSync(readFileSync(input)).toString('utf8').trimEnd().split('\n');
  const kept = cut(lines, {
    sources: values.sources?.split(',') ?? null,
    without: values.without.split(','),
    fromS: Number(values.from),
    toS: Number(values.to),
  });
  const bytes = gzipSync(`${kept.join('\n')}\n`, { level: 9 });
  writeFileSync(values.out, bytes);
  console.log(`${values.out}: ${kept.length} of ${lines.length} events, ${bytes.length} bytes`);
}

if (import.meta.main) main();
