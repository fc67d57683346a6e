import type { RefusedRecord } from './core.ts';
import type { Batch, SourceRecord } from './ports.ts';
import { type Fingerprint, fingerprint } from './start.ts';
import type { Tenure, TenureOptions } from './tenure.ts';

export interface Pauses {
  /** Longest stretch of folding before the event loop gets a turn. */
  readonly sliceMs: number;
  /** Gives up the turn, and waits where waiting is due; false: the tenure is over. */
  stillMine(): Promise<boolean>;
}

/**
 * Folds a batch that the chain let pass, leaving out what was folded before. At every pause the tenure is whole: state,
 * position and fingerprint agree, so that a commit may take its snapshot there. `differs`: the first record is not the
 * one that was folded here before.
 */
export async function foldBatch<State, Event, Refusal extends RefusedRecord>(
  options: TenureOptions<State, Event, Refusal>,
  tenure: Tenure<State>,
  { records, next }: Batch,
  { sliceMs, stillMine }: Pauses,
): Promise<'done' | 'ended' | 'differs'> {
  const { clock, occurrences } = options;
  let sliceStartMs = clock.nowMs();
  let last: SourceRecord | null = null;
  let folded = 0;
  let repeated = 0;
  const endSlice = (): void => {
    if (last === null) return;
    tenure.last = fingerprint(last);
    occurrences.folded(folded, clock.nowMs() - sliceStartMs);
    last = null;
    folded = 0;
  };

  for (const record of records) {
    if (tenure.check !== null) {
      const found = compare(tenure.check, record);
      if (found === 'differs') return 'differs';
      tenure.check = null;
      if (found === 'same') continue;
    }
    if (record.position < tenure.next) {
      if (tenure.last !== null && compare(tenure.last, record) === 'differs') return 'differs';
      repeated += 1;
      continue;
    }
    foldRecord(options, tenure, record);
    last = record;
    folded += 1;
    if (clock.nowMs() - sliceStartMs < sliceMs) continue;
    endSlice();
    if (!(await stillMine())) return 'ended';
    sliceStartMs = clock.nowMs();
  }
  endSlice();
  occurrences.recordsRepeated(repeated);
  if (next > tenure.next) tenure.next = next;
  if (tenure.check !== null && next > tenure.check.position) tenure.check = null;
  return (await stillMine()) ? 'done' : 'ended';
}

/** `gone`: retention or compaction took the record, nothing can be said. */
function compare(check: Fingerprint, record: SourceRecord): 'same' | 'differs' | 'gone' {
  if (record.position !== check.position) return 'gone';
  return fingerprint(record).hash === check.hash ? 'same' : 'differs';
}

/** What throws here is a bug of ours, not bad input: the agent stops and says where. */
function foldRecord<State, Event, Refusal extends RefusedRecord>(
  { partition, core, occurrences }: TenureOptions<State, Event, Refusal>,
  tenure: Tenure<State>,
  { position, value, headers, arrivedMs }: SourceRecord,
): void {
  try {
    const decoded = core.decode(value, headers);
    if (decoded.ok) core.foldEvent(tenure.state, decoded.event, arrivedMs);
    else {
      core.foldRefusal(tenure.state, decoded.refusal);
      occurrences.recordRefused(partition, position, decoded.refusal);
    }
  } catch (error) {
    throw new Error(`${partition} position ${position}: ${(error as Error).message}`, { cause: error });
  }
  tenure.next = position + 1n;
  tenure.uncommitted += 1;
}
