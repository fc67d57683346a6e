import { BATCH_RECORDS_MAX, refusedText } from '../kafka/codecs.ts';

/** What the client's reader asks an inflated batch for. */
interface Inflated {
  readonly length: number;
  readInt8(): number;
  readVarInt(): [value: number, bytes: number];
  readVarInt64(): [value: bigint, bytes: number];
  slice(): Buffer;
}

const VARINTS_OF_A_RECORD = 5;

/**
 * Records without key and headers and with a value that is no event, as many as the client's reader asks for: it alone
 * knows the number, so it gets something that answers like an inflated batch.
 */
export function refusedRecords(error: unknown): Inflated {
  const text = refusedText(error);
  let asked = 0;
  return {
    length: 0,
    readInt8: () => 0,
    readVarInt64: () => [0n, 0],
    readVarInt() {
      const record = Math.floor(asked / VARINTS_OF_A_RECORD);
      if (record >= BATCH_RECORDS_MAX) throw error;
      // In the order of a record: its length, its place in the batch, length of key, of value, number of headers.
      const value = [0, record, -1, text.length, 0][asked++ % VARINTS_OF_A_RECORD]!;
      return [value, 0];
    },
    slice: () => text,
  };
}
