/** Serves the fixture for work on the page: `node test/browser/serve.ts [PORT] [MS PER TICK]`, then open the address. */
import fastify from 'fastify';
import { pagePlugin } from '../../agent/page/server.ts';
import { createFixture } from './fixture.ts';

const fixture = createFixture();
const app = fastify();
await app.register(pagePlugin, { data: fixture, clock: fixture.clock });
const address = await app.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 0) });
setInterval(() => fixture.advance(), Number(process.argv[3] ?? 2_000));
console.log(`${address}/`);
