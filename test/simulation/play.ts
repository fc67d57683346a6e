// Plays histories by hand: node test/simulation/play.ts FIRST COUNT [BUG]
import { playHistory } from './history.ts';
import type { PlantedBug } from './planted.ts';

const [first = '1', count = '1', bug] = process.argv.slice(2);
const startedMs = Date.now();
let failed = 0;
const faults = new Map<string, number>();
for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
  const outcome = await playHistory(seed, (bug as PlantedBug) ?? null);
  for (const [name, n] of outcome.faults) faults.set(name, (faults.get(name) ?? 0) + n);
  if (outcome.violations.length === 0) continue;
  failed += 1;
  if (failed > 3) continue;
  console.log(`seed ${seed}:`, outcome.violations.slice(0, 5));
  if (Number(count) === 1) console.log(outcome.trace.join('\n'));
}
console.log({ failed, ms: Date.now() - startedMs, faults: Object.fromEntries(faults) });
