/** Why a record was not taken. A fixed list: it becomes a metric label and never grows from input. */
export const REFUSAL_REASONS = [
  'empty',
  'too_large',
  'not_utf8',
  'not_json',
  'not_object',
  'too_deep',
  'forbidden_key',
  'bad_version',
  'unknown_kind',
  'missing_field',
  'bad_field',
  'bad_column',
  'out_of_range',
  'too_long',
  'bad_time',
  'envelope_mismatch',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

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
