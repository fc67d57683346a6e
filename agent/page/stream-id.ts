import { createHash } from 'node:crypto';

/** A stream's name in addresses: names are untrusted and may hold slashes, which proxies rewrite even when escaped. */
export const streamId = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 16);
