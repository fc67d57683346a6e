/** What an agent would have left in a store: shipped recordings, folded and committed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finishPartition, type Partition, takeDirty } from '../../agent/core/fold.ts';
import { createDiskStore } from '../../agent/io/disk/store.ts';
import type { Owner } from './owner.ts';
import { foldAll, partitionWithBaseline, recording } from './recording.ts';
import { tempDir } from './temp-dir.ts';

export interface StoredInstallation {
  /** A configuration with a disk store that holds what was folded, and a broker that nobody is. */
  readonly config: string;
  readonly folder: string;
  readonly partition: Partition;
}

export async function storedInstallation(
  owner: Owner,
  recordings: readonly string[],
  alter: (partition: Partition) => void = () => {},
): Promise<StoredInstallation> {
  const folder = await tempDir(owner);
  const config = join(folder, 'normwatch.yaml');
  writeFileSync(
    config,
    'kafka: { brokers: ["127.0.0.1:9"] }\nstore: { type: disk, disk: { path: state.db } }\n',
  );
  const partition = partitionWithBaseline();
  // Sources and times of two recordings are equal, so each further one is a model of its own.
  for (const [i, name] of recordings.entries()) {
    const events = recording(name);
    foldAll(
      partition,
      i === 0 ? events : events.map((event) => ({ ...event, model: `${event.model}-${i}` })),
    );
  }
  finishPartition(partition);
  alter(partition);
  const store = createDiskStore({ path: join(folder, 'state.db') });
  const { header } = await store.claim('events:0');
  const { set, remove } = takeDirty(partition);
  const position = { epoch: header.epoch, expected: null, next: 1n, commitId: 'kit', facts: new Map() };
  await store.commit('events:0', { ...position, set, remove });
  await store.close();
  return { config, folder, partition };
}
