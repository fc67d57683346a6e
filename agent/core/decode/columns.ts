/** Rules for what comes once per layer: the list of layers itself, columns, blocks of columns, histograms. */
import { LIMITS } from '../limits.ts';
import { type Axis, nullable, object, optional, type Rule, reference, rule, says } from './declare.ts';
import { expected, type Fault, fault, within } from './fault.ts';
import { checkName, checkNumber, integer, name, real } from './scalars.ts';

/** One value per layer, in the order of `layers`. `null`: measured, not finite. */
export type Column = readonly (number | null)[];

/** The list that columns line up with. Unique, unless the kind says what tells equal names apart. */
export function axis(
  defines: Axis,
  { unique }: { unique: boolean } = { unique: true },
): Rule<readonly string[], true, false> {
  return rule(
    {
      type: 'array',
      items: name(LIMITS.layerChars).schema,
      maxItems: LIMITS.layers,
      ...(unique && { uniqueItems: true }),
    },
    (value) => {
      if (!Array.isArray(value)) return expected('an array of names', value);
      if (value.length > LIMITS.layers)
        return fault('too_long', `${value.length} names, at most ${LIMITS.layers}`);
      for (let i = 0; i < value.length; i++) {
        const bad = checkName(value[i], LIMITS.layerChars);
        if (bad !== null) return within(`[${i}]`, bad);
      }
      return unique ? checkUnique(value) : null;
    },
    { defines },
  );
}

/** What a number in a column may be. */
interface Numbers {
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

const ANY: Numbers = { min: -LIMITS.magnitude, max: LIMITS.magnitude, whole: false };
const NON_NEGATIVE: Numbers = { min: 0, max: LIMITS.magnitude, whole: false };
const COUNT: Numbers = { min: 0, max: LIMITS.count, whole: true };

export const reals = (of: Axis): Rule<Column, true, false> => column(of, ANY);
export const nonNegatives = (of: Axis): Rule<Column, true, false> => column(of, NON_NEGATIVE);
export const counts = (of: Axis): Rule<Column, true, false> => column(of, COUNT);

function column(of: Axis, numbers: Numbers): Rule<Column, true, false> {
  return rule(
    columnSchema(numbers, LIMITS.layers),
    (value, sizes) => {
      if (!Array.isArray(value)) return badColumn(expected('an array', value));
      if (value.length !== sizes[of]) return misaligned(value.length, of, sizes[of]);
      return checkNumbers(value, numbers);
    },
    { needs: of },
  );
}

const columnSchema = ({ min, max, whole }: Numbers, itemsMax: number) => ({
  type: 'array',
  items: { type: [whole ? 'integer' : 'number', 'null'], minimum: min, maximum: max },
  maxItems: itemsMax,
});

/** The innermost loop of decode: no calls, no allocation. */
function checkNumbers(values: readonly unknown[], { min, max, whole }: Numbers): Fault | null {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) continue;
    if (typeof value === 'number' && value >= min && value <= max && (!whole || Math.floor(value) === value))
      continue;
    return within(`[${i}]`, badColumn(checkNumber(value, min, max, whole)!));
  }
  return null;
}

/** One value of any rule per layer. */
export function each<T>(of: Axis, inner: Rule<T, true, false>): Rule<readonly T[], true, false> {
  return rule(
    { type: 'array', items: inner.schema, maxItems: LIMITS.layers },
    (value, sizes) => {
      if (!Array.isArray(value)) return badColumn(expected('an array', value));
      if (value.length !== sizes[of]) return misaligned(value.length, of, sizes[of]);
      for (let i = 0; i < value.length; i++) {
        const bad = inner.check(value[i], sizes);
        if (bad !== null) return within(`[${i}]`, badColumn(bad));
      }
      return null;
    },
    { needs: of },
  );
}

/** One row of numbers per layer, each as wide as the layer has features. */
export function rows(of: Axis, sign: 'any' | 'non-negative'): Rule<readonly Column[], true, false> {
  const numbers = sign === 'any' ? ANY : NON_NEGATIVE;
  return rule(
    { type: 'array', items: columnSchema(numbers, LIMITS.channelFeatures), maxItems: LIMITS.layers },
    (value, sizes) => {
      if (!Array.isArray(value)) return badColumn(expected('an array of arrays', value));
      if (value.length !== sizes[of]) return misaligned(value.length, of, sizes[of]);
      for (let i = 0; i < value.length; i++) {
        const row: unknown = value[i];
        if (!Array.isArray(row)) return within(`[${i}]`, badColumn(expected('an array', row)));
        if (row.length > LIMITS.channelFeatures) {
          return within(
            `[${i}]`,
            fault('too_long', `${row.length} features, at most ${LIMITS.channelFeatures}`),
          );
        }
        const bad = checkNumbers(row, numbers);
        if (bad !== null) return within(`[${i}]`, bad);
      }
      return null;
    },
    { needs: of },
  );
}

