import { createServer } from 'node:net';

// Below the kernel's own range (32768 up): there a client that dials a stopped server can be given the server's port as
// its own and connect to itself. Room is left for Redis Cluster's bus port, 10,000 above.
const LOWEST = 10_000;
const HIGHEST = 22_000;
const ATTEMPTS = 50;

/** A port of 127.0.0.1 that nobody listens on right now. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found in ${ATTEMPTS} attempts between ${LOWEST} and ${HIGHEST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
