/** Training: the last step of each run as its streams show it, and the hard rule for non-finite numbers. */
import type { Event, RunEvent, TrainingStepEvent, ValidationEvent } from './decode/event.ts';
import type { NonfiniteContext } from './detect/contract.ts';
import type { FoldContext } from './fold-context.ts';
import type { Subject } from './incident.ts';
import type { Model } from './model.ts';
import { countNonfinite, raiseNonfinite, trainingCounts } from './nonfinite.ts';
import { closeNumerics } from './numerics.ts';
import { newRun, type Run } from './run.ts';

/** Runs of one model; the least recently heard goes first. */
const RUNS_MAX = 512;
const NO_BUCKETS: ReadonlySet<string> = new Set();
const SOURCES_MAX = 4_096;

export function runFor(model: Model, event: Event & { readonly run: string }): Run {
  let run = model.runs.get(event.run);
  if (run === undefined) {
    if (model.runs.size >= RUNS_MAX) evictRun(model);
    run = newRun(event.run, event.version);
    model.runs.set(event.run, run);
  }
  if (event.checkpoint !== undefined) run.checkpoint = event.checkpoint;
  if (event.timeMs > run.lastMs) run.lastMs = event.timeMs;
  if (run.sources.size < SOURCES_MAX || run.sources.has(event.source))
    run.sources.set(event.source, event.timeMs);
  run.dirty = true;
  return run;
}

export const subjectOfRun = (run: Run, layers: readonly string[]): Subject => ({
  id: run.id,
  version: run.version,
  role: null,
  run: run.run,
  checkpoint: run.checkpoint,
  layers,
});

export function foldTrainingStep(fold: FoldContext, model: Model, event: TrainingStepEvent): void {
  const run = runFor(model, event);
  const groups = event.groups ?? [];
  const subject = subjectOfRun(run, groups);
  let found = false;
  for (const where of ['forward', 'backward'] as const) {
    const counts = trainingCounts(event, where);
    countNonfinite(model, event, where, counts);
    // Forward comes first in a step, so what it names is the origin; backward only follows.
    if (counts.length > 0 && !found) raiseNonfinite(fold, model, subject, event, where, counts, event.step);
    found ||= counts.length > 0;
  }
  if (!found && (event.loss === null || event.grad_norm === null)) {
    raiseNonfinite(fold, model, subject, event, 'forward', [scalarCount(event)], event.step);
  }
  if (event.step <= run.step) return;
  run.step = event.step;
  run.loss = event.loss ?? null;
  run.learningRate = event.learning_rate ?? null;
  run.gradNorm = event.grad_norm ?? null;
  run.groups = [...groups];
  run.gradNorms = groups.map((_, i) => event.grad_norms?.[i] ?? Number.NaN);
  fold.findings.push(
    ...closeNumerics(model, subject, [...run.sources.keys()], {
      timeMs: event.timeMs,
      tick: event.step,
      step: event.step,
      watermarkMs: event.timeMs,
    }),
  );
}

/** A loss or gradient norm that is not finite while no group says where. */
const scalarCount = (event: TrainingStepEvent): NonfiniteContext['counts'][number] => ({
  layer: -1,
  name: event.loss === null ? 'the loss' : 'the gradient norm',
  site: null,
  nan: 1,
  inf: 0,
  magnitude: null,
});

export function foldValidation(model: Model, event: ValidationEvent): void {
  const run = runFor(model, event);
  run.validation = event.metrics.map(({ name, value, goal }) => ({
    name,
    value: value ?? Number.NaN,
    maximize: goal === 'max',
  }));
}

export function foldRun(model: Model, event: RunEvent): void {
  runFor(model, event).ended = event.status !== 'started';
}

function evictRun(model: Model): void {
  let oldest: Run | null = null;
  for (const run of model.runs.values()) if (oldest === null || run.lastMs < oldest.lastMs) oldest = run;
  if (oldest === null) return;
  model.runs.delete(oldest.run);
  model.removed.set(oldest.id, NO_BUCKETS);
}
