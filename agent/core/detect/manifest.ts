/**
 * What the sources of a stream declare, held against what should run. No statistics: scenario "the fused op has another
 * default epsilon" is told before the first request shows it. It catches nothing that nobody declares.
 */
import type { Declared, DeclaredDifference } from '../declared.ts';
import { cellOf } from '../layout.ts';
import { FIELDS, type Field, type Value } from '../manifests.ts';
import type { Detector, DetectorState, Signal, TickContext } from './contract.ts';
import { effectOf } from './effect.ts';

const CONFIDENCE = 0.98;
/** Another kernel may compute the same: it is only worth a look when one source alone has it. */
const KERNEL_CONFIDENCE = 0.5;
/** Differences that were accepted as the new normal. */
const ACCEPTED_MAX = 256;
/** Row of the stream: when declarations began to differ; 0 while they do not. */
const ONSET_MS = 0;

export const manifest: Detector = {
  name: 'manifest',
  family: 'drift',
  doc:
    'What sources declare in `manifest` events: epsilon, kind of normalization, affine, checksums of parameters, number ' +
    'format and width, layer by layer, against the reference (or the version it comes from), against the training of ' +
    'the same checkpoint, and against peers, of whom the majority is right. Needs no budget, since what is declared ' +
    'is no matter of chance. Another kernel alone is told only of a source among its peers. Misses what nobody declares, ' +
    'and declarations that are not true.',
  params: [
    {
      name: 'confidence',
      unit: 'ratio',
      value: CONFIDENCE,
      help: 'that the declared difference is the cause',
    },
    { name: 'kernelConfidence', unit: 'ratio', value: KERNEL_CONFIDENCE, help: 'the same of a kernel alone' },
  ],
  metrics: ['incident_info'],
  causes: [
    'epsilon_mismatch',
    'norm_type',
    'missing_affine',
    'weight_corruption',
    'precision_change',
    'manifest_mismatch',
  ],
  cellStride: 0,
  streamStride: 1,
  tick(context, state) {
    const { declared } = context;
    const told = declared === null ? [] : differencesToTell(declared, state, context.tick.endMs);
    const first = told[0];
    if (declared === null || first === undefined) {
      state.stream[ONSET_MS] = 0;
      return [];
    }
    if (state.stream[ONSET_MS] === 0)
      state.stream[ONSET_MS] = Math.max(context.tick.startMs, declared.sinceMs(first));
    return [signalOf(context, declared, told, first, state.stream[ONSET_MS]!)];
  },
};

/** What is declared now is the new normal: it is not told again, until it changes. */
export function acceptDifferences(state: DetectorState, declared: Declared | null): void {
  for (const difference of declared?.differences ?? [])
    if (state.named.size < ACCEPTED_MAX) state.named.set(acceptedKey(difference), new Float64Array(0));
}

const acceptedKey = ({ against, field, own, expected }: DeclaredDifference): string =>
  `${against}\n${field}\n${own}\n${expected}`;

/** The first layer in forward order first, and of it what explains most. What comes after the tick is none of its matter. */
function differencesToTell(
  { differences, sinceMs }: Declared,
  { named }: DetectorState,
  endMs: number,
): DeclaredDifference[] {
  if (differences.length === 0) return [];
  const open = differences.filter((one) => !named.has(acceptedKey(one)) && sinceMs(one) < endMs);
  const heavy = open.filter(({ field }) => field !== 'kernel');
  const told = heavy.length > 0 ? heavy : open.filter(({ against }) => against === 'peers');
  return told.sort((a, b) => a.order - b.order || FIELDS.indexOf(a.field) - FIELDS.indexOf(b.field));
}

function signalOf(
  context: TickContext,
  declared: Declared,
  told: readonly DeclaredDifference[],
  first: DeclaredDifference,
  onsetMs: number,
): Signal {
  const cause = causeOf(first);
  const layers = new Set(told.map(({ layer }) => layer)).size;
  const layer = context.layers.indexOf(first.layer);
  const sources = declared.sourcesOf(first);
  return {
    layer,
    site: 'output',
    sources,
    cause,
    confidence: first.field === 'kernel' ? KERNEL_CONFIDENCE : CONFIDENCE,
    ...effectOf(context, layer < 0 ? -1 : cellOf(layer, 1), cause, layers / declared.layers),
    onsetMs,
    evidence: {
      ...evidenceOf(first),
      declared_at: first.layer,
      declared_against: first.against,
      declared_layers_differing: layers,
      declared_fields_differing: FIELDS.filter((field) => told.some((one) => one.field === field)).join(', '),
    },
    says: `${sayDifference(first, sources.length > 0)}${layers > 1 ? ` (and at ${layers - 1} more)` : ''}`,
  };
}

const CAUSES: Readonly<Record<Field, string>> = {
  norm: 'norm_type',
  epsilon: 'epsilon_mismatch',
  affine: 'missing_affine',
  parameters_sha256: 'weight_corruption',
  dtype: 'precision_change',
  features: 'manifest_mismatch',
  position: 'manifest_mismatch',
  kernel: 'manifest_mismatch',
};

/** Gamma and beta where there should be none are no missing ones. */
const causeOf = ({ field, own }: DeclaredDifference): string =>
  field === 'affine' && own === true ? 'manifest_mismatch' : CAUSES[field];

/** What an epsilon is known by, whoever found it: `implied_epsilon`. */
const evidenceOf = ({ field, own, expected }: DeclaredDifference): Record<string, number | string> => ({
  [`declared_${field}`]: plain(own),
  [`expected_${field}`]: plain(expected),
  ...(field === 'epsilon' ? { implied_epsilon: plain(own) } : {}),
});

const plain = (value: Value): number | string => (typeof value === 'boolean' ? String(value) : value);

const OTHERS: Readonly<Record<DeclaredDifference['against'], string>> = {
  reference: 'its reference',
  training: 'its training',
  peers: 'its peers',
};

function sayDifference(
  { against, field, layer, own, expected }: DeclaredDifference,
  blames: boolean,
): string {
  const mine = sayValue(field, own);
  const theirs = sayValue(field, expected);
  if (against === 'peers' && !blames)
    return `sources disagree at ${layer}: some declare ${mine}, as many ${theirs}`;
  return `declares ${mine} at ${layer}, ${OTHERS[against]} ${theirs}`;
}

function sayValue(field: Field, value: Value): string {
  if (field === 'affine') return value === true ? 'gamma and beta' : 'no gamma and beta';
  if (field === 'parameters_sha256') return `parameters ${String(value).slice(0, 8)}…`;
  if (field === 'features') return `${value} features`;
  return field === 'norm' ? String(value) : `${field} ${value}`;
}
