/** `baseline export`: a reference as a file, read from the store or learnt from a recording. */
import type { Command } from 'commander';
import { decode } from '../core/decode/index.ts';
import {
  createPartition,
  exportReferences,
  finishPartition,
  foldEvent,
  type Partition,
} from '../core/fold.ts';
import { bindingReference, exportReference, type Reference } from '../core/reference.ts';
import { DEFAULT_SETTINGS } from '../core/settings.ts';
import { failure } from '../errors.ts';
import { type ConfigOptions, configOption, explain, type Session } from './command.ts';
import { addTarget, type TargetOptions } from './control.ts';
import { readLines } from './lines.ts';
import { openOutput } from './output.ts';
import { findModel, readModels } from './state.ts';

interface ExportOptions extends TargetOptions, ConfigOptions {
  readonly recording?: string;
  readonly reference?: string;
  readonly checkpoint?: string;
  readonly out?: string;
}

export function addExport(group: Command, session: Session): void {
  const command = group.command('export').description('write a reference to a file, to pin it elsewhere');
  addTarget(command)
    .requiredOption('--version <version>', 'the version whose reference it is')
    .option('--recording <file>', 'learn it from a recording instead of reading the store')
    .option('--reference <id>', 'its name; the one in use when absent')
    .option('--checkpoint <name>', 'the weights, where the version has several')
    .option('-o, --out <file>', 'where it goes; standard output when absent')
    .addOption(configOption())
    .action(async (options: ExportOptions) => {
      const { environment, model, version } = options;
      const partition = await partitionOf(session, options);
      const all = referencesOf(partition, environment, model);
      const chosen = choose(all, options, version ?? '');
      if (chosen === null) throw failure('reference_none', { of: `${environment}/${model} ${version}` });
      const output = openOutput(session, options.out);
      output.write(exportReference(chosen));
      output.close();
      session.err(`${chosen.id}: ${chosen.bucket.ticks} ticks, ${chosen.bucket.flushes} flushes\n`);
    });
  explain(command, {
    no: 'there is no such model or reference',
    examples: [
      'baseline export -m minilm-l6 --version v1 --recording training.jsonl.gz -o training.nwref',
      'baseline export -c normwatch.yaml -m minilm-l6 --version v1 -o v1.nwref',
    ],
  });
}

async function partitionOf(session: Session, options: ExportOptions): Promise<Partition> {
  const { recording, environment, model } = options;
  if (recording === undefined) {
    return findModel(await readModels(session, 'baseline export', options), environment, model).partition;
  }
  const partition = createPartition(DEFAULT_SETTINGS);
  await readLines(session, recording, (records) => {
    for (const { value, headers } of records) {
      const decoded = decode(value, headers);
      if (decoded.ok) foldEvent(partition, decoded.event, null);
    }
  });
  finishPartition(partition);
  return partition;
}

const referencesOf = (partition: Partition, environment: string, model: string): Reference[] =>
  exportReferences(partition)
    .filter((named) => named.environment === environment && named.model === model)
    .map(({ reference }) => reference);

function choose(all: readonly Reference[], options: ExportOptions, version: string): Reference | null {
  if (options.reference !== undefined) return all.find(({ id }) => id === options.reference) ?? null;
  const own = all.filter((one) => one.version === version);
  const checkpoint = options.checkpoint ?? own[0]?.checkpoint ?? null;
  return bindingReference(own, version, checkpoint);
}
