/**
 * What everybody sees first: verdict, incidents, streams. Templates over `Overview`, used by the server for the page as
 * it arrives and by the browser for every change after that.
 */
import { clockTime, duration, isoTime, number, place, plural, sigmas } from './format.ts';
import { incidentList, resolvedList } from './incident.ts';
import { h, type Markup } from './markup.ts';
import type { Overview, StreamSummary } from './messages.ts';

export type Connection = 'still' | 'live' | 'lost' | 'polling';

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  still: '',
  live: 'live',
  lost: 'connection lost, trying again',
  polling: 'no room for another live reader, asking every 15 s',
};

/** Shape and word carry the verdict; colour only repeats it. */
const SIGNS: Readonly<Record<Overview['verdict']['level'], string>> = {
  page: '▲',
  ticket: '◆',
  attention: '◐',
  calm: '●',
  empty: '○',
};

export function verdict(overview: Overview): Markup[] {
  const { level, sentence } = overview.verdict;
  return [
    h(
      'h1',
      { class: `verdict verdict-${level}` },
      h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[level]),
      sentence,
    ),
  ];
}

export function facts(overview: Overview, connection: Connection): Markup[] {
  const { day, maintenance, nowMs } = overview;
  const delay =
    day.medianDelayMs === null ? '' : `, noticed ${duration(day.medianDelayMs)} after onset (median)`;
  return [
    h(
      'p',
      { class: 'facts' },
      `Last 24 h: ${plural(day.incidents, 'incident')}${delay}. Updated `,
      time(nowMs, nowMs),
      h('span', { class: `connection connection-${connection}` }, CONNECTIONS[connection]),
    ),
    ...maintenance.map(({ model, environment, untilMs }) =>
      h(
        'p',
        { class: 'notice' },
        `Maintenance of ${model}${environmentSuffix(environment)} until `,
        time(untilMs, nowMs),
        ': incidents are recorded, nothing pages.',
      ),
    ),
  ];
}

export const time = (ms: number, nowMs: number): Markup =>
  h('time', { datetime: isoTime(ms) }, clockTime(ms, nowMs));

const environmentSuffix = (environment: string): string =>
  environment === 'default' ? '' : ` (${environment})`;

export function incidents(overview: Overview): Markup[] {
  const left = overview.incidentsLeftOut;
  return [
    h('h2', { id: 'incidents-title' }, 'Open incidents'),
    overview.incidents.length === 0
      ? h(
          'p',
          { class: 'nothing', 'data-key': 'none' },
          'None. Normalization layers do what their references say.',
        )
      : incidentList(overview.incidents, overview.nowMs),
    ...(left > 0
      ? [h('p', { class: 'nothing' }, `and ${plural(left, 'more open incident')}: see the findings.`)]
      : []),
    ...(overview.resolved.length === 0
      ? []
      : [
          h(
            'details',
            { class: 'resolved', 'data-key': 'resolved' },
            h('summary', {}, `Recently resolved (${overview.resolved.length})`),
            resolvedList(overview.resolved, overview.nowMs),
          ),
        ]),
  ];
}

const COLUMNS = [
  'Stream',
  'Version',
  'State',
  'Sources live',
  'Last data',
  'Worst shift',
  'Output KL',
] as const;

export function streams(overview: Overview, chosen: string | null): Markup[] {
  const heading = h('h2', { id: 'streams-title' }, 'Streams');
  if (overview.streams.length === 0) {
    return [heading, h('p', { class: 'nothing' }, 'None yet. A stream appears with its first event.')];
  }
  const left = overview.streamsLeftOut;
  return [
    heading,
    h(
      'table',
      { class: 'streams', 'aria-labelledby': 'streams-title' },
      h('thead', {}, h('tr', {}, ...COLUMNS.map((name) => h('th', { scope: 'col' }, name)))),
      h(
        'tbody',
        {},
        ...overview.streams.map((stream) => streamRow(stream, stream.id === chosen, overview.nowMs)),
      ),
    ),
    ...(left > 0 ? [h('p', { class: 'nothing' }, `and ${plural(left, 'more stream')}: see /metrics.`)] : []),
  ];
}

function streamRow(stream: StreamSummary, chosen: boolean, nowMs: number): Markup {
  const { worst } = stream;
  const name = `${stream.model}${environmentSuffix(stream.environment)}`;
  const link = h('a', { href: `#/stream/${stream.id}`, 'aria-current': chosen ? 'true' : null }, name);
  const cell = (column: number, ...children: readonly (Markup | string | null)[]) =>
    h('td', { 'data-label': COLUMNS[column] ?? '' }, h('span', {}, ...children));
  return h(
    'tr',
    { 'data-key': stream.id, class: chosen ? 'chosen' : null },
    h('th', { scope: 'row' }, link),
    cell(1, place(stream)),
    cell(2, ...state(stream)),
    cell(3, ...sources(stream, nowMs)),
    cell(4, ...lastData(stream, nowMs)),
    cell(
      5,
      sigmas(worst?.sigmas ?? null),
      worst &&
        h(
          'small',
          { class: 'name' },
          `${worst.layer} ${worst.site}${stream.against === 'rolling' ? ', rolling' : ''}`,
        ),
    ),
    cell(6, stream.outputKlNats === null ? '–' : `${number(stream.outputKlNats)}\u00a0nats`),
  );
}

function state(stream: StreamSummary): (Markup | null)[] {
  const { progress, remainingMs, ticks, ticksNeeded } = stream.calibration;
  const badge = h('span', { class: `state state-${stream.state}` }, stream.state);
  if (stream.state !== 'calibrating') {
    return [badge, stream.incidents > 0 ? h('small', {}, plural(stream.incidents, 'open incident')) : null];
  }
  const expected = remainingMs === null ? '' : `, about ${duration(remainingMs)} left`;
  return [
    badge,
    h('progress', { max: 1, value: Number(progress.toFixed(3)), 'aria-label': 'Calibration' }),
    h('small', {}, `${Math.min(ticks, ticksNeeded)} of ${ticksNeeded} ticks${expected}`),
  ];
}

function sources(stream: StreamSummary, nowMs: number): (Markup | string)[] {
  // Of a stream that has stopped every source has: that is what the state says already.
  const amiss = stream.state === 'stopped' ? [] : stream.sourcesAmiss;
  const told = amiss.map(({ source, status, lastMs }) =>
    h('small', { class: 'name' }, `${source} ${status} since ${clockTime(lastMs, nowMs)}`),
  );
  const rest = amiss.length === 0 ? 0 : stream.sourcesTotal - stream.sourcesLive - told.length;
  const more = rest > 0 ? [h('small', {}, `and ${rest} more`)] : [];
  return [`${stream.sourcesLive} of ${stream.sourcesTotal}`, ...told, ...more];
}

function lastData(stream: StreamSummary, nowMs: number): (Markup | string | null)[] {
  if (stream.lastMs === null) return ['–'];
  const step =
    stream.run !== null && stream.column !== null ? `step ${stream.column.toLocaleString('en-US')}` : null;
  return [time(stream.lastMs, nowMs), h('small', {}, step ?? `${duration(nowMs - stream.lastMs)} ago`)];
}

export function records(overview: Overview): Markup[] {
  const { refused, late, duplicates, missing } = overview.records;
  const count = (value: number) => value.toLocaleString('en-US');
  return [
    h(
      'p',
      {},
      `Records: ${count(refused)} refused, ${count(late)} late, ${count(duplicates)} duplicate, ${count(missing)} missing. `,
      h('a', { href: 'api/overview' }, 'This page as JSON'),
    ),
  ];
}
