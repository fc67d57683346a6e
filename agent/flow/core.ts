import type { PartitionView } from '../core/view.ts';
import type { Finding } from './ports.ts';

/**
 * The fold as the flow sees it: one value of functions, so that the simulator can run the same flow over a fold small
 * enough to be judged by an oracle. All of it is synchronous and pure; `State` belongs to one partition.
 */
export interface Core<State, Event, Refusal extends RefusedRecord> {
  decode(
    value: Uint8Array | null,
    headers: ReadonlyMap<string, Uint8Array>,
  ): { readonly ok: true; readonly event: Event } | { readonly ok: false; readonly refusal: Refusal };
  create(): State;
  /** Throws when the fields cannot be read; the flow then starts cold. */
  restore(fields: ReadonlyMap<string, Uint8Array>): State;
  foldEvent(state: State, event: Event, arrivedMs: number | null): void;
  foldRefusal(state: State, refusal: Refusal): void;
  /** The end of a finite log: what is complete is closed. */
  finish(state: State): void;
  takeFindings(state: State): readonly Finding[];
  takeDirty(state: State): { readonly set: Map<string, Uint8Array>; readonly remove: readonly string[] };
  view(state: State): PartitionView;
}

/** What the flow tells of a record that decode refused. */
export interface RefusedRecord {
  readonly reason: string;
  readonly field: string | null;
  readonly detail: string;
}
