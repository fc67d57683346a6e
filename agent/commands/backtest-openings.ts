/** Incident lines gathered into what would have reached a person: each opening of an incident, until it is over. */
import type { FindingLine } from '../core/incident.ts';

export type Severity = 'page' | 'ticket';

export interface Opening {
  readonly id: string;
  readonly openedMs: number;
  readonly step: number | null;
  readonly openedAs: Severity;
  readonly reopened: boolean;
  /** The highest so far. */
  severity: Severity;
  /** When a page was told; null while there was none. */
  pagedMs: number | null;
  /** Suppressed from beginning to end: it reached nobody. */
  muted: boolean;
  resolvedMs: number | null;
  /** The newest line that tells cause, layers and sources. */
  last: FindingLine;
}

export interface Openings {
  add(line: FindingLine): void;
  /** In order of time. */
  readonly all: readonly Opening[];
}

const msOf = (line: FindingLine): number => Date.parse(String(line.time));

export function createOpenings(): Openings {
  const all: Opening[] = [];
  const current = new Map<string, Opening>();
  return {
    all,
    add(line) {
      const key = `${line.environment}/${line.model}/${line.id}`;
      const severity = line.severity as Severity;
      if (line.event === 'opened') {
        const opening: Opening = {
          id: line.id,
          openedMs: msOf(line),
          step: line.step as number | null,
          openedAs: severity,
          reopened: line.reopened === true,
          severity,
          pagedMs: null,
          muted: true,
          resolvedMs: null,
          last: line,
        };
        all.push(opening);
        current.set(key, opening);
      }
      const opening = current.get(key);
      if (opening === undefined) return;
      opening.last = line;
      opening.severity = severity;
      if (line.event === 'resolved') opening.resolvedMs = msOf(line);
      else if (line.suppressed === null) {
        opening.muted = false;
        if (severity === 'page') opening.pagedMs ??= msOf(line);
      }
    },
  };
}

export const countAs = (openings: readonly Opening[], severity: Severity): number =>
  openings.filter((one) => !one.muted && one.severity === severity).length;
