/**
 * The demo's log: stories one after the other, in accelerated time that ends at the wall clock, so that dashboards show
 * them as having just happened. A story told again begins only where its last telling ended.
 */
import { randomUUID } from 'node:crypto';
import type { Settings } from '../../core/settings.ts';
import {
  type Clock,
  END_UNKNOWN,
  type PartitionId,
  partitionName,
  type Source,
  type SourceHandler,
  type SourceRecord,
} from '../../flow/ports.ts';
import { farewell, type Line, pinLine, readScript, referenceOf, type Script, stamp } from './script.ts';
import { BASELINE_FILE, STORIES, type Story } from './stories.ts';

export interface StorySourceOptions {
  /** Folder of the shipped recordings. */
  readonly folder: string;
  /** Event time per wall time, above 0. */
  readonly speed: number;
  /** Tell the stories once and end, instead of again and again. */
  readonly once: boolean;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly onStory: (story: Story) => void;
}

const ID: PartitionId = { topic: 'demo', partition: 0 };
const HEADERS: ReadonlyMap<string, Uint8Array> = new Map();
/** The part in which nothing happens is played this many times faster than the event's own time. */
const LEAD_SPEED = 40;
/** Wall time between two batches, and between two stories. */
const STEP_MS = 250;
const PAUSE_MS = 3_000;

export function createStorySource(options: StorySourceOptions): Source {
  const { folder, speed, once, settings, clock, onStory } = options;
  if (!(speed > 0)) throw new RangeError(`speed must be above 0, not ${speed}`);
  const closing = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let next = 0n;

  async function send(handler: SourceHandler, values: readonly Uint8Array[]): Promise<void> {
    if (values.length === 0) return;
    const from = next;
    const arrivedMs = clock.nowMs();
    const records: SourceRecord[] = values.map((value, i) => ({
      position: from + BigInt(i),
      arrivedMs,
      key: null,
      value,
      headers: HEADERS,
    }));
    next = from + BigInt(values.length);
    // Told in accelerated time, a story lies behind the wall clock: where the log ends is not said, so nobody calls that
    // silence.
    await handler.batch({ partition: ID, records, from, next, end: null });
  }

  /** Tells one story; answers with the event time of its end. */
  async function tell(handler: SourceHandler, script: Script, reference: string): Promise<number> {
    const { story, lines, lengthMs } = script;
    const beganMs = clock.nowMs();
    const leadMs = Math.min(story.leadMs, lengthMs);
    const leadWallMs = leadMs / Math.max(LEAD_SPEED, speed);
    const startMs = Math.round(beganMs + leadWallMs + (lengthMs - leadMs) / speed - lengthMs);
    const boot = randomUUID();
    const stamped = (of: readonly Line[]) => of.map((line) => stamp(line, story.model, boot, startMs));
    await send(handler, stamped([pinLine(script, reference)]));
    let at = 0;
    while (at < lines.length && !closing.signal.aborted) {
      const wallMs = clock.nowMs() - beganMs;
      const upToMs =
        wallMs < leadWallMs ? (wallMs / leadWallMs) * leadMs : leadMs + (wallMs - leadWallMs) * speed;
      const from = at;
      while (at < lines.length && lines[at]!.offsetMs <= upToMs) at++;
      await send(handler, stamped(lines.slice(from, at)));
      if (at < lines.length) await clock.sleep(STEP_MS, closing.signal);
    }
    if (!closing.signal.aborted) await send(handler, stamped(farewell(script)));
    return startMs + lengthMs;
  }

  async function tellAll(handler: SourceHandler): Promise<void> {
    const log = { clusterId: null, topicId: null, low: 0n, end: END_UNKNOWN };
    const starts = await handler.assigned([{ id: ID, log }]);
    next = starts.get(partitionName(ID)) ?? 0n;
    const reference = referenceOf(folder, BASELINE_FILE, settings);
    const scripts = STORIES.map((story) => readScript(folder, story));
    const toldUpToMs = new Map<string, number>();
    do {
      for (const script of scripts) {
        const { story, lengthMs } = script;
        const earliestMs = (toldUpToMs.get(story.model) ?? 0) + lengthMs - (lengthMs - story.leadMs) / speed;
        await clock.sleep(Math.max(0, earliestMs - clock.nowMs()), closing.signal);
        if (closing.signal.aborted) return;
        onStory(story);
        toldUpToMs.set(story.model, await tell(handler, script, reference));
        await clock.sleep(PAUSE_MS, closing.signal);
      }
    } while (!once && !closing.signal.aborted);
  }

  return {
    run(handler) {
      running = tellAll(handler);
      return running;
    },
    async identify() {
      return { clusterId: null, topicId: null, low: 0n, end: END_UNKNOWN };
    },
    // Positions are never lost here: the store is memory of this process.
    async seek() {},
    async mirror() {},
    async close() {
      closing.abort();
      await running.catch(() => undefined);
    },
  };
}
