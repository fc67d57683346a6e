/**
 * Every bound on what comes from outside, in one place. Data only. A bound is inclusive: the value itself is taken.
 */
export const LIMITS = {
  /** One message, bytes: what Kafka takes by default (`message.max.bytes`). */
  messageBytes: 1 << 20,
  /** Nesting of a value under an unknown key; known fields have their own shape. */
  depth: 16,

  /** Names: model, version, source, run …, characters (code points). */
  nameChars: 128,
  /** Layer and group names. */
  layerChars: 256,
  /** The value of a label. */
  labelChars: 256,
  /** Free text: `change`, `reason`. */
  textChars: 1024,
  /** Base64 of the 512 KiB that a `baseline export` may have. */
  baselineDataChars: 4 * Math.ceil((512 * 1024) / 3),

  /** Normalization layers of one model, parameter groups of one run. */
  layers: 4096,
  /** Features of one layer in `channels`. What a message can hold bounds their total. */
  channelFeatures: 16_384,
  probabilities: 1024,
  validationMetrics: 256,
  /** Entries of `labels`, `sent`, `dropped`. */
  mapEntries: 64,
  /** Entries of a manifest's `config`. */
  configEntries: 256,

  /** Buckets of one side of an exponential histogram. */
  histogramBuckets: 2048,
  histogramScaleMin: -10,
  histogramScaleMax: 20,

  /** Counts are doubles: exact up to here. */
  count: 2 ** 53,
  /** Largest magnitude of a number, somewhat short of the largest double (1.8e308). */
  magnitude: 1e308,
  /** One flush: a day. */
  windowMs: 86_400_000,
  /** 2000-01-01 up to, not including, 2101-01-01. */
  timeMsMin: 946_684_800_000,
  timeMsMax: 4_133_980_799_999,
  /** A planned window's `until` after its `time`: longer mutes are refused. */
  maintenanceMs: 86_400_000,
} as const;
