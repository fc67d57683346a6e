/** A recording is handed over line by line, whatever its packing and however broken; memory stays bounded. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { LIMITS } from '../../agent/core/limits.ts';
import type { Batch, SourceHandler } from '../../agent/flow/ports.ts';
import { createLineSplitter } from '../../agent/io/file/lines.ts';
import { createFileSource } from '../../agent/io/file/source.ts';
import { tempDir } from '../kit/temp-dir.ts';

interface Read {
  readonly lines: [number, string][];
  readonly batches: Batch[];
  readonly error: unknown;
}

async function read(path: string, stdin?: Readable, start = 0n): Promise<Read> {
  const lines: [number, string][] = [];
  const batches: Batch[] = [];
  const handler: SourceHandler = {
    assigned: async ([only]) => new Map([[`${only!.id.topic}:0`, start]]),
    revoked: async () => {},
    trouble: () => {},
    batch: async (batch) => {
      batches.push(batch);
      for (const { position, value } of batch.records)
        lines.push([Number(position), Buffer.from(value ?? []).toString()]);
    },
  };
  const source = createFileSource({ path, ...(stdin && { stdin }) });
  const error = await source.run(handler).then(
    () => null,
    (reason: unknown) => reason,
  );
  return { lines, batches, error };
}

const texts = [
  {
    name: 'lines',
    text: 'a\nb\n',
    lines: [
      [0, 'a'],
      [1, 'b'],
    ],
  },
  {
    name: 'a last line without newline',
    text: 'a\nb',
    lines: [
      [0, 'a'],
      [1, 'b'],
    ],
  },
  {
    name: 'lines of Windows',
    text: '\ufeffa\r\nb\r\n',
    lines: [
      [0, 'a'],
      [1, 'b'],
    ],
  },
  {
    name: 'blank lines, which count',
    text: '\n \t\na\n\r\nb\n\n',
    lines: [
      [2, 'a'],
      [4, 'b'],
    ],
  },
  {
    name: 'binary garbage',
    text: '\u0000\u0001\n{"v":1}\n',
    lines: [
      [0, '\u0000\u0001'],
      [1, '{"v":1}'],
    ],
  },
  { name: 'one byte', text: 'a', lines: [[0, 'a']] },
  { name: 'nothing', text: '', lines: [] },
];

for (const { name, text, lines } of texts) {
  for (const packing of ['plain', 'gzip', 'stdin', 'gzip on stdin', 'stdin in single bytes'] as const) {
    it(`reads ${name} (${packing})`, async (t) => {
      const bytes = packing.includes('gzip') ? gzipSync(text) : Buffer.from(text);
      const pieces = packing.endsWith('bytes') ? [...bytes].map((byte) => Buffer.of(byte)) : [bytes];
      const path = packing.includes('stdin') ? '-' : join(await tempDir(t), 'a.jsonl');
      if (path !== '-') await writeFile(path, bytes);
      const result = await read(path, Readable.from(pieces, { objectMode: false }));
      expect(result.error).toBeNull();
      expect(result.lines).toEqual(lines);
    });
  }
}

it('chains batches of bounded size over a long file, the first from the position the handler chose', async (t) => {
  const path = join(await tempDir(t), 'long.jsonl.gz');
  const count = 5_000;
  await writeFile(
    path,
    gzipSync(Array.from({ length: count }, (_, i) => `${i} ${'x'.repeat(300)}\n`).join('')),
  );
  const { lines, batches, error } = await read(path, undefined, 7n);
  expect(error).toBeNull();
  expect(lines.map(([position]) => position)).toEqual(Array.from({ length: count - 7 }, (_, i) => i + 7));
  expect(lines.every(([position, text]) => text.startsWith(`${position} x`) && text.length > 300)).toBe(true);
  let next = 7n;
  for (const batch of batches) {
    expect(batch.from).toBe(next);
    expect(batch.records.length).toBeLessThanOrEqual(500);
    next = batch.next;
  }
  expect(next).toBe(BigInt(count));
});

it('cuts a line of 100 MB to one byte over the limit, keeps no more of it, and goes on after it', () => {
  const splitter = createLineSplitter(0);
  const chunk = Buffer.alloc(256 * 1024, 'x');
  // One buffer again and again: what the splitter kept of it is seen in the buffers it allocates.
  const before = process.memoryUsage().arrayBuffers;
  for (let mb = 0; mb < 100; mb += 0.25) expect(splitter.push(chunk)).toEqual([]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  const records = splitter.push(Buffer.from('\nnext\n'));
  expect(records.map((r) => [Number(r.position), r.value?.length])).toEqual([
    [0, LIMITS.messageBytes + 1],
    [1, 4],
  ]);
});

it('hands over a line of exactly the limit whole', () => {
  const splitter = createLineSplitter(0);
  const [record] = splitter.push(Buffer.concat([Buffer.alloc(LIMITS.messageBytes, 'x'), Buffer.from('\n')]));
  expect(record?.value?.length).toBe(LIMITS.messageBytes);
});

it('gives what a cut-off gzip still holds, then says which file it is', async (t) => {
  const path = join(await tempDir(t), 'cut.jsonl.gz');
  const whole = gzipSync(Array.from({ length: 20_000 }, (_, i) => `line ${i} ${Math.sin(i)}\n`).join(''));
  await writeFile(path, whole.subarray(0, whole.length - 1_000));
  const { lines, error } = await read(path);
  expect(lines.length).toBeGreaterThan(15_000);
  expect(error).toMatchObject({ row: 'file_unreadable', message: expect.stringContaining(path) });
});

it('reads all members of a gzip that was appended to, and minds no padding behind it', async (t) => {
  const path = join(await tempDir(t), 'two.gz');
  await writeFile(path, Buffer.concat([gzipSync('a\n'), gzipSync('b\n'), Buffer.alloc(100_000)]));
  expect(await read(path)).toMatchObject({
    error: null,
    lines: [
      [0, 'a'],
      [1, 'b'],
    ],
  });
});

it('names a file that is missing, and a directory', async (t) => {
  const dir = await tempDir(t);
  expect((await read(join(dir, 'none'))).error).toMatchObject({
    row: 'file_missing',
    message: expect.stringContaining('none'),
  });
  await mkdir(join(dir, 'folder'));
  expect((await read(join(dir, 'folder'))).error).toMatchObject({
    row: 'file_unreadable',
    message: expect.stringContaining('folder'),
  });
});

it('delivers what comes on a live stdin before it ends, and ends when closed', async () => {
  const stdin = new PassThrough();
  const got = Promise.withResolvers<Batch>();
  const source = createFileSource({ path: '-', stdin });
  const running = source.run({
    assigned: async () => new Map([['-:0', 0n]]),
    revoked: async () => {},
    trouble: () => {},
    batch: async (batch) => got.resolve(batch),
  });
  stdin.write('now\n');
  expect((await got.promise).records).toHaveLength(1);
  await source.close();
  await running;
});

it('rejects with what the handler threw', async (t) => {
  const path = join(await tempDir(t), 'a.jsonl');
  await writeFile(path, 'a\nb\n');
  const source = createFileSource({ path });
  const boom = new Error('no room');
  await expect(
    source.run({
      assigned: async () => new Map([[`${path}:0`, 0n]]),
      revoked: async () => {},
      trouble: () => {},
      batch: () => Promise.reject(boom),
    }),
  ).rejects.toBe(boom);
});
