/**
 * Every failure a user can meet, in one table: a code that is never reused, the exit code, the message, the way out.
 * Messages name field, file and line. `docs/reference/errors.md` is generated from here; a test demands that each row
 * is used by the program and provoked by a test.
 */

/** 1: the answer is no. 2: usage, configuration or environment. */
export type FailureExit = 1 | 2;

export interface ErrorRow<Args> {
  readonly code: string;
  readonly exit: FailureExit;
  /** What a reader of the reference page should picture. */
  readonly when: string;
  readonly message: (args: Args) => string;
  readonly wayOut: (args: Args) => string;
}

const row = <Args>(
  code: string,
  exit: FailureExit,
  when: string,
  message: (args: Args) => string,
  wayOut: (args: Args) => string,
): ErrorRow<Args> => ({ code, exit, when, message, wayOut });

const orNearest = (nearest: string | null, otherwise: string): string =>
  nearest === null ? otherwise : `did you mean "${nearest}"? ${otherwise}`;

export const ERRORS = {
  usage: row(
    'NW101',
    2,
    'A command, option or argument is wrong.',
    (a: { detail: string; command: string }) => a.detail,
    (a) => `normwatch ${a.command}${a.command === '' ? '' : ' '}--help shows what it takes`,
  ),
  file_missing: row(
    'NW102',
    2,
    'A file named on the command line is not there.',
    (a: { file: string }) => `${a.file}: there is no such file`,
    () => 'check the path; "-" reads from standard input',
  ),
  file_unreadable: row(
    'NW103',
    2,
    'A file is there and cannot be read.',
    (a: { file: string; detail: string }) => `${a.file}: cannot be read: ${a.detail}`,
    () => 'check that the file is whole and that this user may read it',
  ),
  file_unwritable: row(
    'NW104',
    2,
    'An output file cannot be written.',
    (a: { file: string; detail: string }) => `${a.file}: cannot be written: ${a.detail}`,
    () => 'name a file in a folder this user may write to',
  ),
  event_refused: row(
    'NW105',
    2,
    'A control event would be refused by the agent, so it is not sent.',
    (a: { kind: string; field: string | null; reason: string; detail: string }) =>
      `this ${a.kind} event would be refused: ${a.reason}${a.field === null ? '' : ` in "${a.field}"`}: ${a.detail}`,
    (a) => `normwatch ${a.kind} --help shows the options and their limits`,
  ),
  labels_wrong: row(
    'NW106',
    2,
    'A file of labels is not JSON, an entry of it is wrong, or it names a recording that is not there.',
    (a: { where: string; detail: string }) => `${a.where}: ${a.detail}`,
    () => 'docs/detection.md, "Labels", says what an entry holds',
  ),
  recording_unfit: row(
    'NW107',
    2,
    'A recording cannot be used for what was asked.',
    (a: { file: string; detail: string }) => `${a.file}: ${a.detail}`,
    () => 'normwatch backtest --help says what recordings it needs',
  ),
  config_required: row(
    'NW201',
    2,
    'A command needs an installation to talk to, and no configuration was named.',
    (a: { command: string }) => `${a.command} needs a configuration`,
    () => 'name one with --config FILE or NORMWATCH_CONFIG; examples/ has some to start from',
  ),
  config_unreadable: row(
    'NW202',
    2,
    'The configuration file is not there or cannot be read.',
    (a: { file: string; detail: string }) => `${a.file}: cannot be read: ${a.detail}`,
    () => 'check the path given with --config or NORMWATCH_CONFIG, and the rights on the file',
  ),
  config_not_yaml: row(
    'NW203',
    2,
    'The configuration file is not YAML, or not a map of keys.',
    (a: { where: string; detail: string }) => `${a.where}: ${a.detail}`,
    () => 'mend the line; a configuration is a YAML map, see examples/',
  ),
  config_unknown_key: row(
    'NW204',
    2,
    'The configuration has a key that normwatch does not know.',
    (a: { where: string; key: string; nearest: string | null }) => `${a.where}: unknown key "${a.key}"`,
    (a) => orNearest(a.nearest, 'docs/reference/config.md lists all keys'),
  ),
  config_unknown_variable: row(
    'NW205',
    2,
    'A NORMWATCH_ variable is set that normwatch does not know.',
    (a: { variable: string; nearest: string | null }) => `unknown variable ${a.variable}`,
    (a) => orNearest(a.nearest, 'docs/reference/config.md lists all variables'),
  ),
  config_value: row(
    'NW206',
    2,
    'A value of the configuration has the wrong type, unit or range.',
    (a: { where: string; key: string; expected: string; got: string }) =>
      `${a.where}: "${a.key}" must be ${a.expected}, not ${a.got}`,
    (a) =>
      a.got.startsWith('"tcp://')
        ? 'Kubernetes sets this variable for a Service of that name: set enableServiceLinks: false in the pod'
        : `normwatch config schema and docs/reference/config.md describe "${a.key}"`,
  ),
  config_secret_inline: row(
    'NW207',
    2,
    'A secret stands in the configuration file or in an address.',
    (a: { where: string; key: string; file: string; variable: string }) =>
      `${a.where}: "${a.key}" holds a secret in plain text`,
    (a) => `write it to a file and name that in "${a.file}", or set ${a.variable}`,
  ),
  config_missing: row(
    'NW208',
    2,
    'A key is missing that the other keys need.',
    (a: { where: string; key: string; because: string }) => `${a.where}: "${a.key}" is missing: ${a.because}`,
    (a) => `set "${a.key}"; docs/reference/config.md describes it`,
  ),
  config_conflict: row(
    'NW209',
    2,
    'Two keys of the configuration contradict each other.',
    (a: { where: string; key: string; conflict: string }) => `${a.where}: "${a.key}": ${a.conflict}`,
    (a) => `change "${a.key}" or the key it contradicts`,
  ),
  key_file: row(
    'NW210',
    2,
    'A file named in the configuration (secret, certificate) cannot be read.',
    (a: { key: string; file: string; detail: string }) =>
      `"${a.key}": ${a.file}: cannot be read: ${a.detail}`,
    () => 'mount the file where the configuration says, readable for this user',
  ),
  kafka_unreachable: row(
    'NW301',
    2,
    'No broker answers.',
    (a: { brokers: string; detail: string }) => `Kafka at ${a.brokers} does not answer: ${a.detail}`,
    () =>
      'check "kafka.brokers", "kafka.tls", "kafka.sasl" and the network; normwatch doctor tests each part',
  ),
  kafka_topic_missing: row(
    'NW302',
    2,
    'The topic does not exist.',
    (a: { topic: string }) => `Kafka has no topic "${a.topic}"`,
    (a) =>
      `create it: kafka-topics.sh --create --topic ${a.topic} --partitions 8 --config retention.ms=604800000`,
  ),
  kafka_not_sent: row(
    'NW303',
    2,
    'Events could not be handed over to Kafka.',
    (a: { detail: string }) => `not sent: ${a.detail}`,
    () => 'normwatch doctor tests broker and topic; sending again is safe',
  ),
  store_unreachable: row(
    'NW401',
    2,
    'The store does not answer.',
    (a: { detail: string }) => `the store does not answer: ${a.detail}`,
    () => 'check the keys under "store" and the network; normwatch doctor tests each part',
  ),
  store_unfit: row(
    'NW402',
    2,
    'The store cannot keep what it is given.',
    (a: { store: string; detail: string }) => `the ${a.store} store cannot be used: ${a.detail}`,
    () => 'mend the store; docs/reference/config.md says what it must promise',
  ),
  store_private: row(
    'NW403',
    2,
    'A command wants to read a store that lives in the memory of another process.',
    (a: { command: string }) => `${a.command} cannot read a store of type "memory": it ends with its process`,
    () => 'set "store.type" to redis or disk, or look at the page of the running agent',
  ),
  incident_unknown: row(
    'NW501',
    1,
    'No stored incident has this id.',
    (a: { id: string }) => `there is no incident ${a.id}`,
    () => 'normwatch incident list --all shows the ids',
  ),
  incident_ambiguous: row(
    'NW502',
    2,
    'The beginning of an id fits several incidents.',
    (a: { id: string; count: number }) => `${a.count} incidents begin with ${a.id}`,
    () => 'give more characters; normwatch incident list --all shows the ids',
  ),
  model_unknown: row(
    'NW503',
    1,
    'Nothing is stored for this model.',
    (a: { environment: string; model: string; known: string }) =>
      `nothing is known of model "${a.model}" in environment "${a.environment}"`,
    (a) => (a.known === '' ? 'no event of any model has been committed yet' : `known: ${a.known}`),
  ),
  reference_none: row(
    'NW504',
    1,
    'The model or recording has no reference to show or export.',
    (a: { of: string }) => `${a.of} has no reference`,
    () =>
      'a reference is there after 60 ticks and 600 flushes, or when one is pinned: normwatch baseline pin',
  ),
  address_taken: row(
    'NW601',
    2,
    'An address to listen on is taken or not allowed.',
    (a: { key: string; address: string; detail: string }) => `cannot listen on ${a.address}: ${a.detail}`,
    (a) => `stop what listens there, or set "${a.key}"`,
  ),
  otlp_setting: row(
    'NW602',
    2,
    'A variable of OpenTelemetry has a value that cannot be meant.',
    (a: { variable: string; expected: string }) => `${a.variable} must be ${a.expected}`,
    () => 'correct it, or remove it to push nothing; /metrics is served all the same',
  ),
  internal: row(
    'NW901',
    2,
    'normwatch met a case it was not made for.',
    (a: { detail: string }) => `unexpected failure: ${a.detail}`,
    () => 'run it again with NORMWATCH_DEBUG=1 and report what it prints (SECURITY.md, CONTRIBUTING.md)',
  ),
} as const;

