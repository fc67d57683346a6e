/** Evidence of each detector against what it takes to open a ticket or to page: why it paged, how close the others are. */
import { encodeName, words } from './format.ts';
import { h, type Markup } from './markup.ts';
import type { StreamHistory } from './messages.ts';

type Evidence = StreamHistory['evidence'][number];

/** Below, "where it is strongest" would only name whichever noise is largest. */
const WORTH_A_PLACE_NATS = 1;

const COLUMNS = ['Detector', 'Evidence', 'Nats', 'Strongest at'] as const;

export function evidencePanel({ stream, evidence }: StreamHistory): Markup[] {
  const title = h('h3', { id: 'evidence-title' }, 'Evidence');
  if (stream.state === 'calibrating')
    return [title, h('p', {}, 'None is gathered while the stream calibrates: only hard rules alarm.')];
  const head = COLUMNS.map((name) => h('th', { scope: 'col' }, name));
  return [
    title,
    h(
      'p',
      { id: 'evidence-about' },
      "How strong each detector's evidence is, after the last tick, that something has changed. One nat more is 2.7 times as " +
        'much. The first mark of a bar opens a ticket; the second is what a page needs, beside an effect that is worth one. ' +
        'Both follow from the budget of the model.',
    ),
    h(
      'table',
      { class: 'evidences', 'aria-labelledby': 'evidence-title', 'aria-describedby': 'evidence-about' },
      h('thead', {}, h('tr', {}, ...head)),
      h('tbody', {}, ...evidence.map((one) => row(one, stream.id))),
    ),
  ];
}

function row(one: Evidence, stream: string): Markup {
  const cell = (column: number, ...children: readonly (Markup | string)[]) =>
    h('td', { class: `evidence-${column}`, 'data-label': COLUMNS[column] ?? '' }, ...children);
  return h(
    'tr',
    { 'data-key': one.detector, class: `evidence-${levelOf(one)}` },
    h('th', { scope: 'row' }, words(one.detector)),
    cell(1, bar(one)),
    cell(2, ...inWords(one)),
    cell(3, ...strongest(one, stream)),
  );
}

type Level = 'quiet' | 'ticket' | 'page';

const levelOf = ({ nats, ticketNats, pageNats }: Evidence): Level =>
  nats < Math.min(ticketNats, pageNats) ? 'quiet' : nats < pageNats ? 'ticket' : 'page';

/** Where it is on the bar, which ends a little beyond what a page needs. */
const shareOf = (nats: number, { ticketNats, pageNats }: Evidence): string => {
  const full = Math.max(ticketNats, pageNats, 1) * 1.02;
  return `${(Math.min(1, nats / full) * 100).toFixed(1)}%`;
};

/** The words beside it say the same, so a reader of the page aloud needs no picture. */
const bar = (one: Evidence): Markup =>
  h(
    'svg',
    { class: 'bar', 'aria-hidden': 'true' },
    h('rect', { class: 'bar-ground', y: '20%', width: '100%', height: '60%' }),
    h('rect', { class: 'bar-fill', y: '20%', width: shareOf(one.nats, one), height: '60%' }),
    h('rect', { class: 'bar-mark', x: shareOf(one.ticketNats, one), width: '2', height: '100%' }),
    h('rect', { class: 'bar-mark', x: shareOf(one.pageNats, one), width: '2', height: '100%' }),
  );

function inWords(one: Evidence): (Markup | string)[] {
  const { ticketNats, pageNats } = one;
  const thresholds = `ticket at ${nats(ticketNats)}, page at ${nats(pageNats)}`;
  const enough: Readonly<Record<Level, string>> = {
    quiet: '',
    ticket: ' · enough for a ticket',
    page: ' · enough for a page',
  };
  return [h('strong', {}, `${nats(one.nats)}${enough[levelOf(one)]}`), h('small', {}, thresholds)];
}

function strongest({ layer, site, nats }: Evidence, stream: string): (Markup | string)[] {
  if (layer === null || nats < WORTH_A_PLACE_NATS) return [h('span', { class: 'evidence-none' }, '–')];
  const link = h('a', { class: 'name', href: `#/stream/${stream}/${encodeName(layer)}` }, layer);
  return site === null ? [link] : [link, ` ${site}`];
}

/** A tenth of a nat is a tenth of the evidence; nobody acts on less. */
const nats = (value: number): string => value.toFixed(1);

/** For one line of an incident: what its detectors see now. */
export const evidenceNow = (now: readonly Evidence[]): string =>
  now
    .map((one) => {
      const { detector, ticketNats, pageNats } = one;
      return `${words(detector)} ${nats(one.nats)} nats (ticket at ${nats(ticketNats)}, page at ${nats(pageNats)})`;
    })
    .join(' · ');
