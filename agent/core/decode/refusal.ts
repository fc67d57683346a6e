/** Why a record was not taken. A fixed list: it becomes a metric label and never grows from input. */
export const REFUSALS = {
  empty: 'no bytes, or a tombstone',
  too_large: 'more bytes than one message may have',
  not_utf8: 'bytes that are no UTF-8',
  not_json: 'text that is no JSON: cut off, or NaN written as a word',
  not_object: 'JSON, but no object',
  too_deep: 'an unknown key holds a value nested too deeply',
  forbidden_key: 'a key that reaches into prototypes',
  bad_version: 'a schema version (or one of CloudEvents) not known here',
  unknown_kind: 'a kind not known here: a newer producer',
  missing_field: 'a required field is not there',
  bad_field: 'a field of the wrong type, or a word that is not one of its words',
  bad_column: 'a column not as long as its list, or with a value of the wrong type, or with min above max',
  out_of_range: 'a number, or an order of two, beyond its bounds',
  too_long: 'a text or list longer than its bound',
  bad_time: 'no time, or one outside the years 2000 to 2100',
  envelope_mismatch: 'the CloudEvents attributes contradict the event',
} as const;

export type RefusalReason = keyof typeof REFUSALS;

export const REFUSAL_REASONS = Object.keys(REFUSALS) as readonly RefusalReason[];

/** A refused record. All texts are clean (no control characters) and short, whatever the input was. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** Where, e.g. `input.mean[3]`; null when it is about the record as a whole. */
  readonly field: string | null;
  readonly detail: string;
  /** Who sent it, as far as those fields could be read and are well formed. */
  readonly kind: string | null;
  readonly environment: string | null;
  readonly model: string | null;
}
