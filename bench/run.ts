/**
 * `npm run bench [NAME…]`: figures as ratios measured in one run, each against its goal. Names: replay, detect, memory,
 * kafka, sidecar. The last two start a real broker and Redis.
 */
import { cpus, totalmem } from 'node:os';
import { benchDetect } from './detect.ts';
import { benchKafka } from './kafka.ts';
import { type Figure, mebibytes } from './measure.ts';
import { benchMemory } from './memory.ts';
import { benchReplay } from './replay.ts';
import { benchSidecar } from './sidecar.ts';

const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  replay: benchReplay,
  detect: benchDetect,
  memory: benchMemory,
  kafka: benchKafka,
  sidecar: benchSidecar,
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}

const cpu = cpus();
console.log(`${cpu.length} × ${cpu[0]?.model.trim()}, ${mebibytes(totalmem())}, Node ${process.version}\n`);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  for (const { what, value, goal, good } of await bench()) {
    console.log(`${good ? 'good ' : 'SHORT'}  ${what}: ${value}; goal ${goal}`);
  }
}
