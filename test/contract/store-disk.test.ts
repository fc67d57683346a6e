/** The embedded file: the common exam, then what only a file can meet: kill -9, a torn tail, damage, a second process. */
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import type { StateStore } from '../../agent/flow/ports.ts';
import { createDiskStore } from '../../agent/io/disk/store.ts';
import { fileOwner, type Owner } from '../kit/owner.ts';
import { startProcess } from '../kit/process.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { waitFor } from '../kit/wait-for.ts';
import { bytes, commitOf, storeContract } from './store.ts';

const owner = fileOwner();
let shared: StateStore;
beforeAll(async () => {
  shared = openStore(owner, join(await tempDir(owner), 'deep', 'state.db'));
});
storeContract('disk', { store: () => shared });

function openStore(by: Owner, path: string, options: { readOnly?: boolean } = {}): StateStore {
  const store = createDiskStore({ path, ...options });
  by.onTestFinished(() => store.close());
  return store;
}

/** Commits as fast as it can and says each position it was promised, until it is killed. */
const WRITER = `
  import { createDiskStore } from '${new URL('../../agent/io/disk/store.ts', import.meta.url)}';
  const store = createDiskStore({ path: process.argv[1] });
  const claim = await store.claim('t:0');
  let expected = claim.header.next;
  for (let at = (expected ?? 0n) + 1n; ; expected = at, at += 1n) {
    const value = new Uint8Array(20_000).fill(Number(at & 255n));
    const set = new Map([['a', value], ['b' + (at % 7n), value]]);
    await store.commit('t:0', {
      epoch: claim.header.epoch, expected, next: at, commitId: String(at), facts: new Map(), set, remove: [],
    });
    process.stdout.write(at + '\\n');
    if (at % 50n === 0n) await new Promise(setImmediate);
  }
`;

async function startWriter(by: Owner, path: string) {
  const args = ['--input-type=module', '-e', WRITER, path];
  return startProcess(by, { command: process.execPath, args });
}

