import { createServer, connect as dial, type Socket } from 'node:net';
import type { Owner } from './owner.ts';

export interface ProxyTarget {
  readonly host?: string;
  readonly port: number;
}

/** A TCP link that a test can break in the ways real links break. All switches hold for old and new connections. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** Connections that are open now. */
  connections(): number;
  /** Bytes the target sent that never reached the client: proof that `dropReplies` really hit something. */
  droppedBytes(): number;
  /** Bytes that wait here because of `hold` or `delay`. */
  heldBytes(): number;
  /** Breaks every open connection; new ones are taken. */
  cut(): void;
  /** While true, a new connection is broken at once. */
  refuse(on: boolean): void;
  /** While true, requests reach the target and its replies vanish. */
  dropReplies(on: boolean): void;
  /** While true, nothing passes in either direction and nothing is closed. What was held back passes afterwards. */
  hold(on: boolean): void;
  /** Holds every chunk back this long, in both directions. */
  delay(ms: number): void;
}

interface State {
  refuse: boolean;
  dropReplies: boolean;
  hold: boolean;
  delayMs: number;
  droppedBytes: number;
  heldBytes: number;
}

export async function startProxy(owner: Owner, target: ProxyTarget): Promise<Proxy> {
  const state: State = {
    refuse: false,
    dropReplies: false,
    hold: false,
    delayMs: 0,
    droppedBytes: 0,
    heldBytes: 0,
  };
  const links = new Set<Link>();
  const server = createServer({ noDelay: true }, (client) => {
    if (state.refuse) {
      client.resetAndDestroy();
      return;
    }
    const link = openLink(client, target, state);
    links.add(link);
    client.once('close', () => links.delete(link));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = () => {
    for (const link of links) link.cut();
  };
  owner.onTestFinished(() => {
    cut();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    host: '127.0.0.1',
    port: address.port,
    connections: () => links.size,
    droppedBytes: () => state.droppedBytes,
    heldBytes: () => state.heldBytes,
    cut,
    refuse: (on) => {
      state.refuse = on;
    },
    dropReplies: (on) => {
      state.dropReplies = on;
    },
    hold: (on) => {
      state.hold = on;
      for (const link of links) link.release();
    },
    delay: (ms) => {
      state.delayMs = ms;
    },
  };
}

interface Link {
  cut(): void;
  /** Looks at the held chunks again. */
  release(): void;
}

function openLink(client: Socket, target: ProxyTarget, state: State): Link {
  const server = dial({ host: target.host ?? '127.0.0.1', port: target.port, noDelay: true });
  const cut = () => {
    client.resetAndDestroy();
    server.resetAndDestroy();
  };
  const requests = pipe(client, server, state, () => false);
  const replies = pipe(server, client, state, () => state.dropReplies);
  // A broken end breaks the other one, as a router in between would show it.
  client.on('error', cut);
  server.on('error', cut);
  return {
    cut,
    release: () => {
      requests();
      replies();
    },
  };
}

/** Passes chunks on in order; the function it returns looks at what is held. An end is passed on like a chunk. */
function pipe(from: Socket, to: Socket, state: State, drops: () => boolean): () => void {
  const queue: { chunk: Buffer | null; dueMs: number }[] = [];
  const flush = () => {
    while (!state.hold && queue[0] !== undefined) {
      const waitMs = queue[0].dueMs - performance.now();
      if (waitMs > 0) {
        setTimeout(flush, waitMs);
        return;
      }
      const { chunk } = queue.shift() ?? { chunk: null };
      state.heldBytes -= chunk?.length ?? 0;
      if (to.destroyed) continue;
      if (chunk === null) to.end();
      else if (drops()) state.droppedBytes += chunk.length;
      else to.write(chunk);
    }
  };
  const take = (chunk: Buffer | null) => {
    state.heldBytes += chunk?.length ?? 0;
    queue.push({ chunk, dueMs: performance.now() + state.delayMs });
    flush();
  };
  from.on('data', take);
  from.on('end', () => take(null));
  return flush;
}
