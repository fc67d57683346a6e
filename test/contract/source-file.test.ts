import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createFileSource } from '../../agent/io/file/source.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { sourceContract } from './source.ts';

sourceContract('gzipped file', {
  async log(owner, values) {
    const path = join(await tempDir(owner), 'recording.jsonl.gz');
    await writeFile(path, gzipSync(`${values.join('\n')}\n`));
    return { id: { topic: path, partition: 0 }, source: createFileSource({ path }) };
  },
});
