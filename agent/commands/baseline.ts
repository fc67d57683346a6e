/** `baseline pin|unpin|relearn|show|export`: what streams are held against. */
import { readFileSync } from 'node:fs';
import { REFERENCE_BYTES_MAX } from '../core/reference.ts';
import { failure, systemDetail } from '../errors.ts';
import { addExport } from './baseline-export.ts';
import { addShow } from './baseline-show.ts';
import { type AddCommand, explain, timeOption } from './command.ts';
import {
  addSend,
  addTarget,
  type Body,
  controlEvent,
  type SendOptions,
  sendControl,
  type TargetOptions,
} from './control.ts';

interface PinOptions extends TargetOptions, SendOptions {
  readonly reference?: string;
  readonly fromVersion?: string;
  readonly checkpoint?: string;
  readonly since?: string;
  readonly until?: string;
  readonly data?: string;
}

export const baseline: AddCommand = (program, session) => {
  const group = program
    .command('baseline')
    .description('references: pin, drop, learn anew, look, carry over');
  const send = async (name: string, options: TargetOptions & SendOptions, body: Body): Promise<void> =>
    sendControl(session, `baseline ${name}`, options, controlEvent(session, 'baseline', options, body));

  const pin = group.command('pin').description('pin a reference: a time range of the log, or an export');
  addSend(
    addTarget(pin)
      .requiredOption('--version <version>', 'the version it is pinned for')
      .option('--reference <id>', 'a name for it, to unpin it by; pinned again it is replaced')
      .option('--from-version <version>', 'the version whose data it is, if another')
      .option('--checkpoint <name>', 'the weights it is for, if not those of the data')
      .option('--since <time>', 'begin of the range (RFC 3339)', timeOption)
      .option('--until <time>', 'end of the range', timeOption)
      .option('--data <file>', 'a file of "baseline export", instead of a range'),
  ).action((options: PinOptions) => {
    const { reference, fromVersion, checkpoint, since, until, data } = options;
    if (data === undefined && (since === undefined || until === undefined)) {
      throw failure('usage', { detail: 'pin needs --since and --until, or --data', command: 'baseline pin' });
    }
    const bytes = data === undefined ? undefined : readExport(data).toString('base64');
    return send('pin', options, {
      action: 'pin',
      reference,
      from_version: fromVersion,
      checkpoint,
      since,
      until,
      data: bytes,
    });
  });
  explain(pin, {
    examples: [
      'baseline pin -m bert --version v1 --since 2026-03-02T00:00:00Z --until 2026-03-02T06:00:00Z',
      'baseline pin -m minilm-l6 --version v2 --reference training --data training.nwref',
    ],
  });

  const unpin = group
    .command('unpin')
    .description('drop a pinned reference; the stream goes back to what it learnt');
  addSend(
    addTarget(unpin)
      .requiredOption('--version <version>', 'the version it was pinned for')
      .option('--reference <id>', 'its name; all pinned ones of the model when absent'),
  ).action((options: PinOptions) =>
    send('unpin', options, { action: 'unpin', reference: options.reference }),
  );
  explain(unpin, { examples: ['baseline unpin -m minilm-l6 --version v2 --reference training'] });

  const relearn = group.command('relearn').description('forget the baseline and learn it anew');
  addSend(
    addTarget(relearn)
      .requiredOption('--version <version>', 'the version that learns anew')
      .option('--role <role>', 'stable, canary or shadow', 'stable')
      .option(
        '--since <time>',
        'incidents that began since are accepted (RFC 3339); now when absent',
        timeOption,
      ),
  ).action((options: PinOptions) => {
    const since = options.since ?? new Date(session.nowMs()).toISOString();
    return send('relearn', options, { action: 'relearn', since });
  });
  explain(relearn, { examples: ['baseline relearn -m minilm-l6 --version v2 --since 2026-03-02T00:05:00Z'] });

  addShow(group, session);
  addExport(group, session);
};

function readExport(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw failure('file_missing', { file }, error);
    throw failure('file_unreadable', { file, detail: systemDetail(error) }, error);
  }
  if (bytes.length <= REFERENCE_BYTES_MAX) return bytes;
  throw failure('file_unreadable', {
    file,
    detail: `it is larger than any export (${REFERENCE_BYTES_MAX} bytes)`,
  });
}
