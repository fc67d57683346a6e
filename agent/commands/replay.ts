/**
 * `replay`: the agent's fold over recordings, without any service. Each file is folded in a state of its own; of a
 * baseline only its references are taken over, so equal sources, boots, seqs and times of two files do not meet.
 */
import { createPartition, pinReferences } from '../core/fold.ts';
import { failures, type NormwatchError } from '../errors.ts';
import {
  type AddCommand,
  type ConfigOptions,
  collect,
  configOption,
  explain,
  type Session,
} from './command.ts';
import { countOf } from './lines.ts';
import { openOutput } from './output.ts';
import { createProgress } from './progress.ts';
import {
  addAccount,
  describeAccount,
  emptyAccount,
  foldFile,
  foldSettingsOf,
  learnReferences,
} from './recording.ts';

interface ReplayOptions extends ConfigOptions {
  readonly baseline?: readonly string[];
  readonly findings?: string;
}

export const replay: AddCommand = (program, session) => {
  const command = program
    .command('replay')
    .description('find incidents in recordings, as the agent would; no service');
  command
    .argument('<file...>', 'recordings: .jsonl, .jsonl.gz, or - for standard input')
    .option('-b, --baseline <file>', 'a recording to learn references from; may be repeated', collect)
    .option('-o, --findings <file>', 'where incidents go as JSON Lines; standard output when absent')
    .addOption(configOption())
    .action((files: string[], options: ReplayOptions) => replayFiles(session, files, options));
  explain(command, {
    more:
      'Refused lines are named on standard error, 20 of a file at most, and the rest is used.\n' +
      'Of the configuration only "fold" and "budget" count here; the defaults when there is none.',
    examples: [
      'replay --baseline baseline.jsonl.gz recording.jsonl.gz',
      'replay -b monday.jsonl.gz tuesday.jsonl.gz wednesday.jsonl.gz -o findings.jsonl',
      'zcat recording.jsonl.gz | normwatch replay -',
    ],
  });
};

async function replayFiles(
  session: Session,
  files: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  const settings = foldSettingsOf(session, options, 'replay');
  const startedMs = session.nowMs();
  const progress = createProgress(session);
  const total = emptyAccount();
  const failed: NormwatchError[] = [];
  const output = openOutput(session, options.findings);
  try {
    const references = [];
    for (const file of options.baseline ?? []) {
      const { learnt, account } = await learnReferences(session, file, { settings, progress });
      references.push(...learnt);
      addAccount(total, account);
    }
    for (const file of files) {
      const partition = createPartition(settings);
      pinReferences(partition, references);
      const told = (finding: object): void => output.write(`${JSON.stringify({ ...finding, file })}\n`);
      const account = await foldFile(session, file, partition, { progress, told, failed });
      progress.clear();
      session.err(`${file}: ${describeAccount(account)}, ${countOf(account.incidents, 'incident')}\n`);
      addAccount(total, account);
    }
  } finally {
    progress.clear();
    output.close();
  }
  const seconds = Math.max(0.001, (session.nowMs() - startedMs) / 1000);
  const rate = Math.round(total.records / seconds).toLocaleString('en-US');
  session.err(
    `total: ${describeAccount(total)}, ${countOf(total.incidents, 'incident')} in ` +
      `${seconds.toFixed(1)} s (${rate} events/s)\n`,
  );
  if (failed.length > 0) throw failures(failed);
}
