/** `replay` of a shipped recording against reading its lines and JSON.parse alone. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { runCommandLine } from '../agent/commands/index.ts';
import { type Figure, median, pairedRatios, rate } from './measure.ts';

const RECORDING = new URL('../examples/recordings/baseline.jsonl.gz', import.meta.url).pathname;
const PAIRS = 15;

/** Lines of a gzipped file as strings, each parsed and thrown away. */
async function readAndParse(): Promise<number> {
  const text = createReadStream(RECORDING).pipe(createGunzip()).setEncoding('utf8');
  let rest = '';
  let lines = 0;
  for await (const chunk of text) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const line of parts) {
      JSON.parse(line);
      lines++;
    }
  }
  return lines;
}

async function replay(): Promise<void> {
  const exit = await runCommandLine(['replay', RECORDING], {
    out: () => {},
    err: () => {},
    errIsTerminal: false,
    environment: {},
    folder: process.cwd(),
    input: process.stdin,
    nowMs: Date.now,
    stop: () => new AbortController().signal,
    exit: 0,
  });
  if (exit !== 0) throw new Error(`replay ended with ${exit}`);
}

export async function benchReplay(): Promise<Figure[]> {
  const lines = await readAndParse();
  const { ratios, oneSeconds, otherSeconds } = await pairedRatios(PAIRS, replay, readAndParse);
  const share = median(ratios);
  const [own, parse] = [median(oneSeconds), median(otherSeconds)];
  return [
    {
      what: 'replay, share of the speed of reading lines and JSON.parse alone',
      value: `${share.toFixed(2)} (${rate(lines, own)} against ${rate(lines, parse)})`,
      goal: '≥ 0.50',
      good: share >= 0.5,
    },
  ];
}
