/** One (environment, model): everything that belongs to it lies in one partition of the log. */
import { type Codec, f64, list, map, nullable, str, struct } from './codec.ts';
import { type Deployment, deploymentsCodec, type Incident, incidentCodec, type Subject } from './incident.ts';
import type { Reference } from './reference.ts';
import type { Run } from './run.ts';
import { type Sequence, sequenceCodec } from './sequence.ts';
import type { Stream } from './stream.ts';
import { newTrained, type Trained } from './trained.ts';

export interface ModelHead {
  environment: string;
  model: string;
  /** Records of the partition when this model was last heard of: the least recently heard is evicted first. */
  touched: number;
  sequences: Map<string, Sequence>;
  /** Accepted events by kind, refused ones by reason, and what came too late, by reason. */
  events: Map<string, number>;
  rejected: Map<string, number>;
  late: Map<string, number>;
  duplicates: number;
  missing: number;
  /** Elements by `kind/where`, since the state began. */
  nonfinite: Map<string, number>;
  /** Hour of event time → `version\nlayer\nsite\nkind\nwhere` → elements, for the last day. */
  nonfiniteHours: Map<string, Map<string, number>>;
  nonfiniteLastMs: number | null;
  deployments: Deployment[];
  maintenanceUntilMs: number | null;
  incidents: Incident[];
  /** What `source` events last said, as JSON, by source. */
  sourceFacts: Map<string, string>;
  /** Newest event time, for what is counted by hour. */
  newestMs: number;
}

export interface Model extends ModelHead {
  references: Reference[];
  streams: Map<string, Stream>;
  runs: Map<string, Run>;
  dirty: boolean;
  /** Streams, runs and references that are gone since the last take, with the names of their stored buckets. */
  removed: Map<string, ReadonlySet<string>>;
  dirtyReferences: Set<string>;
  trained: Trained;
  dirtyTrained: boolean;
}

const counts = map(f64);

export const modelHeadCodec: Codec<ModelHead> = struct<ModelHead>({
  environment: str,
  model: str,
  touched: f64,
  sequences: map(sequenceCodec),
  events: counts,
  rejected: counts,
  late: counts,
  duplicates: f64,
  missing: f64,
  nonfinite: counts,
  nonfiniteHours: map(counts),
  nonfiniteLastMs: nullable(f64),
  deployments: deploymentsCodec,
  maintenanceUntilMs: nullable(f64),
  incidents: list(incidentCodec),
  sourceFacts: map(str),
  newestMs: f64,
});

export function newModel(environment: string, model: string): Model {
  return assembleModel({
    environment,
    model,
    touched: 0,
    sequences: new Map(),
    events: new Map(),
    rejected: new Map(),
    late: new Map(),
    duplicates: 0,
    missing: 0,
    nonfinite: new Map(),
    nonfiniteHours: new Map(),
    nonfiniteLastMs: null,
    deployments: [],
    maintenanceUntilMs: null,
    incidents: [],
    sourceFacts: new Map(),
    newestMs: 0,
  });
}

export const assembleModel = (head: ModelHead): Model => ({
  ...head,
  references: [],
  streams: new Map(),
  runs: new Map(),
  dirty: true,
  removed: new Map(),
  dirtyReferences: new Set(),
  trained: newTrained(),
  dirtyTrained: false,
});

export const count = (into: Map<string, number>, key: string, by = 1): void => {
  into.set(key, (into.get(key) ?? 0) + by);
};

/** A version's checkpoint is the one its deployment names, else the one on its own events. */
export function checkpointOf(model: Model, stream: Stream): string | null {
  const deployment = model.deployments.find((d) => d.version === stream.version && d.checkpoint !== null);
  return deployment?.checkpoint ?? stream.checkpoint;
}

export const subjectOf = (model: Model, stream: Stream): Subject => ({
  id: stream.id,
  version: stream.version,
  role: stream.role,
  run: null,
  checkpoint: checkpointOf(model, stream),
  layers: stream.layers,
});