/** Numbers without holes: buckets, a distribution. */
function numberList(numbers: Numbers, itemsMax: number): Rule<readonly number[], true, false> {
  const { min, max, whole } = numbers;
  return rule(
    {
      type: 'array',
      items: { type: whole ? 'integer' : 'number', minimum: min, maximum: max },
      maxItems: itemsMax,
    },
    (value) => {
      if (!Array.isArray(value)) return badColumn(expected('an array', value));
      if (value.length > itemsMax) return fault('too_long', `${value.length} values, at most ${itemsMax}`);
      const hole = value.indexOf(null);
      if (hole >= 0) return within(`[${hole}]`, badColumn(expected('a number', null)));
      return checkNumbers(value, numbers);
    },
  );
}

/** A categorical distribution. Its sum is not asked for: it was rounded on the way. */
export const distribution = (itemsMax: number): Rule<readonly number[], true, false> =>
  numberList({ min: 0, max: 1 + 1e-6, whole: false }, itemsMax);

const OFFSET_MAX = 2 ** 31 - 1;

const buckets = object({
  offset: says('index of the first bucket', integer(-OFFSET_MAX - 1, OFFSET_MAX)),
  counts: numberList(COUNT, LIMITS.histogramBuckets),
});

const histogramReference = reference(
  'histogram',
  object(
    {
      scale: says(
        'bucket i covers (2^(i·2^−scale), 2^((i+1)·2^−scale)]',
        integer(LIMITS.histogramScaleMin, LIMITS.histogramScaleMax),
      ),
      zero_count: says('values of a magnitude up to zero_threshold', integer(0, LIMITS.count)),
      zero_threshold: says('0 where absent', optional(real(0))),
      positive: says('values above zero_threshold', optional(buckets)),
      negative: says('values below −zero_threshold, by magnitude', optional(buckets)),
    },
    {
      says: 'Every bucket overlaps the range of doubles.',
      check: ({ scale, positive, negative }) =>
        checkReach('positive', positive, scale) ?? checkReach('negative', negative, scale),
    },
  ),
);

/** Exponential histogram with the meaning of the OpenTelemetry data model. An absent side has no buckets. */
export const histogram = (): typeof histogramReference.rule => histogramReference.rule;

/** Buckets beyond the smallest and largest double would have infinite or empty bounds in every later sum. */
function checkReach(
  side: string,
  given: { offset: number; counts: readonly number[] } | undefined,
  scale: number,
) {
  if (given === undefined || given.counts.length === 0) return null;
  const perOctave = 2 ** scale;
  const low = Math.floor(-1075 * perOctave) - 1;
  const high = Math.ceil(1024 * perOctave);
  if (given.offset >= low && given.offset + given.counts.length <= high) return null;
  return fault('out_of_range', `buckets beyond the doubles at scale ${scale}`, `${side}.offset`);
}

const blockReference = reference(
  'block',
  object(
    {
      count: says('finite elements', optional(counts('layers'))),
      mean: says('over the finite elements', optional(reals('layers'))),
      variance: says('population variance over the finite elements', optional(nonNegatives('layers'))),
      min: says('least finite element', optional(reals('layers'))),
      max: says('greatest finite element', optional(reals('layers'))),
      nan: says('NaN elements, in no other column', optional(counts('layers'))),
      inf: says('infinite elements, in no other column', optional(counts('layers'))),
      token_variance_mean: says(
        'mean over tokens of the variance across the features of one token',
        optional(nonNegatives('layers')),
      ),
      token_variance_min: says('least such variance', optional(nonNegatives('layers'))),
      histogram: says('may cover fewer elements than count', optional(each('layers', nullable(histogram())))),
    },
    { says: 'min is at most max.', check: ({ min, max }) => checkOrder(min, max) },
  ),
);

/** Columns over one tensor per layer: its input, its output, its parameters. */
export const block = (): typeof blockReference.rule => blockReference.rule;

export const SHARED = [histogramReference.shared, blockReference.shared];

function checkOrder(min: Column | undefined, max: Column | undefined): Fault | null {
  if (min === undefined || max === undefined) return null;
  for (let i = 0; i < min.length; i++) {
    const low = min[i]!;
    const high = max[i]!;
    if (low !== null && high !== null && low > high) {
      return fault('bad_column', `the least value ${low} is above the greatest ${high}`, `min[${i}]`);
    }
  }
  return null;
}

/** In a column a wrong type is a bad column, told by its element; what is out of range or too long stays that. */
const badColumn = (inner: Fault): Fault =>
  inner.reason === 'bad_field' && inner.path === '' ? { ...inner, reason: 'bad_column' } : inner;

const misaligned = (got: number, of: Axis, size: number): Fault =>
  fault('bad_column', `${got} values for ${size} ${of}`);

function checkUnique(names: readonly string[]): Fault | null {
  if (new Set(names).size === names.length) return null;
  const seen = new Set<string>();
  for (let i = 0; i < names.length; i++) {
    if (seen.has(names[i]!)) return fault('bad_field', 'named twice', `[${i}]`);
    seen.add(names[i]!);
  }
  return null;
}
