/**
 * What sources declare they run, layer by layer, and where declarations differ. Texts come from outside and from stores:
 * whatever has not the type it should have is not known, and what only one of two knows is no difference.
 */
import { byName } from './codec.ts';
import type { ManifestEvent } from './decode/event.ts';
import { mergeLayouts } from './layout.ts';
import { LIMITS } from './limits.ts';

/** Characters of one manifest that is kept. */
export const MANIFEST_CHARS_MAX = 256 * 1024;

/** What is compared; in a layer where several differ, the first tells the story. */
export const FIELDS = [
  'norm',
  'epsilon',
  'affine',
  'parameters_sha256',
  'dtype',
  'features',
  'position',
  'kernel',
] as const;
export type Field = (typeof FIELDS)[number];
export type Value = string | number | boolean;
export type LayerManifest = { readonly [F in Field]?: Value };

/** Layers in forward order. */
export type Manifest = ReadonlyMap<string, LayerManifest>;

export interface FieldDifference {
  readonly layer: string;
  readonly field: Field;
  readonly own: Value;
  readonly expected: Value;
}

/**
 * Keys in one order, so that equal manifests are equal texts. What a training declares at its start knows nothing of the
 * parameters it ends with, so these can be left out.
 */
export function manifestText(event: ManifestEvent, withParameters = true): string {
  const { layers, position, norm, epsilon, features, dtype, kernel, affine } = event;
  const { parameters_sha256, framework, revision, config } = event;
  return JSON.stringify({
    layers,
    position,
    norm,
    epsilon,
    features,
    dtype,
    kernel,
    affine,
    parameters_sha256: withParameters ? parameters_sha256 : undefined,
    framework,
    revision,
    config: config && Object.fromEntries(Object.entries(config).sort(([a], [b]) => byName(a, b))),
  });
}

const TYPES: Readonly<Record<Field, 'string' | 'number' | 'boolean'>> = {
  norm: 'string',
  epsilon: 'number',
  affine: 'boolean',
  parameters_sha256: 'string',
  dtype: 'string',
  features: 'number',
  position: 'string',
  kernel: 'string',
};

/** Null when the text is no manifest. */
export function readManifest(text: string): Manifest | null {
  const body = parse(text);
  const layers: unknown = body?.layers;
  if (body === null || !Array.isArray(layers)) return null;
  const manifest = new Map<string, LayerManifest>();
  const columns = FIELDS.map((field) => {
    const column = body[field];
    return Array.isArray(column) && column.length === layers.length ? column : null;
  });
  layers.slice(0, LIMITS.layers).forEach((layer: unknown, i) => {
    if (typeof layer !== 'string') return;
    const declared: { [F in Field]?: Value } = {};
    FIELDS.forEach((field, f) => {
      const value = plain(field, columns[f]?.[i]);
      if (value !== null) declared[field] = value;
    });
    manifest.set(layer, declared);
  });
  return manifest;
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** One spelling of each value; null where it is not known. */
function plain(field: Field, value: unknown): Value | null {
  if (typeof value !== TYPES[field]) return null;
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : null;
  if (typeof value === 'boolean') return value;
  const text = (value as string).toLowerCase();
  return field === 'dtype' ? dtypeName(text) : text;
}

const DTYPES: ReadonlyMap<string, string> = new Map([
  ...['float64', 'fp64', 'f64', 'double'].map((name) => [name, 'float64'] as const),
  ...['float32', 'fp32', 'f32', 'float', 'single'].map((name) => [name, 'float32'] as const),
  ...['float16', 'fp16', 'f16', 'half'].map((name) => [name, 'float16'] as const),
  ...['bfloat16', 'bf16'].map((name) => [name, 'bfloat16'] as const),
]);

/** `torch.half`, `fp16` and `float16` are one format. */
function dtypeName(text: string): string {
  const bare = text.slice(text.lastIndexOf('.') + 1);
  return DTYPES.get(bare) ?? bare;
}

/** Numbers that took the way through single precision are the same: 1e-5 comes back as 9.999999747e-6. */
const SINGLE_PRECISION = 1e-6;

export function sameValue(one: Value, other: Value): boolean {
  if (typeof one !== 'number' || typeof other !== 'number') return one === other;
  return Math.abs(one - other) <= SINGLE_PRECISION * Math.max(one, other);
}

/** In the order of `own`; layers and fields that only one of the two declares are left out. */
export function compareManifests(own: Manifest, expected: Manifest): FieldDifference[] {
  const found: FieldDifference[] = [];
  for (const [layer, declared] of own) {
    const other = expected.get(layer);
    if (other === undefined) continue;
    for (const field of FIELDS) {
      const a = declared[field];
      const b = other[field];
      if (a === undefined || b === undefined || sameValue(a, b)) continue;
      found.push({ layer, field, own: a, expected: b });
    }
  }
  return found;
}

/**
 * Whether two declare the same parameters: null when there is no checksum that both know. One layer that differs is
 * enough: no training leaves it so.
 */
export function sameParameters(one: Manifest, other: Manifest): boolean | null {
  let common = 0;
  for (const [layer, { parameters_sha256: a }] of one) {
    const b = other.get(layer)?.parameters_sha256;
    if (a === undefined || b === undefined) continue;
    if (a !== b) return false;
    common++;
  }
  return common > 0 ? true : null;
}

/** Sources that declare the same: how many they are. */
export interface DeclaringGroup {
  readonly manifest: Manifest;
  readonly count: number;
}

export interface GroupDifference extends FieldDifference {
  /** Places of the groups that are off; none = nobody is blamed. */
  readonly groups: readonly number[];
}

/** Where groups of one stream differ: of a layer and field the value of more than half of the sources that know it rules. */
export function comparePeers(groups: readonly DeclaringGroup[]): GroupDifference[] {
  if (groups.length < 2) return [];
  const layers = mergeLayouts(groups.map(({ manifest }) => [...manifest.keys()]));
  return layers.flatMap((layer) =>
    FIELDS.flatMap((field) => {
      const camps = campsOf(groups, layer, field);
      return camps.length < 2 ? [] : judgeCamps(layer, field, camps);
    }),
  );
}

interface Camp {
  readonly value: Value;
  readonly groups: number[];
  count: number;
}

/** The most sources first; of equals the one whose first group comes first. */
function campsOf(groups: readonly DeclaringGroup[], layer: string, field: Field): Camp[] {
  const camps: Camp[] = [];
  groups.forEach(({ manifest, count }, place) => {
    const value = manifest.get(layer)?.[field];
    if (value === undefined) return;
    const camp = camps.find((one) => sameValue(one.value, value));
    if (camp === undefined) camps.push({ value, groups: [place], count });
    else {
      camp.groups.push(place);
      camp.count += count;
    }
  });
  return camps.sort((a, b) => b.count - a.count || a.groups[0]! - b.groups[0]!);
}

function judgeCamps(layer: string, field: Field, camps: readonly Camp[]): GroupDifference[] {
  const [first, ...others] = camps as [Camp, ...Camp[]];
  const total = camps.reduce((sum, { count }) => sum + count, 0);
  const rules = first.count * 2 > total;
  return others.map(({ value, groups }) => ({
    layer,
    field,
    own: value,
    expected: first.value,
    groups: rules ? groups : [],
  }));
}
