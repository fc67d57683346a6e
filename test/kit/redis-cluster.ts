import type { Owner } from './owner.ts';
import { type RedisServer, redisCli, startRedis } from './redis.ts';
import { waitFor } from './wait-for.ts';

export interface ClusterSetup {
  readonly nodes: readonly RedisServer[];
  /** `redis-cli --cluster …` on this cluster, e.g. `manage('reshard', ['--cluster-from', …])`. */
  manage(command: string, args?: readonly string[]): Promise<string>;
}

const MASTERS = 3;

/** Three masters without replicas, all slots given out; resolves when every node calls the cluster good. */
export async function startCluster(owner: Owner, args: readonly string[] = []): Promise<ClusterSetup> {
  const clusterArgs = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...args];
  const starting = Array.from({ length: MASTERS }, () => startRedis(owner, { args: clusterArgs }));
  const nodes = await Promise.all(starting);
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster needs nodes');
  await redisCli(first.port, ['--cluster', 'create', ...addresses, '--cluster-yes']);
  for (const node of nodes) {
    await waitFor(async () => (await node.cli('cluster', 'info')).includes('cluster_state:ok'), {
      what: `cluster node ${node.port} to know all slots`,
      deadlineMs: 30_000,
    });
  }
  return {
    nodes,
    manage: (command, more = []) =>
      redisCli(first.port, ['--cluster', command, `127.0.0.1:${first.port}`, ...more]),
  };
}
