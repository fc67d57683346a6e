/** Commands that read committed state: incidents and references, without claiming or changing anything. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importReference } from '../../../agent/core/reference.ts';
import { createDiskStore } from '../../../agent/io/disk/store.ts';
import { runLine } from '../../kit/command-line.ts';
import { expectTold } from '../../kit/provoke.ts';
import { storedInstallation } from '../../kit/stored.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const MODEL = ['--model', 'minilm-l6'];
const BASELINE = join(import.meta.dirname, '../../../examples/recordings/baseline.jsonl.gz');

describe('incident', () => {
  it('list shows what is open, and past ones when asked', async (t) => {
    const { config, partition } = await storedInstallation(t, ['deploy-epsilon']);
    const known = [...partition.models.values()].flatMap(({ incidents }) => incidents);
    expect(known.length).toBeGreaterThan(0);
    const { code, out } = await runLine(['incident', 'list', '--all', '-c', config]);
    expect(code).toBe(0);
    for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const json = await runLine(['incident', 'list', '--all', '--json', '-c', config]);
    const ids = json.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    expect(ids.sort()).toEqual(known.map(({ id }) => id).sort());
    const open = await runLine(['incident', 'list', '--json', '-c', config]);
    expect(open.out.split('\n').filter(Boolean)).toHaveLength(
      known.filter(({ status }) => status === 'open').length,
    );
  });

  it('list is not disturbed by findings that wait to be delivered, which lie beside the state', async (t) => {
    const { config, folder } = await storedInstallation(t, ['deploy-epsilon']);
    const store = createDiskStore({ path: join(folder, 'state.db') });
    const { header } = await store.claim('events:0');
    const position = { epoch: header.epoch, expected: 1n, next: 2n, commitId: 'more', facts: new Map() };
    const set = new Map([['pending', new TextEncoder().encode('[]')]]);
    await store.commit('events:0', { ...position, set, remove: [] });
    await store.close();
    const { code, err, out } = await runLine(['incident', 'list', '--json', '-c', config]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({ version: 'v2' });
  });

  it('list says so when there is none', async (t) => {
    const { config } = await storedInstallation(t, ['healthy']);
    expect(await runLine(['incident', 'list', '-c', config])).toMatchObject({
      code: 0,
      out: 'no open incidents\n',
    });
    expect(await runLine(['incident', 'list', '--all', '-c', config])).toMatchObject({
      out: 'no incidents\n',
    });
  });

  it('show tells one incident by the beginning of its id', async (t) => {
    const { config, partition } = await storedInstallation(t, ['deploy-epsilon']);
    const id = [...partition.models.values()][0]?.incidents[0]?.id ?? '';
    const { code, out } = await runLine(['incident', 'show', id.slice(0, 6), '-c', config]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^# Incident ${id}\n\n.+\n\n- status: `));
    const json = await runLine(['incident', 'show', id, '--json', '-c', config]);
    expect(JSON.parse(json.out)).toMatchObject({ id, version: 'v2' });
  });

  it('answers no to an id that is none, and asks back when it fits several', async (t) => {
    const { config } = await storedInstallation(t, ['deploy-epsilon', 'fp16-overflow']);
    const unknown = await runLine(['incident', 'show', 'zzz', '-c', config]);
    expect(unknown.code).toBe(1);
    expectTold('incident_unknown', unknown.err);
    const ambiguous = await runLine(['incident', 'show', '', '-c', config]);
    expect(ambiguous.code).toBe(2);
    expectTold('incident_ambiguous', ambiguous.err);
  });

  it('accept asks for a relearn from the onset, naming incident and reason', async (t) => {
    const { config, partition } = await storedInstallation(t, ['deploy-epsilon']);
    const [incident] = [...partition.models.values()][0]?.incidents ?? [];
    const words = ['incident', 'accept', incident?.id ?? '', '--reason', 'wanted', '--dry-run', '-c', config];
    const { code, out } = await runLine(words, { nowMs: Date.parse('2026-03-02T01:00:00Z') });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'baseline',
      action: 'relearn',
      model: 'minilm-l6',
      version: 'v2',
      role: 'stable',
      time: '2026-03-02T01:00:00.000Z',
      since: new Date(incident?.onsetMs ?? 0).toISOString(),
      incident: incident?.id,
      reason: 'wanted',
    });
  });
});

describe('baseline', () => {
  it('show tells streams and references in 100 columns, or as JSON', async (t) => {
    const { config } = await storedInstallation(t, ['healthy']);
    const { code, out } = await runLine(['baseline', 'show', ...MODEL, '-c', config]);
    expect(code).toBe(0);
    expect(out).toMatch(/\nSTREAM +STATE +CALIBRATION +REFERENCE\nserving\/v1\/stable +guarded/);
    for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const json = JSON.parse((await runLine(['baseline', 'show', ...MODEL, '--json', '-c', config])).out);
    expect(json.streams).toHaveLength(1);
    expect(json.references[0]).toMatchObject({ kind: 'pinned', version: 'v1', layers: 13 });
  });

  it('show answers no to a model that is none, naming those there are', async (t) => {
    const { config } = await storedInstallation(t, ['healthy']);
    const { code, err } = await runLine(['baseline', 'show', '--model', 'other', '-c', config]);
    expect(code).toBe(1);
    expectTold('model_unknown', err);
    expect(err).toContain('known: default/minilm-l6');
  });

  it('export writes what pin can carry, from the store or from a recording', async (t) => {
    const { config, folder } = await storedInstallation(t, ['healthy']);
    const out = join(folder, 'v1.nwref');
    const stored = await runLine([
      'baseline',
      'export',
      ...MODEL,
      '--version',
      'v1',
      '-c',
      config,
      '-o',
      out,
    ]);
    expect(stored.code).toBe(0);
    const recorded = await runLine([
      'baseline',
      'export',
      ...MODEL,
      '--version',
      'v1',
      '--recording',
      BASELINE,
    ]);
    for (const bytes of [new Uint8Array(readFileSync(out)), recorded.outBytes]) {
      expect(importReference(Uint8Array.from(bytes))).toMatchObject({ version: 'v1' });
    }
    const pin = await runLine(['baseline', 'pin', ...MODEL, '--version', 'v2', '--data', out, '--dry-run']);
    expect(pin.code).toBe(0);
    expect(Buffer.from(JSON.parse(pin.out).data, 'base64')).toEqual(readFileSync(out));
  });

  it('export answers no where there is no reference', async () => {
    const words = ['baseline', 'export', ...MODEL, '--version', 'v9', '--recording', BASELINE];
    const { code, out, err } = await runLine(words);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expectTold('reference_none', err);
  });

  it('pin refuses a file that is missing, a folder, or larger than any export', async (t) => {
    const folder = await tempDir(t);
    const big = join(folder, 'big');
    writeFileSync(big, new Uint8Array(600 * 1024));
    const pin = (file: string) =>
      runLine(['baseline', 'pin', ...MODEL, '--version', 'v1', '--data', file, '--dry-run']);
    expectTold('file_missing', (await pin(join(folder, 'none'))).err);
    expectTold('file_unreadable', (await pin(folder)).err);
    expectTold('file_unreadable', (await pin(big)).err);
  });
});

describe('a store that cannot be read', () => {
  it('because it is in the memory of another process is told', async () => {
    const environment = { NORMWATCH_KAFKA_BROKERS: 'a:1', NORMWATCH_STORE_TYPE: 'memory' };
    const { code, err } = await runLine(['incident', 'list'], { environment });
    expect(code).toBe(2);
    expectTold('store_private', err);
  });

  it('because it is no state file is told', async (t) => {
    const { config, folder } = await storedInstallation(t, []);
    writeFileSync(join(folder, 'state.db'), 'no database, but long enough to have been one'.repeat(100));
    const { code, err } = await runLine(['incident', 'list', '-c', config]);
    expect(code).toBe(2);
    expectTold('store_unfit', err);
  });

  it('because nobody answers is told', async () => {
    const environment = {
      NORMWATCH_KAFKA_BROKERS: '127.0.0.1:9',
      NORMWATCH_STORE_REDIS_URL: 'redis://127.0.0.1:9',
      NORMWATCH_STORE_REDIS_DEADLINE: '200ms',
    };
    const { code, err } = await runLine(['incident', 'list'], { environment });
    expect(code).toBe(2);
    expectTold('store_unreachable', err);
  });
});
