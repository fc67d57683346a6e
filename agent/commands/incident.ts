/** `incident list|show|accept`: what is wrong, in the words of the committed state. */
import type { IncidentView } from '../core/view.ts';
import { failure } from '../errors.ts';
import { columns, shortTime } from './columns.ts';
import { type AddCommand, type ConfigOptions, configOption, explain } from './command.ts';
import { addSend, controlEvent, type SendOptions, sendControl } from './control.ts';
import { readModels, type StoredModel } from './state.ts';

interface ListOptions extends ConfigOptions {
  readonly all?: true;
  readonly json?: true;
}

interface AcceptOptions extends SendOptions {
  readonly reason: string;
}

export const incident: AddCommand = (program, session) => {
  const group = program.command('incident').description('open and past incidents');

  const list = group.command('list').description('list open incidents, newest first');
  list
    .addOption(configOption())
    .option('-a, --all', 'past ones too')
    .option('--json', 'one JSON object per line')
    .action(async (options: ListOptions) => {
      const all = incidentsOf(await readModels(session, 'incident list', options));
      const shown = all.filter(({ status }) => options.all === true || status === 'open');
      if (options.json === true) session.out(shown.map((one) => `${JSON.stringify(one)}\n`).join(''));
      else if (shown.length === 0)
        session.out(options.all === true ? 'no incidents\n' : 'no open incidents\n');
      else session.out(columns(['ID', 'OPENED (UTC)', 'STATUS', 'SEVERITY', 'WHAT'], shown.map(lineOf)));
    });
  explain(list, { examples: ['incident list -c normwatch.yaml', 'incident list --all --json'] });

  const show = group
    .command('show')
    .description('show one incident: what, where, since when, evidence (Markdown)');
  show
    .argument('<id>', 'its id, or the beginning of it')
    .addOption(configOption())
    .option('--json', 'as one JSON object')
    .action(async (id: string, options: ListOptions) => {
      const found = findIncident(await readModels(session, 'incident show', options), id);
      session.out(options.json === true ? `${JSON.stringify(found)}\n` : markdownOf(found));
    });
  explain(show, { no: 'there is no such incident', examples: ['incident show 3f2a -c normwatch.yaml'] });

  const accept = group
    .command('accept')
    .description('this is the new normal: learn the baseline anew from its onset');
  addSend(
    accept
      .argument('<id>', 'its id, or the beginning of it')
      .requiredOption('--reason <text>', 'why it is no fault, for the record'),
  ).action(async (id: string, options: AcceptOptions) => {
    const found = findIncident(await readModels(session, 'incident accept', options), id);
    const target = { ...found, role: found.role ?? undefined, run: found.run ?? undefined };
    const { environment, model, version, role, run } = target;
    const event = controlEvent(
      session,
      'baseline',
      { environment, model, version, ...(role && { role }), ...(run && { run }) },
      {
        action: 'relearn',
        since: new Date(found.onsetMs).toISOString(),
        incident: found.id,
        reason: options.reason,
      },
    );
    await sendControl(session, 'incident accept', options, event);
  });
  explain(accept, {
    no: 'there is no such incident',
    examples: ['incident accept 3f2a --reason "new tokenizer, checked by Mia" -c normwatch.yaml'],
  });
};

const incidentsOf = (models: readonly StoredModel[]): IncidentView[] =>
  models.flatMap(({ view }) => view.incidents).sort((a, b) => b.openedMs - a.openedMs);

function findIncident(models: readonly StoredModel[], id: string): IncidentView {
  const all = incidentsOf(models);
  const fitting = all.filter((one) => one.id === id || one.id.startsWith(id));
  const found = all.find((one) => one.id === id) ?? fitting[0];
  if (found === undefined) throw failure('incident_unknown', { id });
  if (found.id !== id && fitting.length > 1)
    throw failure('incident_ambiguous', { id, count: fitting.length });
  return found;
}

const lineOf = (one: IncidentView): string[] => [
  one.id,
  shortTime(one.openedMs),
  one.status,
  one.suppressed === null ? one.severity : `(${one.severity})`,
  one.message,
];

function markdownOf(one: IncidentView): string {
  const subject = one.run === null ? `${one.version} (${one.role})` : `run ${one.run}, step ${one.step}`;
  const facts: [string, string | null][] = [
    [
      'status',
      `${one.status}, ${one.severity}${one.suppressed === null ? '' : `, held back by ${one.suppressed}`}`,
    ],
    ['model', `${one.model} ${subject} in ${one.environment}`],
    ['checkpoint', one.checkpoint],
    ['cause', `${one.cause} (confidence ${one.confidence.toFixed(2)})`],
    ['scope', one.scope],
    ['layers', one.layers.join(', ') || null],
    ['sources', one.sources.join(', ') || 'all'],
    ['detectors', one.detectors.join(', ')],
    ['deployment', deploymentOf(one)],
    ['effect', one.effect === null ? null : `${Number(one.effect.value.toPrecision(3))} ${one.effect.unit}`],
  ];
  const times: [string, number | null][] = [
    ['onset (estimated)', one.onsetMs],
    ['opened', one.openedMs],
    ['last change', one.changedMs === one.openedMs ? null : one.changedMs],
    [one.status === 'accepted' ? 'accepted' : 'resolved', one.resolvedMs],
  ];
  const evidence = Object.entries(one.evidence).map(([name, value]) => `- ${name}: ${value}`);
  return [
    `# Incident ${one.id}`,
    '',
    one.message,
    '',
    ...facts.flatMap(([name, value]) => (value === null ? [] : [`- ${name}: ${value}`])),
    '',
    '## Timeline (UTC)',
    '',
    ...times.flatMap(([name, ms]) => (ms === null ? [] : [`- ${shortTime(ms)} ${name}`])),
    ...(evidence.length === 0 ? [] : ['', '## Evidence', '', ...evidence]),
    '',
  ].join('\n');
}

const deploymentOf = ({ deployment }: IncidentView): string | null =>
  deployment === null ? null : `${deployment.version}, ${deployment.minutes} min before`;