describe('disk store', () => {
  test('keeps every acknowledged commit over kill -9, each whole', async (t) => {
    const path = join(await tempDir(t), 'state.db');
    let promised = 0n;
    for (let round = 0; round < 3; round++) {
      const before = promised;
      const writer = await startWriter(t, path);
      promised = await waitFor(() => lastLine(writer.stdout()) > before + 100n && lastLine(writer.stdout()), {
        what: 'commits of the writer',
      });
      await writer.kill();
      promised = lastLine(writer.stdout());
      const store = createDiskStore({ path });
      const { header, fields } = await store.claim('t:0');
      await store.close();
      expect(header.next).toBeGreaterThanOrEqual(promised);
      const mark = Number((header.next ?? 0n) & 255n);
      for (const name of ['a', `b${(header.next ?? 0n) % 7n}`])
        expect(new Set(fields.get(name))).toEqual(new Set([mark]));
      promised = header.next ?? 0n;
    }
  });

  test('comes back with an earlier whole commit when the tail of its log is torn', async (t) => {
    const path = join(await tempDir(t), 'state.db');
    const writer = await startWriter(t, path);
    await waitFor(() => lastLine(writer.stdout()) > 40n, { what: 'commits of the writer' });
    await writer.kill();
    const log = `${path}-wal`;
    const { size } = await stat(log);
    await truncate(log, size - 5_000);
    const end = await open(log, 'r+');
    await end.write(bytes('torn'), 0, 4, size - 9_000);
    await end.close();
    const store = openStore(t, path);
    const { header, fields } = await store.claim('t:0');
    expect(header.next).toBeGreaterThan(0n);
    expect(new Set(fields.get('a'))).toEqual(new Set([Number((header.next ?? 0n) & 255n)]));
    expect(await store.commit('t:0', commitOf(await store.claim('t:0')))).toEqual({ result: 'committed' });
  });

  test('refuses a second writing process with a sentence, and lets readers in', async (t) => {
    const path = join(await tempDir(t), 'state.db');
    const writer = await startWriter(t, path);
    await waitFor(() => lastLine(writer.stdout()) > 10n, { what: 'commits of the writer' });
    expect(() => createDiskStore({ path })).toThrow(/in use by another process/);
    const reader = openStore(t, path, { readOnly: true });
    expect(await reader.list()).toEqual(['t:0']);
    const read = await reader.read('t:0');
    expect(read?.header.next).toBeGreaterThanOrEqual(10n);
    expect(new Set(read?.fields.get('a'))).toEqual(new Set([Number((read?.header.next ?? 0n) & 255n)]));
    await writer.kill();
    await openStore(t, path).claim('t:0');
  });

  test('refuses a second writer in its own process and takes one after close', async (t) => {
    const path = join(await tempDir(t), 'state.db');
    const first = createDiskStore({ path });
    expect(() => createDiskStore({ path })).toThrow(/in use/);
    await first.close();
    await first.close();
    openStore(t, path);
  });

  test('never touches a file that is not its own', async (t) => {
    const dir = await tempDir(t);
    const text = join(dir, 'notes.txt');
    await writeFile(text, 'dear diary, '.repeat(100));
    expect(() => createDiskStore({ path: text })).toThrow(/no state file of this program/);
    expect(await readFile(text, 'utf8')).toBe('dear diary, '.repeat(100));
    const foreign = join(dir, 'foreign.db');
    const database = new DatabaseSync(foreign);
    database.exec('CREATE TABLE theirs (x)');
    database.close();
    expect(() => createDiskStore({ path: foreign })).toThrow(/database of another program/);
    const newer = join(dir, 'newer.db');
    await createDiskStore({ path: newer }).close();
    const later = new DatabaseSync(newer);
    later.exec('PRAGMA user_version = 99');
    later.close();
    expect(() => createDiskStore({ path: newer })).toThrow(/layout 99/);
    expect(() => createDiskStore({ path: join(dir, 'absent.db'), readOnly: true })).toThrow(
      /cannot be opened/,
    );
  });

  test('refuses values that no store wrote', async (t) => {
    const path = join(await tempDir(t), 'state.db');
    const store = createDiskStore({
      path,
      limits: { fieldBytesMax: 100, fieldsMax: 3, partitionBytesMax: 250 },
    });
    t.onTestFinished(() => store.close());
    const other = new DatabaseSync(path);
    t.onTestFinished(() => other.close());
    const field = (name: string, size: number) =>
      other.prepare("INSERT OR REPLACE INTO fields VALUES ('t:0', ?, ?)").run(name, new Uint8Array(size));
    await store.claim('t:0');
    for (const damage of [
      () => field('large', 101),
      () => ['a', 'b', 'c'].map((name) => field(name, 90)),
      () => other.exec("UPDATE partitions SET next = '12e3'"),
      () => other.exec("UPDATE partitions SET facts = '{'"),
      () => other.exec("UPDATE partitions SET facts = '[[1,2]]'"),
    ]) {
      damage();
      await expect(store.claim('t:0')).rejects.toThrow(/cannot be used/);
      other.exec("DELETE FROM fields; UPDATE partitions SET next = NULL, facts = '[]'");
    }
  });

  test('says so when the file is damaged', async (t) => {
    const path = join(await tempDir(t), 'state.db');
    const store = createDiskStore({ path });
    const set = new Map(Array.from({ length: 50 }, (_, at) => [`part-${at}`, new Uint8Array(8_000)]));
    await store.commit('t:0', commitOf(await store.claim('t:0'), { set }));
    await store.close();
    const file = await open(path, 'r+');
    await file.write(new Uint8Array(40_000).fill(0x5a), 0, 40_000, 8_192);
    await file.close();
    const damaged = openStore(t, path);
    expect(await damaged.check()).toEqual([{ level: 'fatal', message: expect.stringMatching(/damaged/) }]);
  });
});

/** The last whole line is what was promised before the kill. */
function lastLine(output: string): bigint {
  return BigInt(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1) || '0');
}
