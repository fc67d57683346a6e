/** Fields of a JSON object that a person wrote: what is wrong is told with the line, all of it at once. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { parseTime } from '../core/time.ts';
import { failure, failures, type NormwatchError } from '../errors.ts';

/** Each reader answers null where the field is null or absent, and where what it holds was refused. */
export interface Fields {
  /** `labels.json:12` */
  readonly where: string;
  /** True once a field was refused: what was read is not to be used. */
  readonly isBad: () => boolean;
  has(name: string): boolean;
  /** Undefined where the field is absent. */
  plain(name: string): unknown;
  text(name: string): string | null;
  number(name: string, expected: string): number | null;
  time(name: string): number | null;
  /** Each object of a list; none where there is no list. */
  objects(name: string): Fields[];
  refuse(name: string, expected: string): null;
  miss(name: string, expected: string): null;
}

/** The text of a JSON file as the fields of its object. `demandGood` throws all that was refused. */
export function readObject(text: string, file: string): { root: Fields; demandGood: () => void } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: NormwatchError[] = [];
  const placeOf = (offset: number | undefined): string =>
    offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
  const tell = (offset: number | undefined, detail: string): void => {
    problems.push(failure('labels_wrong', { where: placeOf(offset), detail }));
  };
  const demandGood = (): void => {
    if (problems.length > 0) throw failures(problems);
  };
  for (const error of document.errors)
    tell(error.pos[0], `it is not JSON: ${error.message.split('\n', 1)[0]}`);
  demandGood();
  if (!isMap(document.contents)) tell(document.contents?.range?.[0], 'it must be an object');
  demandGood();
  return { root: fieldsOf(document.contents as YAMLMap, placeOf, tell), demandGood };
}

function fieldsOf(
  map: YAMLMap,
  placeOf: (offset: number | undefined) => string,
  tell: (offset: number | undefined, detail: string) => void,
): Fields {
  let bad = false;
  const nodeOf = (name: string): Node | undefined => map.get(name, true) as Node | undefined;
  const plain = (name: string): unknown => {
    const node = nodeOf(name);
    return isScalar(node) ? node.value : node?.toJSON();
  };
  const refuse = (name: string, expected: string): null => {
    bad = true;
    const got = JSON.stringify(plain(name) ?? null);
    const shown = got.length > 60 ? `${got.slice(0, 59)}…` : got;
    tell((nodeOf(name) ?? map).range?.[0], `"${name}" must be ${expected}, not ${shown}`);
    return null;
  };
  const text = (name: string): string | null => {
    const value = plain(name) ?? null;
    return value === null || typeof value === 'string' ? value : refuse(name, 'a text');
  };
  return {
    where: placeOf(map.range?.[0]),
    isBad: () => bad,
    has: (name) => map.has(name),
    plain,
    text,
    number(name, expected) {
      const value = plain(name) ?? null;
      const good = value === null || (typeof value === 'number' && Number.isFinite(value));
      return good ? value : refuse(name, expected);
    },
    time(name) {
      const value = text(name);
      if (value === null) return null;
      const ms = parseTime(value);
      return Number.isNaN(ms) ? refuse(name, 'a time like 2026-03-02T00:05:00Z') : ms;
    },
    objects(name) {
      const node = nodeOf(name);
      if (node === undefined) return [];
      if (isSeq(node) && node.items.every((item) => isMap(item)))
        return node.items.map((item) => fieldsOf(item as YAMLMap, placeOf, tell));
      refuse(name, 'a list of objects');
      return [];
    },
    refuse,
    miss(name, expected) {
      bad = true;
      tell(map.range?.[0], `"${name}" is missing: ${expected}`);
      return null;
    },
  };
}
