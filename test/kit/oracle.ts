/**
 * What an agent must come to, counted by code of its own: whole sets instead of high marks and windows, `JSON.parse`
 * instead of a decoder. It knows which of its lines are refused because whoever planted them says so.
 */
import type { Sample } from './prometheus.ts';

/** A record as it went into the log. */
export interface Sent {
  readonly model: string;
  readonly value: string | Buffer;
  /** The reason it must be refused for; null: an event like any other. */
  readonly refused: string | null;
}

/** Nothing is listed that is 0. */
export interface Counts {
  /** By `model kind`. */
  readonly events: Readonly<Record<string, number>>;
  /** By model. */
  readonly duplicates: Readonly<Record<string, number>>;
  readonly missing: Readonly<Record<string, number>>;
  /** By `model nan` or `model inf`. */
  readonly nonfinite: Readonly<Record<string, number>>;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly late: Readonly<Record<string, number>>;
}

interface Block {
  readonly nan?: readonly number[];
  readonly inf?: readonly number[];
}

interface SentEvent {
  readonly kind: string;
  readonly source: string;
  readonly boot?: string;
  readonly seq: number;
  readonly input?: Block;
  readonly output?: Block;
}

export function countSent(sent: readonly Sent[]): Counts {
  const events = createTally();
  const duplicates = createTally();
  const nonfinite = createTally();
  const refused = createTally();
  const seen = new Map<string, Map<string, Set<number>>>();
  for (const { model, value, refused: reason } of sent) {
    if (reason !== null) {
      refused.add(reason);
      continue;
    }
    const event = JSON.parse(String(value)) as SentEvent;
    const boots = reach(seen, `${model}\n${event.source}`, () => new Map());
    const numbers = reach(boots, event.boot ?? '', () => new Set());
    if (numbers.has(event.seq)) {
      duplicates.add(model);
      continue;
    }
    numbers.add(event.seq);
    events.add(`${model} ${event.kind}`);
    for (const block of [event.input, event.output]) {
      for (const kind of ['nan', 'inf'] as const) {
        for (const elements of block?.[kind] ?? []) nonfinite.add(`${model} ${kind}`, elements);
      }
    }
  }
  return {
    events: events.all(),
    duplicates: duplicates.all(),
    missing: missingOf(seen),
    nonfinite: nonfinite.all(),
    refused: refused.all(),
    late: {},
  };
}

/** Gaps below the highest number of each boot. A source's first boot may have begun before the log. */
function missingOf(seen: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>>>): Counts['missing'] {
  const missing = createTally();
  for (const [sender, boots] of seen) {
    for (const [i, numbers] of [...boots.values()].entries()) {
      const lowest = i === 0 ? Math.min(...numbers) : 0;
      const model = sender.split('\n')[0] ?? '';
      missing.add(model, Math.max(...numbers) - lowest + 1 - numbers.size);
    }
  }
  return missing.all();
}

/** All series of a metric, without the prefix of its name: of one agent, of several, or as Prometheus has them. */
export type SeriesOf = (metric: string) => Promise<readonly Sample[]>;

/** The same counts as somebody reads them from the metrics. */
export async function countShown(seriesOf: SeriesOf): Promise<Counts> {
  const sum = async (metric: string, ...labels: string[]): Promise<Record<string, number>> => {
    const tally = createTally();
    for (const { labels: own, value } of await seriesOf(metric)) {
      tally.add(labels.map((name) => own[name] ?? '').join(' '), value);
    }
    return tally.all();
  };
  return {
    events: await sum('events_total', 'model', 'kind'),
    duplicates: await sum('events_duplicate_total', 'model'),
    missing: await sum('events_missing_total', 'model'),
    nonfinite: await sum('nonfinite_elements_total', 'model', 'kind'),
    refused: await sum('events_rejected_total', 'reason'),
    late: await sum('events_late_total', 'reason'),
  };
}

/** In which counts the two differ, a phrase each. */
export function differences(shown: Counts, expected: Counts): string[] {
  return (Object.keys(expected) as (keyof Counts)[]).flatMap((name) => {
    const keys = new Set([...Object.keys(shown[name]), ...Object.keys(expected[name])]);
    return [...keys].flatMap((key) => {
      const [is, due] = [shown[name][key] ?? 0, expected[name][key] ?? 0];
      return is === due ? [] : [`${name} ${key} ${is} instead of ${due}`];
    });
  });
}

function createTally() {
  const counts = new Map<string, number>();
  return {
    add(key: string, by = 1): void {
      if (by !== 0) counts.set(key, (counts.get(key) ?? 0) + by);
    },
    all: (): Record<string, number> => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function reach<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}
