/** Reads committed state for a command: nothing is claimed, nothing is written. */
import { foldSettings } from '../config/settings.ts';
import { type Partition, restorePartition, viewPartition } from '../core/fold.ts';
import type { ModelView } from '../core/view.ts';
import { failure } from '../errors.ts';
import { stateFields } from '../flow/tenure.ts';
import { createStore } from '../wire.ts';
import { type ConfigOptions, configOf, type Session } from './command.ts';

export interface StoredModel {
  readonly view: ModelView;
  readonly partition: Partition;
}

export async function readModels(
  session: Session,
  command: string,
  options: ConfigOptions,
): Promise<StoredModel[]> {
  const { config } = configOf(session, options, command);
  if (config.store.type === 'memory') throw failure('store_private', { command });
  const settings = foldSettings(config);
  const store = await createStore(config, { readOnly: true });
  try {
    const models: StoredModel[] = [];
    for (const name of await store.list()) {
      const stored = await store.read(name);
      if (stored === null || stored.fields.size === 0) continue;
      const partition = restorePartition(settings, stateFields(stored.fields));
      for (const view of viewPartition(partition).models) models.push({ view, partition });
    }
    return models;
  } finally {
    await store.close();
  }
}

/** The model asked for, or the answer no with what there is. */
export function findModel(models: readonly StoredModel[], environment: string, model: string): StoredModel {
  const found = models.find(({ view }) => view.environment === environment && view.model === model);
  if (found !== undefined) return found;
  const known = models.map(({ view }) => `${view.environment}/${view.model}`).join(', ');
  throw failure('model_unknown', { environment, model, known });
}
