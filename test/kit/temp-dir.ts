import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from './owner.ts';

/** An empty folder that goes with its owner. */
export async function tempDir(owner: Owner): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'normwatch-'));
  owner.onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}
