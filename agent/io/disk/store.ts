/**
 * The embedded store with a file: SQLite as Node brings it (`node:sqlite`), write-ahead log.
 *
 * A commit is one transaction, so a kill -9 or a torn write leaves the commit before it. With `fsync: 'commit'` a power
 * cut does too; with `'checkpoint'` it may take back the last commits, whole ones only, and the log is read again
 * from the older position.
 *
 * One writer: its process holds an exclusive lock on `<path>.lock` (a lock of the operating system, gone with the
 * process however it ends). Readers need none. Calls block the event loop for as long as SQLite takes, about a
 * millisecond for a usual commit; agents with many partitions want Redis.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  type Claim,
  type CommitRequest,
  type CommitResult,
  type StateStore,
  type StoreCheck,
  StoreUnavailable,
} from '../../flow/ports.ts';
import {
  checkCommit,
  decodeFacts,
  encodeFacts,
  judgeCommit,
  parsePosition,
  STORE_LIMITS,
  type StoredPosition,
  type StoreLimits,
  sizeGuard,
  unfit,
} from '../memory/stored.ts';

export interface DiskStoreOptions {
  readonly path: string;
  /** Only `read`, `list` and `check`, beside a running writer. */
  readonly readOnly?: boolean;
  readonly fsync?: 'commit' | 'checkpoint';
  /** How long a call waits for a lock of another process before it is `StoreUnavailable`. */
  readonly deadlineMs?: number;
  readonly limits?: StoreLimits;
}

/** "nwst": tells our file from any other SQLite file. */
const APPLICATION_ID = 0x6e777374;
const LAYOUT_VERSION = 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS partitions (
    name TEXT PRIMARY KEY, epoch TEXT NOT NULL, next TEXT, commit_id TEXT NOT NULL, facts TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS fields (
    partition TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (partition, name)
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${LAYOUT_VERSION};
`;

export function createDiskStore(options: DiskStoreOptions): StateStore {
  const { path, readOnly = false, fsync = 'checkpoint', deadlineMs = 2_000, limits = STORE_LIMITS } = options;
  const lock = readOnly ? null : lockFile(path);
  let database: DatabaseSync;
  try {
    database = openDatabase(path, readOnly, fsync, deadlineMs);
  } catch (error) {
    lock?.close();
    throw error;
  }
  const statements = prepareStatements(database);

  const position = (partition: string): (StoredPosition & { facts: string }) | null => {
    const row = statements.position.get(partition);
    if (!row) return null;
    return {
      epoch: parsePosition('disk', 'epoch', String(row.epoch)),
      next: row.next === null ? null : parsePosition('disk', 'position', String(row.next)),
      commitId: String(row.commit_id),
      facts: String(row.facts),
    };
  };

  const load = (partition: string): Claim | null => {
    const stored = position(partition);
    if (!stored) return null;
    const guard = sizeGuard('disk', partition, limits);
    // Sizes first: a file made by somebody else must not fill the memory before it is refused.
    for (const row of statements.sizes.iterate(partition)) guard(String(row.name), Number(row.bytes));
    const fields = new Map<string, Uint8Array>();
    for (const row of statements.fields.iterate(partition))
      fields.set(String(row.name), row.value as Uint8Array);
    return {
      header: { epoch: stored.epoch, next: stored.next, facts: decodeFacts('disk', stored.facts) },
      fields,
    };
  };

  const write = (partition: string, request: CommitRequest): CommitResult => {
    const stored = position(partition);
    if (!stored) return { result: 'refused', epoch: 0n, next: null };
    const verdict = judgeCommit(stored, request);
    if (verdict === 'refuse') return { result: 'refused', epoch: stored.epoch, next: stored.next };
    if (verdict === 'write') {
      for (const name of request.remove) statements.remove.run(partition, name);
      for (const [name, value] of request.set) statements.set.run(partition, name, value);
      statements.advance.run(String(request.next), request.commitId, encodeFacts(request.facts), partition);
    }
    return { result: 'committed' };
  };

  /** `BEGIN IMMEDIATE` takes the write lock before anything is read, so that the comparison still holds at the write. */
  const transaction = <T>(begin: 'BEGIN IMMEDIATE' | 'BEGIN', work: () => T): T => {
    try {
      database.exec(begin);
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    } catch (error) {
      throw toldError(error, path);
    }
  };

  return {
    async claim(partition: string): Promise<Claim> {
      return transaction('BEGIN IMMEDIATE', () => {
        const epoch = (position(partition)?.epoch ?? 0n) + 1n;
        statements.claim.run(partition, String(epoch), encodeFacts(new Map()));
        return load(partition) as Claim;
      });
    },

    async commit(partition: string, request: CommitRequest): Promise<CommitResult> {
      checkCommit(request, limits);
      return transaction('BEGIN IMMEDIATE', () => write(partition, request));
    },

    async read(partition: string): Promise<Claim | null> {
      return transaction('BEGIN', () => load(partition));
    },

    async list(): Promise<string[]> {
      return transaction('BEGIN', () => statements.names.all().map((row) => String(row.name)));
    },

    async check(): Promise<StoreCheck[]> {
      const verdict = transaction('BEGIN', () => String(Object.values(statements.verify.get() ?? {})[0]));
      return verdict === 'ok'
        ? [{ level: 'good', message: `${path} is whole` }]
        : [
            {
              level: 'fatal',
              message: `${path} is damaged (${verdict.slice(0, 200)}): restore a copy or start anew`,
            },
          ];
    },

    async close(): Promise<void> {
      if (database.isOpen) database.close();
      if (lock?.isOpen) lock.close();
    },
  };
}

function lockFile(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw toldError(error, `${path}.lock`);
    throw unfit('disk', `${path} is in use by another process: stop it, or give this one a file of its own`);
  }
}

function openDatabase(path: string, readOnly: boolean, fsync: string, deadlineMs: number): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { readOnly, timeout: deadlineMs });
    const pragma = (name: string) =>
      Number(Object.values(database?.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    const id = pragma('application_id');
    const isNew = id === 0 && pragma('schema_version') === 0;
    if (!isNew && id !== APPLICATION_ID) throw unfit('disk', `${path} is a database of another program`);
    const layout = pragma('user_version');
    if (!isNew && layout !== LAYOUT_VERSION)
      throw unfit('disk', `${path} has layout ${layout}, this program reads ${LAYOUT_VERSION}`);
    if (isNew && readOnly) throw unfit('disk', `${path} holds no state yet`);
    if (!readOnly) {
      database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${fsync === 'commit' ? 'FULL' : 'NORMAL'}`,
      );
      database.exec(`BEGIN; ${SCHEMA} COMMIT`);
    }
    return database;
  } catch (error) {
    database?.close();
    throw toldError(error, path);
  }
}

