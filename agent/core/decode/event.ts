/**
 * The event as the fold sees it: the parsed JSON itself, its wire names kept, once decode has checked it. Added are
 * parsed times and defaults only. Absent stays `undefined` (not measured), `null` stays `null` (measured, not finite).
 */

/** One value per layer, in the order of `layers`. */
export type Column = readonly (number | null)[];

export interface Buckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

/** Exponential histogram of the OpenTelemetry data model. An absent side has no buckets. */
export interface Histogram {
  readonly scale: number;
  readonly zero_count: number;
  readonly zero_threshold?: number;
  readonly positive?: Buckets;
  readonly negative?: Buckets;
}

/** Columns over one tensor per layer. */
export interface Block {
  readonly count?: Column;
  readonly mean?: Column;
  readonly variance?: Column;
  readonly min?: Column;
  readonly max?: Column;
  readonly nan?: Column;
  readonly inf?: Column;
  readonly token_variance_mean?: Column;
  readonly token_variance_min?: Column;
  readonly histogram?: readonly (Histogram | null)[];
}

/** What every event carries. */
export interface Envelope {
  readonly v: 1;
  readonly time: string;
  /** `time` in epoch milliseconds. */
  readonly timeMs: number;
  readonly window_ms: number;
  /** `default` where the wire has none. */
  readonly environment: string;
  readonly model: string;
  readonly version: string;
  readonly source: string;
  readonly boot?: string;
  readonly seq: number;
  /** `stable` where the wire has none. */
  readonly role: 'stable' | 'canary' | 'shadow';
  readonly run?: string;
  readonly step?: number;
  readonly checkpoint?: string;
  readonly probe?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Signature {
  readonly key: string;
  readonly hmac_sha256: string;
}

/** `layers` is there whenever a column is; a sign of life (`requests: 0`) may have neither. */
export interface ActivationsEvent extends Envelope {
  readonly kind: 'activations';
  readonly requests: number;
  readonly tokens?: number;
  readonly layers?: readonly string[];
  readonly input?: Block;
  readonly output?: Block;
  readonly op?: {
    readonly count?: Column;
    readonly time_ns?: Column;
    readonly histogram?: readonly (Histogram | null)[];
  };
}

/** Row i is `layers[i]` at `sites[i]`; rows may differ in width. */
export interface ChannelsEvent extends Envelope {
  readonly kind: 'channels';
  readonly tokens?: number;
  readonly layers: readonly string[];
  readonly sites: readonly ('input' | 'output')[];
  readonly mean?: readonly Column[];
  readonly variance?: readonly Column[];
}

export interface OutputsEvent extends Envelope {
  readonly kind: 'outputs';
  readonly name: string;
  readonly requests: number;
  readonly non_finite_requests?: number;
  readonly probabilities?: readonly number[] | null;
  readonly histogram?: Histogram | null;
}

export interface TrainingStepEvent extends Envelope {
  readonly kind: 'training_step';
  readonly run: string;
  readonly step: number;
  readonly loss?: number | null;
  readonly learning_rate?: number | null;
  readonly grad_norm?: number | null;
  readonly tokens?: number;
  readonly step_time_ns?: number;
  readonly nonfinite_grad_elements?: number;
  /** There whenever a column over groups is. */
  readonly groups?: readonly string[];
  readonly grad_norms?: Column;
  readonly nan_forward?: Column;
  readonly inf_forward?: Column;
  readonly nan_backward?: Column;
  readonly inf_backward?: Column;
  readonly activation_bytes?: Column;
  /** There whenever a column over layers is. */
  readonly layers?: readonly string[];
  readonly gamma_update?: Column;
  readonly beta_update?: Column;
}

export interface ValidationEvent extends Envelope {
  readonly kind: 'validation';
  readonly run: string;
  readonly step: number;
  readonly metrics: readonly {
    readonly name: string;
    readonly value: number | null;
    readonly goal: 'min' | 'max';
  }[];
}

export interface DeploymentEvent extends Envelope {
  readonly kind: 'deployment';
  readonly previous_version?: string;
  readonly change?: string;
  readonly signature?: Signature;
}

export interface NonfiniteEvent extends Envelope {
  readonly kind: 'nonfinite';
  readonly layer: string;
  readonly site?: 'input' | 'output';
  readonly nan?: number;
  readonly inf?: number;
  readonly dtype?: string;
  readonly where?: 'forward' | 'backward';
}

export interface SourceEvent extends Envelope {
  readonly kind: 'source';
  readonly status: 'started' | 'alive' | 'stopping';
  /** Events by kind, since boot. */
  readonly sent?: Readonly<Record<string, number>>;
  readonly dropped?: Readonly<Record<string, number>>;
  readonly node?: string;
  readonly accelerator?: string;
  readonly emitter_version?: string;
}

export interface ManifestEvent extends Envelope {
  readonly kind: 'manifest';
  readonly layers: readonly string[];
  readonly position?: readonly ('pre' | 'post' | 'other' | null)[];
  readonly norm?: readonly ('layernorm' | 'rmsnorm' | 'groupnorm' | 'batchnorm' | 'instancenorm' | null)[];
  readonly epsilon?: Column;
  readonly features?: Column;
  readonly dtype?: readonly (string | null)[];
  readonly kernel?: readonly (string | null)[];
  readonly affine?: readonly (boolean | null)[];
  readonly parameters_sha256?: readonly (string | null)[];
  readonly framework?: string;
  readonly revision?: string;
  readonly config?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface ParametersEvent extends Envelope {
  readonly kind: 'parameters';
  readonly layers: readonly string[];
  readonly gamma?: Block;
  readonly beta?: Block;
}

export interface ParityEvent extends Envelope {
  readonly kind: 'parity';
  readonly layers: readonly string[];
  readonly max_abs_error?: Column;
  readonly implied_epsilon?: Column;
  readonly expected_epsilon?: Column;
}

export interface MemoryEvent extends Envelope {
  readonly kind: 'memory';
  readonly device?: string;
  readonly layers: readonly string[];
  readonly allocated_bytes?: Column;
  readonly peak_bytes?: Column;
}

export interface RequestsEvent extends Envelope {
  readonly kind: 'requests';
  readonly count: number;
  readonly errors?: number;
  /** Seconds. */
  readonly latency?: Histogram | null;
  readonly cost_usd?: number;
}

export interface RunEvent extends Envelope {
  readonly kind: 'run';
  readonly run: string;
  readonly status: 'started' | 'finished' | 'failed';
  readonly reason?: string;
  readonly accelerator_seconds?: number;
  readonly cost_usd?: number;
  readonly steps_to_target?: number;
  readonly normalization?: 'layernorm' | 'rmsnorm' | 'none';
  readonly reference_run?: string;
}

export interface BaselineEvent extends Envelope {
  readonly kind: 'baseline';
  readonly action: 'pin' | 'unpin' | 'relearn';
  readonly reference?: string;
  readonly from_version?: string;
  readonly since?: string;
  readonly until?: string;
  /** Parsed `since` and `until`; null where absent. `pin` has both or `data`, `relearn` has `since`. */
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  readonly data?: string;
  readonly signature?: Signature;
}

export interface MaintenanceEvent extends Envelope {
  readonly kind: 'maintenance';
  readonly until: string;
  readonly untilMs: number;
  readonly reason?: string;
  readonly signature?: Signature;
}

export type Event =
  | ActivationsEvent
  | ChannelsEvent
  | OutputsEvent
  | TrainingStepEvent
  | ValidationEvent
  | DeploymentEvent
  | NonfiniteEvent
  | SourceEvent
  | ManifestEvent
  | ParametersEvent
  | ParityEvent
  | MemoryEvent
  | RequestsEvent
  | RunEvent
  | BaselineEvent
  | MaintenanceEvent;

export type EventKind = Event['kind'];
