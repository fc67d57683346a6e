/** What is known to be wrong in recordings, and since when: `labels.json`. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { failure, systemDetail } from '../errors.ts';
import { type Fields, readObject } from './backtest-fields.ts';

export type Answer = 'none' | 'ticket' | 'page';
const ANSWERS: readonly string[] = ['none', 'ticket', 'page'] satisfies readonly Answer[];

/** When a fault begins. `offset`: after `startMs`, or after the minute in which the recording begins. */
export type Onset =
  | { readonly at: 'never' }
  | { readonly at: 'time'; readonly timeMs: number }
  | { readonly at: 'offset'; readonly seconds: number; readonly startMs: number | null }
  | { readonly at: 'step'; readonly step: number };

export interface Label {
  /** As the label file names it, and where that is. */
  readonly file: string;
  readonly path: string;
  /** `labels.json:12` */
  readonly where: string;
  readonly kind: 'serving' | 'training';
  readonly cause: string;
  readonly onset: Onset;
  readonly layers: readonly string[] | 'all';
  readonly sources: readonly string[] | 'all';
  /** Severities that are right; `none` among them where a fault may be missed. */
  readonly acceptable: readonly Answer[];
  /** What was done and how it can be seen at all, in the words of the label; empty when it does not say. */
  readonly scenario: string;
  readonly detectability: string;
  /** Of an epsilon mismatch: the epsilon that runs. */
  readonly epsilon: number | null;
  /** Path of the recording to learn from. */
  readonly baseline: string | null;
}

/** Throws all that is wrong at once. */
export function readLabels(file: string): Label[] {
  const { root, demandGood } = readObject(readText(file), file);
  const around = { folder: dirname(file), startMs: root.time('start') };
  const labels = (['serving', 'training'] as const).flatMap((kind) =>
    root.objects(kind).flatMap((entry) => readLabel(kind, entry, around) ?? []),
  );
  demandGood();
  return labels;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw failure('file_missing', { file }, error);
    throw failure('file_unreadable', { file, detail: systemDetail(error) }, error);
  }
}

interface Around {
  readonly folder: string;
  readonly startMs: number | null;
}

/** Null where a field was refused. */
function readLabel(kind: Label['kind'], entry: Fields, around: Around): Label | null {
  const file = entry.text('file') ?? '';
  const cause = entry.text('cause') ?? '';
  for (const name of ['file', 'cause'] as const)
    if (!entry.has(name)) entry.miss(name, 'a text');
    else if (entry.plain(name) === null) entry.refuse(name, 'a text');
  const baseline = entry.text('baseline');
  const label: Label = {
    file,
    path: resolve(around.folder, file),
    where: entry.where,
    kind,
    cause,
    onset: kind === 'training' ? stepOf(entry) : timeOf(entry, around),
    layers: namesOf(entry, 'layers'),
    sources: entry.plain('all_sources') === true ? 'all' : namesOf(entry, 'sources'),
    acceptable: answersOf(entry),
    scenario: entry.text('scenario') ?? '',
    detectability: entry.text('detectability') ?? '',
    epsilon: cause === 'epsilon_mismatch' ? numberOf(entry.plain('value')) : null,
    baseline: baseline === null ? null : resolve(around.folder, baseline),
  };
  if (entry.isBad()) return null;
  if (label.onset.at !== 'never' || label.acceptable.includes('none')) return label;
  return entry.miss(
    kind === 'training' ? 'evidence_step' : 'onset_s',
    'the severity says there is something to find',
  );
}

const NEVER: Onset = { at: 'never' };

/** `onset` is a time, `onset_s` seconds after `start`; null in either: there is nothing to find. */
function timeOf(entry: Fields, around: Around): Onset {
  if (entry.has('onset')) {
    const timeMs = entry.time('onset');
    return timeMs === null ? NEVER : { at: 'time', timeMs };
  }
  if (!entry.has('onset_s'))
    entry.miss('onset_s', 'seconds after the beginning, or null where there is nothing to find');
  const seconds = entry.number('onset_s', 'a number of seconds or null');
  return seconds === null ? NEVER : { at: 'offset', seconds, startMs: entry.time('start') ?? around.startMs };
}

/** Where the data first shows it, else where its cause begins. */
function stepOf(entry: Fields): Onset {
  if (!entry.has('onset_step') && !entry.has('evidence_step'))
    entry.miss('onset_step', 'a step, or null where there is nothing to find');
  const evidence = entry.number('evidence_step', 'a step or null');
  const step = evidence ?? entry.number('onset_step', 'a step or null');
  return step === null ? NEVER : { at: 'step', step };
}

function answersOf(entry: Fields): readonly Answer[] {
  const name = entry.has('acceptable') ? 'acceptable' : 'severity';
  if (!entry.has(name)) entry.miss(name, 'one or a list of none, ticket and page');
  const value = entry.plain(name);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const good = list.length > 0 && list.every((one) => ANSWERS.includes(one as string));
  if (!good && entry.has(name)) entry.refuse(name, 'one or a list of none, ticket and page');
  return list as Answer[];
}

function namesOf(entry: Fields, name: string): readonly string[] | 'all' {
  const value = entry.plain(name) ?? [];
  if (value === 'all') return 'all';
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  entry.refuse(name, '"all" or a list of names');
  return [];
}

/** Of another cause the value is a note to the reader. */
const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
