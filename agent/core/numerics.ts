/**
 * Incidents of hard rules. They begin with one event, before its tick is closed, and their story is that of the earliest
 * event of the opening tick whichever came first; everything else about an incident is in `lifecycle.ts`.
 */
import { byName } from './codec.ts';
import type { Decision, FindingLine, IncidentBook, Subject } from './incident.ts';
import { isMuted, noteQuiet, openIncident, startIncident, tellChange } from './lifecycle.ts';
import { describe, type NamedSignal, scopeOf } from './story.ts';

/** One signal of one event, at once. Within the opening tick the earliest event tells the story. */
export function applyNonfinite(
  book: IncidentBook,
  subject: Subject,
  named: NamedSignal,
  decision: Decision,
): FindingLine[] {
  const open = openIncident(book, subject, 'numerics');
  const { signal } = named;
  if (open === undefined) return [startIncident(book, subject, 'numerics', named, [named], decision)];
  open.lastSignalTick = Math.max(open.lastSignalTick, decision.tick);
  open.effect += signal.effect;
  const source = signal.sources[0]!;
  if (!open.allSources && !open.sources.includes(source))
    open.sources = [...open.sources, source].sort(byName);
  const isEarlier =
    decision.tick === open.openingTick &&
    (signal.onsetMs < open.onsetMs || (signal.onsetMs === open.onsetMs && source === open.sources[0]));
  if (!isEarlier) return [];
  describe(book, open, subject, named);
  open.openedMs = signal.onsetMs;
  return [];
}

/**
 * A closed tick of hard rules, which resolve by themselves. Changes are told here, not by event, so that a fault in
 * twenty pods is not twenty lines. `sources` = all that had data.
 */
export function closeNumerics(
  book: IncidentBook,
  subject: Subject,
  sources: readonly string[],
  decision: Decision,
): FindingLine[] {
  const open = openIncident(book, subject, 'numerics');
  if (open === undefined || decision.tick < open.openingTick) return [];
  const quiet = open.lastSignalTick < decision.tick;
  if (!open.allSources && sources.length > 1 && sources.every((s) => open.sources.includes(s))) {
    open.allSources = true;
    open.sources = [];
    open.scope = scopeOf(open);
  }
  if (!quiet) open.suppressed = isMuted(book, decision.timeMs);
  const changes = tellChange(book, open, decision);
  return quiet ? [...changes, ...noteQuiet(book, open, decision)] : changes;
}
