/** Reads the answer of INFO: can this server keep what the store promises? One sentence for each thing found. */
import type { StoreCheck } from '../../flow/ports.ts';

export function checkServer(info: string, isClusterClient: boolean): StoreCheck[] {
  const facts = new Map<string, string>();
  for (const line of info.split('\n')) {
    const [name, value] = line.trim().split(':', 2);
    if (name && value !== undefined) facts.set(name, value);
  }
  const version = facts.get('redis_version');
  if (version === undefined)
    return [warning(`Redis does not tell about itself (INFO): ${info.slice(0, 200)}`)];
  const checks = [checkPolicy(facts.get('maxmemory_policy')), checkMode(facts, isClusterClient)];
  if (Number.parseFloat(version) < 6.2)
    checks.push(fatal(`Redis ${version} is too old: 6.2 is the oldest that works`));
  checks.push(...checkPersistence(facts), ...checkReplicas(facts));
  const found = checks.filter((check) => check !== null);
  return found.length > 0 ? found : [{ level: 'good', message: `Redis ${version} keeps what it is given` }];
}

const fatal = (message: string): StoreCheck => ({ level: 'fatal', message });
const warning = (message: string): StoreCheck => ({ level: 'warning', message });

function checkPolicy(policy: string | undefined): StoreCheck | null {
  if (policy === 'noeviction') return null;
  if (policy === undefined) return warning('Redis does not tell its maxmemory-policy; it must be noeviction');
  return fatal(
    `Redis has maxmemory-policy ${policy} and may throw state away: set it to noeviction, or use a Redis of its own`,
  );
}

function checkMode(facts: ReadonlyMap<string, string>, isClusterClient: boolean): StoreCheck | null {
  if (facts.get('role') === 'slave') return fatal('Redis is a replica and takes no writes: name the master');
  if (facts.get('cluster_enabled') === '1' && !isClusterClient)
    return fatal('Redis is part of a cluster: configure it as one');
  return null;
}

function checkPersistence(facts: ReadonlyMap<string, string>): StoreCheck[] {
  const checks: StoreCheck[] = [];
  if (facts.get('aof_enabled') === '0')
    checks.push(
      warning('Redis keeps no append-only file: a restart takes the state back; set appendonly yes'),
    );
  if (facts.get('aof_enabled') === '1' && facts.get('aof_last_write_status') === 'err')
    checks.push(warning('Redis cannot write its append-only file'));
  return checks;
}

function checkReplicas(facts: ReadonlyMap<string, string>): StoreCheck[] {
  const replicas = Number(facts.get('connected_slaves') ?? 0);
  if (replicas === 0) return [warning('Redis has no replica: when it is lost, the state is')];
  // INFO tells this one only where min-replicas-to-write is set.
  if (!facts.has('min_slaves_good_slaves'))
    return [warning('Redis takes writes without any replica at hand: set min-replicas-to-write 1')];
  return [];
}