function prepareStatements(database: DatabaseSync) {
  return {
    position: database.prepare('SELECT epoch, next, commit_id, facts FROM partitions WHERE name = ?'),
    sizes: database.prepare('SELECT name, length(value) AS bytes FROM fields WHERE partition = ?'),
    fields: database.prepare('SELECT name, value FROM fields WHERE partition = ?'),
    names: database.prepare('SELECT name FROM partitions ORDER BY name'),
    verify: database.prepare('PRAGMA quick_check(1)'),
    claim: database.prepare(
      `INSERT INTO partitions (name, epoch, next, commit_id, facts) VALUES (?, ?, NULL, '', ?)
       ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch`,
    ),
    advance: database.prepare('UPDATE partitions SET next = ?, commit_id = ?, facts = ? WHERE name = ?'),
    set: database.prepare('INSERT OR REPLACE INTO fields (partition, name, value) VALUES (?, ?, ?)'),
    remove: database.prepare('DELETE FROM fields WHERE partition = ? AND name = ?'),
  };
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Extended codes carry the plain one in their lowest byte. */
function sqliteCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

const isBusy = (error: unknown): boolean => sqliteCode(error) === SQLITE_BUSY;

function toldError(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  const text = (error as Error).message;
  if (code === SQLITE_NOTADB) return unfit('disk', `${path} is no state file of this program`);
  if (code === SQLITE_CANTOPEN) return unfit('disk', `${path} is not there or cannot be opened`);
  if (code === SQLITE_CORRUPT) return unfit('disk', `${path} is damaged: ${text}`);
  return new StoreUnavailable(`state file ${path}: ${text}`, { cause: error });
}
