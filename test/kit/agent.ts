import { join } from 'node:path';
import type { Owner } from './owner.ts';
import { type RunningProcess, startProcess } from './process.ts';
import { PROJECT } from './services/paths.ts';

export interface AgentOptions {
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
}

/** `normwatch` as a user starts it: `spawnAgent(t, ['replay', file])`. `env` is added to the environment. */
export function spawnAgent(
  owner: Owner,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: AgentOptions = {},
): Promise<RunningProcess> {
  return startProcess(owner, {
    command: process.execPath,
    args: [join(PROJECT, 'agent/main.ts'), ...args],
    cwd: PROJECT,
    env,
    ...options,
  });
}
