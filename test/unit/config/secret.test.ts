/** A secret turns up nowhere but where it is asked for by name. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { loadConfig } from '../../../agent/config/load.ts';
import { printConfig } from '../../../agent/config/print.ts';
import { Secret } from '../../../agent/config/secret.ts';
import { provokes } from '../../kit/provoke.ts';
import { tempDir } from '../../kit/temp-dir.ts';

const CANARY = 'canary-5d1f';

it('prints as [REDACTED] in text, JSON, inspect and the printed configuration', () => {
  const environment = {
    NORMWATCH_KAFKA_BROKERS: 'a:1',
    NORMWATCH_STORE_TYPE: 'memory',
    NORMWATCH_STORE_REDIS_PASSWORD: CANARY,
  };
  const loaded = loadConfig({ file: null, environment, folder: '/' });
  const password = loaded.config.store.redis.password;
  const shown = [
    `${password}`,
    JSON.stringify(loaded.config),
    inspect(loaded.config, { depth: 9, showHidden: true }),
    inspect(new Map([['p', password]])),
    printConfig(loaded),
  ];
  for (const text of shown) {
    expect(text).toContain('[REDACTED]');
    expect(text).not.toContain(CANARY);
  }
  expect(password?.reveal()).toBe(CANARY);
});

it('is read from its file at each use, without the newline at the end', async (t) => {
  const file = join(await tempDir(t), 'password');
  writeFileSync(file, 'one\n');
  const secret = Secret.fromFile('store.redis.passwordFile', file);
  expect(secret.reveal()).toBe('one');
  writeFileSync(file, ' two \r\n');
  expect(secret.reveal()).toBe(' two ');
});

it('tells key and file when the file is not there', async () => {
  const secret = Secret.fromFile('store.redis.passwordFile', '/nowhere/password');
  const failed = await provokes('key_file', () => secret.reveal());
  expect(failed.message).toBe(
    '"store.redis.passwordFile": /nowhere/password: cannot be read: no such file or directory',
  );
});
