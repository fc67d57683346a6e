/** Incidents in words. */
import type { Incident, IncidentBook } from './incident.ts';
import { formatTime } from './time.ts';

/** The incident in one sentence. */
export function sentenceOf(book: IncidentBook, incident: Incident): string {
  const { role, run, version, step, sources, deployment } = incident;
  const name = run ?? `${version}${role === 'stable' ? '' : ` (${role})`}`;
  const only = sources.length > 0 && incident.family !== 'telemetry' ? `, ${shortList(sources)}` : '';
  const at = step === null ? `since ${formatTime(incident.onsetMs).slice(11, 19)} UTC` : `at step ${step}`;
  const after =
    deployment === null
      ? ''
      : `, ${minutesText(deployment.minutes)} after ${deployment.version} was deployed`;
  return `${book.model} ${name}${only}: ${incident.says} ${at}${after}`;
}

const minutesText = (minutes: number): string =>
  minutes < 1 ? 'within a minute' : `${minutes.toFixed(0)} min`;

/** Three names at most: a sentence is read on a phone. */
export const shortList = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
