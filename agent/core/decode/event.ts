/**
 * The event as the fold sees it: the parsed JSON itself, its wire names kept, once decode has checked it. Added are
 * parsed times (`timeMs`, `untilMs` …, null where there is none) and the defaults of `environment` and `role`. Absent
 * stays `undefined` (not measured), `null` stays `null` (measured, not finite). The types follow from the declarations.
 */
import type { block, histogram } from './columns.ts';
import type { TypeOf } from './declare.ts';
import type { EventOf } from './kind.ts';
import type { KINDS } from './kinds.ts';

export type Event = EventOf<(typeof KINDS)[number]>;
export type EventKind = Event['kind'];

export type { ActivationsEvent } from './activations.ts';
export type { BaselineEvent } from './baseline.ts';
export type { ChannelsEvent } from './channels.ts';
export type { DeploymentEvent } from './deployment.ts';
export type { MaintenanceEvent } from './maintenance.ts';
export type { ManifestEvent } from './manifest.ts';
export type { MemoryEvent } from './memory.ts';
export type { NonfiniteEvent } from './nonfinite.ts';
export type { OutputsEvent } from './outputs.ts';
export type { ParametersEvent } from './parameters.ts';
export type { ParityEvent } from './parity.ts';
export type { RequestsEvent } from './requests.ts';
export type { RunEvent } from './run.ts';
export type { SourceEvent } from './source.ts';
export type { TrainingStepEvent } from './training_step.ts';
export type { ValidationEvent } from './validation.ts';

/** What every event carries. */
export type Envelope = Pick<Event, keyof Event>;

export type { Column } from './columns.ts';
export type Block = TypeOf<ReturnType<typeof block>>;
export type Histogram = TypeOf<ReturnType<typeof histogram>>;
export type Buckets = NonNullable<Histogram['positive']>;
