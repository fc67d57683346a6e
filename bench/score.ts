/**
 * `npm run score -- DIR …`: how the defaults do on folders of labelled recordings, as Markdown. Without --quick also the
 * days drawn from the healthy ones, some minutes. `--write FILE` puts the quick part of the shipped recordings between
 * the markers of FILE, where a test compares it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawFolder, judgeFolder, quietSession } from './score-folder.ts';
import { goalTable, recordingTable } from './score-table.ts';

export const SHIPPED = join(import.meta.dirname, '../examples/recordings');
export const MARKERS = ['<!-- npm run score -- --write docs/detection.md -->\n\n', '\n<!-- end -->'] as const;

/** What is compared: it follows from the shipped recordings alone. */
export async function shippedScore(): Promise<string> {
  const judged = await judgeFolder(
    quietSession(() => {}, false),
    SHIPPED,
  );
  return `${goalTable(judged, null)}\n${recordingTable(judged)}`;
}

/** The text with what lies between the markers replaced. */
export function withScore(text: string, score: string): string {
  const [begin, end] = MARKERS;
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`no ${begin.trim()} … ${end.trim()}`);
  return text.slice(0, from + begin.length) + score + text.slice(to);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      'null-days': { type: 'string', default: '30' },
      write: { type: 'string' },
    },
  });
  if (values.write !== undefined) {
    writeFileSync(values.write, withScore(readFileSync(values.write, 'utf8'), await shippedScore()));
    return;
  }
  if (positionals.length === 0) throw new Error('name folders with labels.json');
  const session = quietSession((text) => process.stderr.write(text), process.stderr.isTTY);
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version.slice(1)}`;
  for (const folder of positionals) {
    const judged = await judgeFolder(session, folder);
    const drawn = values.quick ? null : await drawFolder(session, folder, Number(values['null-days']));
    console.log(`${folder}, ${date}, ${machine}\n\n${goalTable(judged, drawn)}\n${recordingTable(judged)}`);
  }
}

if (import.meta.main) await main();
