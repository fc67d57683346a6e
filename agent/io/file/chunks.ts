import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { failure, systemDetail } from '../../errors.ts';

const CHUNK_BYTES = 256 * 1024;
/** Compressed bytes inflated at a time: deflate makes at most 1,032 of one, so some 16 MiB at once. */
const INFLATE_BYTES = 16 * 1024;

/** Opens what is named, `-` being `stdin`, and says early and by name what is missing or forbidden. */
export async function openFile(path: string, stdin: Readable): Promise<Readable> {
  if (path === '-') return stdin;
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw failure('file_unreadable', { file: path, detail: 'it is a directory' });
    await access(path, constants.R_OK);
  } catch (error) {
    throw readFailure(path, error);
  }
  return createReadStream(path, { highWaterMark: CHUNK_BYTES });
}

export function readFailure(path: string, error: unknown): Error {
  if ((error as Partial<Error> | null)?.name === 'NormwatchError') return error as Error;
  if ((error as NodeJS.ErrnoException).code === 'ENOENT')
    return failure('file_missing', { file: path }, error);
  const file = path === '-' ? 'standard input' : path;
  return failure('file_unreadable', { file, detail: systemDetail(error) }, error);
}

/** The bytes of the stream, inflated when they begin like gzip, whatever the name says. Reads one chunk ahead. */
export async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array, void, void> {
  const raw = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let first: Buffer = Buffer.alloc(0);
  while (first.length < 2) {
    const { value, done } = await raw.next();
    if (done) break;
    first = first.length === 0 ? value : Buffer.concat([first, value]);
  }
  const all = prepend(first, raw);
  yield* readAhead(first[0] === 0x1f && first[1] === 0x8b ? inflate(all) : all);
}

async function* prepend(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
  try {
    if (first.length > 0) yield first;
    for (let step = await rest.next(); !step.done; step = await rest.next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}

/** The disk and zlib's threads work on the next chunk while this one is folded. */
async function* readAhead<T>(chunks: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  let coming = chunks.next();
  try {
    for (;;) {
      const step = await coming;
      if (step.done) return;
      coming = chunks.next();
      // Awaited above in the next turn; until then a failure must not count as unhandled.
      coming.catch(() => {});
      yield step.value;
    }
  } finally {
    await chunks.return();
  }
}

/**
 * Inflates by hand instead of `pipe`: a broken or cut-off gzip then gives everything that could be read first, and
 * its error after it. A pipe throws the buffered part away.
 */
async function* inflate(chunks: AsyncGenerator<Buffer, void, void>): AsyncGenerator<Buffer, void, void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const out: Buffer[] = [];
  let broken: Error | null = null;
  let wake = (): void => {};
  gunzip.on('data', (data: Buffer) => out.push(data));
  gunzip.on('end', () => wake());
  gunzip.on('error', (error) => {
    broken = error;
    wake();
  });
  const until = (work: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      work(resolve);
    });
  try {
    for await (const chunk of chunks) {
      for (
        let from = 0;
        from < chunk.length && broken === null && !gunzip.readableEnded;
        from += INFLATE_BYTES
      ) {
        const part = chunk.subarray(from, from + INFLATE_BYTES);
        await until((done) => gunzip.write(part, () => done()));
        yield* out.splice(0);
      }
      if (broken !== null || gunzip.readableEnded) break;
    }
    if (broken === null && !gunzip.readableEnded) await until(() => gunzip.end());
    yield* out.splice(0);
    if (broken !== null) throw broken;
  } finally {
    gunzip.destroy();
  }
}
