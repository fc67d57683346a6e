/** One training run: (environment, model, run). Its tick is the step. */
import { bool, type Codec, f64, list, map, nullable, str, struct } from './codec.ts';

export interface RunHead {
  id: string;
  run: string;
  version: string;
  checkpoint: string | null;
  /** Highest step seen; −1 before the first. */
  step: number;
  lastMs: number;
  sources: Map<string, number>;
  loss: number | null;
  learningRate: number | null;
  gradNorm: number | null;
  groups: string[];
  /** NaN where null. */
  gradNorms: number[];
  validation: { name: string; value: number; maximize: boolean }[];
  ended: boolean;
}

export interface Run extends RunHead {
  dirty: boolean;
}

export const runCodec: Codec<RunHead> = struct<RunHead>({
  id: str,
  run: str,
  version: str,
  checkpoint: nullable(str),
  step: f64,
  lastMs: f64,
  sources: map(f64),
  loss: nullable(f64),
  learningRate: nullable(f64),
  gradNorm: nullable(f64),
  groups: list(str),
  gradNorms: list(f64),
  validation: list(
    struct<{ name: string; value: number; maximize: boolean }>({ name: str, value: f64, maximize: bool }),
  ),
  ended: bool,
});

export function newRun(run: string, version: string): Run {
  return {
    id: `run/${run}`,
    run,
    version,
    checkpoint: null,
    step: -1,
    lastMs: 0,
    sources: new Map(),
    loss: null,
    learningRate: null,
    gradNorm: null,
    groups: [],
    gradNorms: [],
    validation: [],
    ended: false,
    dirty: true,
  };
}
