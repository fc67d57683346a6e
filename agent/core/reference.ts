/** References of a model: what its streams are held against, and which of them binds which weights. */
import { BUCKET_STRIDE, type Bucket, bucketCodec, layersCodec } from './bucket.ts';
import { type Calibration, calibrationCodec } from './calibration.ts';
import { type Codec, CodecError, decodeBytes, encode, f64, nullable, str, struct, word } from './codec.ts';
import { HOUR_STRIDE, type Hours, hoursCodec } from './hours.ts';
import { LIMITS } from './limits.ts';
import { MANIFEST_CHARS_MAX, type Manifest, readManifest, sameParameters } from './manifests.ts';

const KINDS = ['pinned', 'learned'] as const;

export interface Reference {
  id: string;
  kind: (typeof KINDS)[number];
  version: string;
  checkpoint: string | null;
  createdMs: number;
  layers: string[];
  bucket: Bucket;
  /** What its own ticks say of the detectors; null where they were too few. */
  calibration: Calibration | null;
  /** What was known of the hours of the day when it was exported. */
  hours: Hours | null;
  /** What most of its sources declared, as JSON; empty where they declared nothing. */
  manifest: string;
}

export const referenceCodec: Codec<Reference> = struct<Reference>({
  id: str,
  kind: word(KINDS),
  version: str,
  checkpoint: nullable(str),
  createdMs: f64,
  layers: layersCodec,
  bucket: bucketCodec,
  calibration: nullable(calibrationCodec),
  hours: nullable(hoursCodec),
  manifest: str,
});

export const REFERENCES_MAX = 16;
/** `baseline export` in bytes. */
export const REFERENCE_BYTES_MAX = 512 * 1024;
const MAGIC = 0x6e;

/**
 * Weights are the same when the checksums of parameters are equal, in any of the manifests: one source may be corrupted.
 * Where checksums cannot tell, when the checkpoints are equal or neither names one.
 */
export function sameWeights(
  reference: Reference,
  checkpoint: string | null,
  declared: readonly Manifest[] = [],
): boolean {
  const known = declared.length === 0 ? null : manifestOfReference(reference);
  const verdicts = known === null ? [] : declared.map((one) => sameParameters(one, known));
  const told = verdicts.filter((verdict) => verdict !== null);
  return told.length > 0 ? told.includes(true) : reference.checkpoint === checkpoint;
}

const MANIFESTS = new WeakMap<Reference, { text: string; manifest: Manifest | null }>();

/** Null where it declares nothing. */
export function manifestOfReference(reference: Reference): Manifest | null {
  let read = MANIFESTS.get(reference);
  if (read === undefined || read.text !== reference.manifest) {
    const text = reference.manifest;
    read = { text, manifest: text === '' ? null : readManifest(text) };
    MANIFESTS.set(reference, read);
  }
  return read.manifest;
}

/**
 * The reference for a version with this checkpoint, whose sources declare this: its own version's before another's, a pinned one before a learned
 * one, the newest first. Null when none has the same weights.
 */
export function bindingReference(
  references: readonly Reference[],
  version: string,
  checkpoint: string | null,
  declared: readonly Manifest[] = [],
): Reference | null {
  const fitting = references.filter((r) => sameWeights(r, checkpoint, declared));
  const rank = (r: Reference): number => (r.version === version ? 2 : 0) + (r.kind === 'pinned' ? 1 : 0);
  fitting.sort((a, b) => rank(b) - rank(a) || b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1));
  return fitting[0] ?? null;
}

/** Adds or replaces by id; beyond the cap the oldest learned one goes first. */
export function addReference(references: Reference[], reference: Reference): Reference[] {
  const others = references.filter((r) => r.id !== reference.id);
  while (others.length >= REFERENCES_MAX) {
    const oldest = others.reduce((a, b) =>
      (a.kind === b.kind ? a.createdMs <= b.createdMs : a.kind === 'learned') ? a : b,
    );
    others.splice(others.indexOf(oldest), 1);
  }
  return [...others, reference].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Bytes of `baseline export`: histograms, sums and manifest are left out when they do not fit. Throws CodecError when even the rest takes more
 * than REFERENCE_BYTES_MAX (some 2,000 layers).
 */
export function exportReference(reference: Reference): Uint8Array {
  const whole = encode(referenceCodec, reference);
  const body =
    whole.length < REFERENCE_BYTES_MAX
      ? whole
      : encode(referenceCodec, {
          ...reference,
          bucket: { ...reference.bucket, histograms: [], sums: new Map() },
          manifest: '',
        });
  if (body.length >= REFERENCE_BYTES_MAX)
    throw new CodecError(
      `a baseline of ${reference.layers.length} layers takes ${body.length} bytes, at most ${REFERENCE_BYTES_MAX} can be exported`,
    );
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = MAGIC;
  bytes.set(body, 1);
  return bytes;
}

/** Reads `baseline export`; throws CodecError on anything else. Bytes are untrusted. */
export function importReference(bytes: Uint8Array): Reference {
  if (bytes.length > REFERENCE_BYTES_MAX || bytes[0] !== MAGIC) throw new CodecError('not a baseline export');
  const reference = decodeBytes(referenceCodec, bytes.subarray(1));
  const { bucket, layers, calibration, hours } = reference;
  const cellCount = layers.length * 2;
  const wellFormed =
    layers.length <= LIMITS.layers &&
    new Set(layers).size === layers.length &&
    bucket.cells.length === cellCount * BUCKET_STRIDE &&
    bucket.histograms.length <= cellCount &&
    bucket.ticks >= 0 &&
    reference.manifest.length <= MANIFEST_CHARS_MAX &&
    bucket.flushes >= 0 &&
    (calibration === null || calibration.phi.length === cellCount * 2) &&
    (hours === null || hours.rows.length === cellCount * 2 * HOUR_STRIDE);
  if (!wellFormed) throw new CodecError('baseline export does not add up');
  return reference;
}