/** Codes of rows that are gone; they are not given out again. */
export const RETIRED_CODES: readonly string[] = [];

export type ErrorName = keyof typeof ERRORS;
export type ErrorArgs<Name extends ErrorName> =
  (typeof ERRORS)[Name] extends ErrorRow<infer Args> ? Args : never;

export class NormwatchError extends Error {
  override readonly name = 'NormwatchError';
  readonly row: ErrorName;
  readonly code: string;
  readonly exit: FailureExit;
  readonly wayOut: string;

  constructor(row: ErrorName, text: { message: string; wayOut: string }, cause?: unknown) {
    super(text.message, cause === undefined ? undefined : { cause });
    this.row = row;
    this.code = ERRORS[row].code;
    this.exit = ERRORS[row].exit;
    this.wayOut = text.wayOut;
  }
}

/** `throw failure('file_missing', { file })`: the one way to make a NormwatchError. */
export function failure<Name extends ErrorName>(
  name: Name,
  args: ErrorArgs<Name>,
  cause?: unknown,
): NormwatchError {
  const chosen = ERRORS[name] as unknown as ErrorRow<ErrorArgs<Name>>;
  return new NormwatchError(name, { message: chosen.message(args), wayOut: chosen.wayOut(args) }, cause);
}

/** Several failures at once, e.g. all wrong lines of a configuration; with one it is that one. */
export function failures(all: readonly NormwatchError[]): NormwatchError | AggregateError {
  const first = all[0];
  if (all.length === 1 && first !== undefined) return first;
  return new AggregateError(all, `${all.length} failures`);
}

/** `ENOENT: no such file or directory, open '…'` → `no such file or directory`: the path is told already. */
export function systemDetail(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /^E[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? text;
}
