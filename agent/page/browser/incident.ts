/** One incident, for whoever is woken by it: the sentence first, then where, since when, why, and how it is known. */
import { evidenceNow } from './evidence.ts';
import { clockTime, duration, encodeName, isoTime, number, place, plural, words } from './format.ts';
import { h, type Markup } from './markup.ts';
import type { IncidentSummary } from './messages.ts';

const NAMES_SHOWN = 3;
const WIDE: readonly string[] = ['Evidence', 'Against the budget now'];

export const incidentList = (incidents: readonly IncidentSummary[], nowMs: number): Markup =>
  h(
    'ul',
    { class: 'incidents', 'data-key': 'open' },
    ...incidents.map((incident) => openIncident(incident, nowMs)),
  );

function openIncident(incident: IncidentSummary, nowMs: number): Markup {
  const suppressed = incident.suppressed !== null;
  return h(
    'li',
    {
      'data-key': incident.id,
      class: `incident incident-${incident.severity}${suppressed ? ' incident-suppressed' : ''}`,
    },
    h(
      'p',
      { class: 'badges' },
      h('span', { class: `badge badge-${incident.severity}` }, incident.severity),
      suppressed
        ? h('span', { class: 'badge badge-suppressed' }, `suppressed: ${incident.suppressed}`)
        : null,
      h(
        'span',
        { class: 'since' },
        'since ',
        onset(incident, nowMs),
        ` (${duration(nowMs - incident.onsetMs)})`,
      ),
    ),
    h('h3', {}, incident.message),
    h('dl', { class: 'particulars' }, ...particulars(incident)),
    incident.stream === null
      ? null
      : h('a', { class: 'more', href: address(incident, incident.stream) }, 'Show the layers'),
  );
}

const onset = ({ onsetMs, step }: IncidentSummary, nowMs: number): Markup =>
  h(
    'time',
    { datetime: isoTime(onsetMs) },
    step === null ? clockTime(onsetMs, nowMs) : `step ${step.toLocaleString('en-US')}`,
  );

/** The first layer is the origin, so the link opens that one. */
function address({ layers }: IncidentSummary, stream: string): string {
  const [first] = layers;
  return first === undefined ? `#/stream/${stream}` : `#/stream/${stream}/${encodeName(first)}`;
}

function particulars(incident: IncidentSummary): Markup[] {
  const { layers, sources, deployment, evidence, effect, environment, cause } = incident;
  const sure = cause === 'unknown' ? '' : ` (${Math.round(incident.confidence * 100)} % sure)`;
  const rows: [string, string | Markup | null][] = [
    [
      'Model',
      `${incident.model} · ${place(incident)}${environment === 'default' ? '' : ` · ${environment}`}`,
    ],
    ['Cause', words(cause) + sure],
    ['First layer', layers[0] === undefined ? null : layerNames(layers)],
    ['Sources', sources.length === 0 ? 'all' : listed(sources)],
    ['Scope', words(incident.scope)],
    ['Deployment', deployment && deployed(deployment)],
    ['Effect', effect && `${number(effect.value)} ${words(effect.unit)}`],
    ['Found by', incident.detectors.map(words).join(', ')],
    ['Evidence', evidence.map(({ name, value }) => `${words(name)} ${shown(value)}`).join(' · ')],
    ['Against the budget now', evidenceNow(incident.now)],
  ];
  return rows.flatMap(([name, value]) => {
    // Up to two dozen numbers: one column would make it the longest thing on the page.
    const wide = WIDE.includes(name) ? 'wide' : null;
    return value === null || value === ''
      ? []
      : [h('div', { class: wide }, h('dt', {}, name), h('dd', {}, value))];
  });
}

const deployed = ({ version, minutes }: { version: string; minutes: number }): string =>
  `${version}, ${minutes === 0 ? 'just' : `${number(minutes)} min`} before`;

const layerNames = (layers: readonly string[]): Markup => {
  const more = layers.length - 1;
  return h(
    'span',
    {},
    h('code', {}, layers[0] ?? ''),
    more > 0 ? ` and ${plural(more, 'more layer')}` : null,
  );
};

const listed = (names: readonly string[]): string => {
  const rest = names.length - NAMES_SHOWN;
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
};

/** Five digits: that is how far a constant is known, and one digit less would call another constant the same. */
const shown = (value: number | string): string => (typeof value === 'number' ? number(value, 5) : value);

export const resolvedList = (incidents: readonly IncidentSummary[], nowMs: number): Markup =>
  h('ul', { class: 'past' }, ...incidents.map((incident) => pastIncident(incident, nowMs)));

function pastIncident(incident: IncidentSummary, nowMs: number): Markup {
  const { status, resolvedMs, onsetMs } = incident;
  const end =
    resolvedMs === null
      ? status
      : `${status} ${clockTime(resolvedMs, nowMs)} after ${duration(resolvedMs - onsetMs)}`;
  return h(
    'li',
    { 'data-key': incident.id },
    h('span', { class: `badge badge-quiet` }, incident.severity),
    h('span', {}, incident.message),
    h('small', {}, `${incident.model} · ${place(incident)} · ${end}`),
  );
}
