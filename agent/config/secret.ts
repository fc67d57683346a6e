import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { failure, systemDetail } from '../errors.ts';

export const REDACTED = '[REDACTED]';

/** A value that prints as `[REDACTED]` wherever it may turn up: text, JSON, inspect. Only `reveal` gives it out. */
export class Secret {
  readonly #read: () => string;

  private constructor(read: () => string) {
    this.#read = read;
  }

  static of(value: string): Secret {
    return new Secret(() => value);
  }

  /** Read at each `reveal`, so that a rotated file counts at the next connection. */
  static fromFile(key: string, file: string): Secret {
    return new Secret(() => readKeyFile(key, file).replace(/\r?\n$/, ''));
  }

  reveal(): string {
    return this.#read();
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** The text of a file that the configuration names (secret, certificate). */
export function readKeyFile(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw failure('key_file', { key, file, detail: systemDetail(error) }, error);
  }
}
