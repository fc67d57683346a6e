/** The link that breaks: each switch on a real TCP connection to an echo server. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { startProxy } from '../kit/proxy.ts';
import { waitFor } from '../kit/wait-for.ts';

/** An echo server behind a proxy, and a client that keeps what it hears. */
async function echoBehindProxy(t: TestContext) {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received.push(String(data));
      socket.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const proxy = await startProxy(t, { port: (server.address() as AddressInfo).port });
  return { proxy, received, client: () => openClient(t, proxy.port) };
}

async function openClient(t: TestContext, port: number) {
  const socket = connect({ host: '127.0.0.1', port });
  t.onTestFinished(() => void socket.destroy());
  const heard: string[] = [];
  let broken = false;
  socket.on('data', (data) => heard.push(String(data)));
  socket.on('error', () => {});
  socket.on('close', () => {
    broken = true;
  });
  // A refused client may be broken before it knows that it was connected.
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
  return {
    send: (text: string) => socket.write(text),
    end: () => socket.end(),
    text: () => heard.join(''),
    broken: () => broken,
  };
}

test('it passes both directions on and an orderly end', async (t) => {
  const { proxy, client } = await echoBehindProxy(t);
  const { send, text, end, broken } = await client();
  send('hello');
  await waitFor(() => text() === 'hello', { what: 'the echo' });
  expect(proxy.connections()).toBe(1);
  end();
  await waitFor(broken, { what: 'the end' });
  await waitFor(() => proxy.connections() === 0, { what: 'the link to be forgotten' });
});

test('a cut breaks open connections and takes new ones', async (t) => {
  const { proxy, client } = await echoBehindProxy(t);
  const first = await client();
  first.send('x');
  await waitFor(() => first.text() === 'x', { what: 'the echo' });
  proxy.cut();
  await waitFor(first.broken, { what: 'the break' });
  const second = await client();
  second.send('y');
  await waitFor(() => second.text() === 'y', { what: 'the echo' });
});

test('while it refuses, new connections break', async (t) => {
  const { proxy, client, received } = await echoBehindProxy(t);
  proxy.refuse(true);
  const refused = await client();
  await waitFor(refused.broken, { what: 'the refusal' });
  proxy.refuse(false);
  const taken = await client();
  taken.send('x');
  await waitFor(() => taken.text() === 'x', { what: 'the echo' });
  expect(received).toEqual(['x']);
});

test('dropped replies are lost for good although the request arrived', async (t) => {
  const { proxy, client, received } = await echoBehindProxy(t);
  const { send, text } = await client();
  proxy.dropReplies(true);
  send('one');
  await waitFor(() => proxy.droppedBytes() === 3, { what: 'the reply to be dropped' });
  expect(received).toEqual(['one']);
  proxy.dropReplies(false);
  send('two');
  await waitFor(() => text() !== '', { what: 'the second echo' });
  expect(text()).toBe('two');
});

test('what is held passes in order afterwards', async (t) => {
  const { proxy, client, received } = await echoBehindProxy(t);
  const { send, text } = await client();
  send('a');
  await waitFor(() => text() === 'a', { what: 'the echo' });
  proxy.hold(true);
  send('b');
  send('c');
  const other = await client();
  other.send('d');
  await waitFor(() => proxy.heldBytes() === 3, { what: 'all three to be held' });
  expect(received).toEqual(['a']);
  proxy.hold(false);
  await waitFor(() => text() === 'abc' && other.text() === 'd', { what: 'the rest' });
});

test('a delay keeps the order', async (t) => {
  const { proxy, client } = await echoBehindProxy(t);
  const { send, text } = await client();
  proxy.delay(20);
  const startMs = performance.now();
  for (const part of ['1', '2', '3', '4']) send(part);
  await waitFor(() => text() === '1234', { what: 'the echo', everyMs: 1 });
  // Held once in each direction; a lower bound, so a busy machine cannot break it.
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(38);
});
