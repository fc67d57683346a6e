/**
 * `npm run score -- DIR …`: how the defaults do on folders of labelled recordings, as Markdown with date and machine.
 * Without --quick also the days drawn from the healthy ones, some minutes. `--write FILE` puts it into the block of FILE
 * that `--as NAME` names; alone, it renews the block `shipped recordings` from `examples/recordings`, which a test compares.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dateAndMachine, writeBlock } from './page-block.ts';
import { drawFolder, judgeFolder, quietSession } from './score-folder.ts';
import { goalTable, recordingTable } from './score-table.ts';

export const SHIPPED_BLOCK = 'shipped recordings';
const SHIPPED = join(import.meta.dirname, '../examples/recordings');

/** What is compared: it follows from the shipped recordings alone. */
export async function shippedScore(): Promise<string> {
  const judged = await judgeFolder(
    quietSession(() => {}, false),
    SHIPPED,
  );
  return `${goalTable(judged, null)}\n${recordingTable(judged)}`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      'null-days': { type: 'string', default: '30' },
      write: { type: 'string' },
      as: { type: 'string' },
    },
  });
  const { write, as: name } = values;
  if (positionals.length === 0 && write !== undefined) {
    writeBlock(write, SHIPPED_BLOCK, await shippedScore());
    return;
  }
  if (positionals.length === 0) throw new Error('name folders with labels.json');
  if (write !== undefined && name === undefined) throw new Error('--write needs --as, the name of the block');
  const session = quietSession((text) => process.stderr.write(text), process.stderr.isTTY);
  const told: string[] = [];
  for (const folder of positionals) {
    const judged = await judgeFolder(session, folder);
    const drawn = values.quick ? null : await drawFolder(session, folder, Number(values['null-days']));
    if (write === undefined) told.push(`${folder}:\n\n`);
    told.push(`${goalTable(judged, drawn)}\n${recordingTable(judged)}\n`);
  }
  const text = `${dateAndMachine()}\n\n${told.join('').trimEnd()}\n`;
  if (write === undefined) process.stdout.write(text);
  else writeBlock(write, name!, text);
}

if (import.meta.main) await main();
