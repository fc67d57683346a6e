/** Where a command's result goes: standard output, or a file that is opened before any work is done. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { failure, systemDetail } from '../errors.ts';
import type { Session } from './command.ts';

export interface Output {
  write(data: string | Uint8Array): void;
  close(): void;
}

/** `-` and absence mean standard output. */
export function openOutput(session: Session, file: string | undefined): Output {
  if (file === undefined || file === '-') return { write: session.out, close: () => {} };
  const guarded = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw failure('file_unwritable', { file, detail: systemDetail(error) }, error);
    }
  };
  const descriptor = guarded(() => openSync(file, 'w'));
  return {
    write(data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      guarded(() => {
        for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      });
    },
    close: () => guarded(() => closeSync(descriptor)),
  };
}
