import type { PartitionView } from '../../../agent/core/view.ts';
import type { Core, RefusedRecord } from '../../../agent/flow/core.ts';
import type { Finding } from '../../../agent/flow/ports.ts';

/**
 * A fold small enough to be judged: it remembers how often it saw each id, spread over several fields and a total that
 * must agree with them, so that fields from two moments show. Every fifth id is a finding, every eleventh is refused.
 */
export interface IdState {
  readonly buckets: Map<number, number>[];
  total: number;
  readonly dirty: Set<number>;
  findings: Finding[];
}

export interface IdRefusal extends RefusedRecord {
  readonly id: number;
}

const BUCKETS = 4;
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const parse = (bytes: Uint8Array | undefined): unknown =>
  bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));

export const isFinding = (id: number): boolean => id % 5 === 0 && !isRefused(id);
export const isRefused = (id: number): boolean => id % 11 === 0;

function create(): IdState {
  return {
    buckets: Array.from({ length: BUCKETS }, () => new Map()),
    total: 0,
    dirty: new Set(),
    findings: [],
  };
}

function see(state: IdState, id: number): void {
  const bucket = state.buckets[id % BUCKETS]!;
  bucket.set(id, (bucket.get(id) ?? 0) + 1);
  state.total += 1;
  state.dirty.add(id % BUCKETS);
}

export const idFold: Core<IdState, { readonly id: number }, IdRefusal> = {
  decode(value) {
    const { id } = parse(value ?? undefined) as { id: number };
    if (!isRefused(id)) return { ok: true, event: { id } };
    return { ok: false, refusal: { reason: 'bad', field: null, detail: `id ${id}`, id } };
  },
  create,
  restore(fields) {
    const state = create();
    for (const [i, bucket] of state.buckets.entries()) {
      const stored = (parse(fields.get(`bucket${i}`)) ?? []) as [number, number][];
      for (const [id, count] of stored) bucket.set(id, count);
    }
    state.total = (parse(fields.get('total')) ?? 0) as number;
    if (state.total !== sum(state)) throw new Error('fields of two moments');
    return state;
  },
  foldEvent(state, { id }) {
    see(state, id);
    if (!isFinding(id)) return;
    state.findings.push({
      event: 'opened',
      id: String(id),
      environment: 'e',
      model: 'm',
      message: `id ${id}`,
    });
  },
  foldRefusal: (state, { id }) => see(state, id),
  finish: () => undefined,
  takeFindings(state) {
    const taken = state.findings;
    state.findings = [];
    return taken;
  },
  takeDirty(state) {
    const set = new Map<string, Uint8Array>();
    for (const i of state.dirty) set.set(`bucket${i}`, encode([...state.buckets[i]!]));
    if (set.size > 0) set.set('total', encode(state.total));
    state.dirty.clear();
    return { set, remove: [] };
  },
  view: (state): PartitionView => ({ models: [], rejected: { total: state.total } }),
};

const sum = ({ buckets }: IdState): number =>
  buckets.reduce((n, b) => n + [...b.values()].reduce((m, c) => m + c, 0), 0);

/** For the oracle: what stored fields say, without `restore`. */
export function countsOf(fields: ReadonlyMap<string, Uint8Array>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [name, bytes] of fields) {
    if (!name.startsWith('bucket')) continue;
    for (const [id, count] of parse(bytes) as [number, number][]) counts.set(id, count);
  }
  return counts;
}
