/** Two processes that send under one source name: their records take each other's place in the count. */
import { shortList } from '../sentence.ts';
import type { Detector } from './contract.ts';

/** A process that hands over to the next may overlap with it for half a minute. */
const SIGNS_MIN = 5;

export const duplicateSource: Detector = {
  name: 'duplicate_source',
  family: 'telemetry',
  doc:
    'Two processes send under one source name: boots that alternate, one number with two times, or numbers far back at a ' +
    'time when later ones had been sent already. One of them is then taken for a repeat of the other, so its traffic may ' +
    'be missing. A restart, records sent twice and records out of order are no such sign. Misses processes that agree in ' +
    'boot, number and time, and those that send less than once in two minutes.',
  params: [
    {
      name: 'signs',
      unit: 'intervals',
      value: SIGNS_MIN,
      help: 'of ten seconds within the last five minutes in which it was seen',
    },
  ],
  metrics: ['events_duplicate_total', 'events_missing_total'],
  causes: ['duplicate_source'],
  cellStride: 0,
  streamStride: 0,
  tick({ sources, tick }) {
    const doubled = sources.flatMap(({ source, rivals }) =>
      rivals !== null && rivals.count >= SIGNS_MIN ? [{ source, ...rivals }] : [],
    );
    if (doubled.length === 0) return [];
    const names = doubled.map(({ source }) => source);
    const sinceMs = Math.min(...doubled.map((one) => one.sinceMs));
    const signs = Math.max(...doubled.map(({ count }) => count));
    return [
      {
        layer: -1,
        site: null,
        sources: names,
        severity: 'ticket',
        cause: 'duplicate_source',
        confidence: 1,
        effect: (tick.endMs - sinceMs) / 1_000,
        unit: 'seconds',
        onsetMs: sinceMs,
        evidence: { doubled_sources: names.length, signs_in_five_minutes: signs },
        says: `two processes send under the name ${shortList(names)}: one is taken for repeats of the other`,
      },
    ];
  },
};
