/** The stories of the demo: shipped recordings, each played as a model of its own. */

export interface Story {
  /** Said on the terminal when it begins. */
  readonly title: string;
  readonly model: string;
  /** In `examples/recordings/`. */
  readonly file: string;
  /** Event time that is played at once, so that nobody waits for the part in which nothing happens. */
  readonly leadMs: number;
}

export const STORIES: readonly Story[] = [
  {
    title: 'healthy traffic: nothing should happen',
    model: 'story-1-healthy',
    file: 'healthy.jsonl.gz',
    leadMs: 180_000,
  },
  {
    title: 'version v2 is deployed with another epsilon in one layer',
    model: 'story-2-epsilon',
    file: 'deploy-epsilon.jsonl.gz',
    leadMs: 70_000,
  },
  {
    title: 'fp16 overflows on some inputs',
    model: 'story-3-fp16',
    file: 'fp16-overflow.jsonl.gz',
    leadMs: 70_000,
  },
  {
    title: 'one of three pods computes something else',
    model: 'story-4-bad-pod',
    file: 'one-bad-pod.jsonl.gz',
    leadMs: 70_000,
  },
];

/** What the stories are held against. */
export const BASELINE_FILE = 'baseline.jsonl.gz';
