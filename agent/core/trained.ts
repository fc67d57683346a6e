/** What training runs declared, kept so that serving can be held against it: by run and by checkpoint. */
import { type Codec, f64, map, str, struct } from './codec.ts';

interface Entry {
  /** Name of the text. */
  id: string;
  timeMs: number;
}

export interface Trained {
  runs: Map<string, Entry>;
  checkpoints: Map<string, Entry>;
  texts: Map<string, string>;
}

const entries = map(struct<Entry>({ id: str, timeMs: f64 }));
export const trainedCodec: Codec<Trained> = struct<Trained>({
  runs: entries,
  checkpoints: entries,
  texts: map(str),
});

export const newTrained = (): Trained => ({ runs: new Map(), checkpoints: new Map(), texts: new Map() });

/** Runs and checkpoints remembered, and different manifests: of each the latest. */
const NAMES_MAX = 64;
const TEXTS_MAX = 8;

/** `checkpoint` is the last one of the run, null before the first. */
export function noteTrained(
  trained: Trained,
  run: string,
  checkpoint: string | null,
  id: string,
  text: string,
  timeMs: number,
): void {
  trained.texts.set(id, text);
  put(trained.runs, run, { id, timeMs });
  if (checkpoint !== null) put(trained.checkpoints, checkpoint, { id, timeMs });
  trim(trained);
}

/** A checkpoint that a run has written. True when that was not known and the run has declared something. */
export function noteCheckpoint(trained: Trained, run: string, checkpoint: string, timeMs: number): boolean {
  const id = trained.runs.get(run)?.id;
  if (id === undefined || trained.checkpoints.get(checkpoint)?.id === id) return false;
  put(trained.checkpoints, checkpoint, { id, timeMs });
  trim(trained);
  return true;
}

/** What the training of a checkpoint declared. */
export function trainedText(
  trained: Trained,
  checkpoint: string | null,
): { id: string; text: string } | null {
  const id = checkpoint === null ? undefined : trained.checkpoints.get(checkpoint)?.id;
  const text = id === undefined ? undefined : trained.texts.get(id);
  return id === undefined || text === undefined ? null : { id, text };
}

function put(into: Map<string, Entry>, name: string, entry: Entry): void {
  into.set(name, entry);
  if (into.size > NAMES_MAX) into.delete(oldestOf(into));
}

/** Texts nobody names go, then those named longest ago with all their names. */
function trim({ runs, checkpoints, texts }: Trained): void {
  const namedMs = new Map<string, number>();
  for (const { id, timeMs } of [...runs.values(), ...checkpoints.values()])
    namedMs.set(id, Math.max(namedMs.get(id) ?? Number.NEGATIVE_INFINITY, timeMs));
  for (const id of texts.keys()) if (!namedMs.has(id)) texts.delete(id);
  while (texts.size > TEXTS_MAX) {
    const [oldest] = [...texts.keys()].sort(
      (a, b) => namedMs.get(a)! - namedMs.get(b)! || (a < b ? -1 : 1),
    ) as [string];
    texts.delete(oldest);
    for (const names of [runs, checkpoints])
      for (const [name, { id }] of names) if (id === oldest) names.delete(name);
  }
}

function oldestOf(entries: ReadonlyMap<string, Entry>): string {
  let oldest: [string, Entry] | null = null;
  for (const entry of entries)
    if (
      oldest === null ||
      entry[1].timeMs < oldest[1].timeMs ||
      (entry[1].timeMs === oldest[1].timeMs && entry[0] < oldest[0])
    )
      oldest = entry;
  return oldest![0];
}
