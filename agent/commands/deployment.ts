/** `deployment announce`: tells the agent what was deployed, so that incidents can name it. */
import { type AddCommand, explain } from './command.ts';
import {
  addSend,
  addTarget,
  controlEvent,
  type SendOptions,
  sendControl,
  type TargetOptions,
} from './control.ts';

interface AnnounceOptions extends TargetOptions, SendOptions {
  readonly previousVersion?: string;
  readonly checkpoint?: string;
  readonly change?: string;
}

export const deployment: AddCommand = (program, session) => {
  const group = program.command('deployment').description('tell the agent what was deployed');
  const announce = group.command('announce').description('announce that a version of a model goes live');
  addSend(
    addTarget(announce)
      .requiredOption('--version <version>', 'the version that goes live')
      .option('--role <role>', 'stable, canary or shadow', 'stable')
      .option('--previous-version <version>', 'the version it replaces')
      .option('--checkpoint <name>', 'the weights it carries; equal names mean equal weights')
      .option('--change <text>', 'what changed, for whoever reads the incident'),
  ).action(async (options: AnnounceOptions) => {
    const { previousVersion, checkpoint, change } = options;
    const body = { previous_version: previousVersion, checkpoint, change };
    await sendControl(
      session,
      'deployment announce',
      options,
      controlEvent(session, 'deployment', options, body),
    );
  });
  explain(announce, {
    examples: [
      'deployment announce -c normwatch.yaml --model minilm-l6 --version v2 --previous-version v1 \\\n' +
        '      --checkpoint minilm-2026-02 --change "runtime 1.21 → 1.22"',
    ],
  });
};
