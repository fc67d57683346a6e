/**
 * kafkajs 2.2.4 dials twice where two requests at once find a connection gone, and forgets the first socket: it stays
 * open for as long as the broker lives, and keeps the process from ending. So all sockets of a client are known here,
 * and end with it.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

export interface Sockets {
  readonly dial: ISocketFactory;
  /** Ends every socket that is open, and each that is dialled later. */
  hangUp(): void;
}

const load = createRequire(import.meta.url);
const createDial = load('kafkajs/src/network/socketFactory') as () => ISocketFactory;

export function createSockets(): Sockets {
  const dialKafka = createDial();
  const open = new Set<Socket>();
  let isOver = false;
  return {
    dial(target) {
      const socket = dialKafka(target);
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      // In the next turn: the client first listens for the failure.
      if (isOver) setImmediate(() => socket.destroy(new Error('the client is closed')));
      return socket;
    },
    hangUp() {
      isOver = true;
      for (const socket of open) socket.destroy();
    },
  };
}
