/** The chosen stream: heat map, its table, and the chosen layer's charts. Asks the server for what the overview lacks. */
import { createCharts } from './charts.ts';
import { create, patch } from './dom.ts';
import { evidencePanel } from './evidence.ts';
import { clockTime, encodeName, number, place, plural, sigmas } from './format.ts';
import type { SiteChoice } from './grid.ts';
import { createHeatmap } from './heatmap.ts';
import { fetchJson } from './live.ts';
import { h, type Markup } from './markup.ts';
import type { LayerHistory, StreamHistory } from './messages.ts';

export interface Choice {
  readonly stream: string;
  readonly layer: string | null;
}

export interface Detail {
  /** Fetches and shows; of several calls under way only the last one's answer is shown. */
  show(choice: Choice, nowMs: number): Promise<void>;
  /** Puts the keyboard on what was just chosen. */
  focus(): void;
}

const SITES: readonly (readonly [SiteChoice, string])[] = [
  ['both', 'worse of input and output'],
  ['input', 'input'],
  ['output', 'output'],
];

export const addressOf = ({ stream, layer }: Choice): string =>
  layer === null ? `#/stream/${stream}` : `#/stream/${stream}/${encodeName(layer)}`;

export function createDetail(section: HTMLElement): Detail {
  const title = create('h2', { id: 'detail-title', tabindex: -1 });
  const about = create('div', { class: 'about' });
  const sites = create('div', { class: 'sites', role: 'radiogroup', 'aria-labelledby': 'sites-title' });
  const table = create('details', { class: 'as-table' });
  const evidence = create('section', { class: 'evidence', 'aria-labelledby': 'evidence-title' });
  const layerBlock = create('section', { class: 'layer', 'aria-labelledby': 'layer-title' });
  const layerTitle = create('h3', { id: 'layer-title', tabindex: -1 });
  const charts = createCharts();
  const closing = create('a', { class: 'more' }, 'Close this layer');
  const trouble = create('p', { class: 'notice', role: 'alert', hidden: true });
  let choice: Choice | null = null;
  let site: SiteChoice = 'both';
  let seen: { history: StreamHistory; nowMs: number } | null = null;
  let asked = 0;

  const heatmap = createHeatmap((layer) => {
    if (choice) location.hash = addressOf({ ...choice, layer });
  });
  layerBlock.hidden = true;
  layerBlock.append(layerTitle, closing, charts.element);
  section.replaceChildren(title, about, sites, heatmap.element, table, evidence, trouble, layerBlock);
  sites.addEventListener('change', (event) => {
    site = (event.target as HTMLInputElement).value as SiteChoice;
    if (seen) heatmap.show(seen.history, site, seen.nowMs);
  });
  patch(sites, siteChoices(site));

  const showStream = (history: StreamHistory, nowMs: number) => {
    const { stream } = history;
    seen = { history, nowMs };
    title.textContent = `${stream.model} · ${place(stream)}`;
    patch(about, aboutStream(history, nowMs));
    const scored = history.cells.length > 0;
    for (const part of [sites, heatmap.element, table]) part.hidden = !scored;
    heatmap.show(history, site, nowMs);
    patch(table, tableOf(history));
    evidence.hidden = history.evidence.length === 0;
    patch(evidence, evidence.hidden ? [] : evidencePanel(history));
  };

  const showLayer = (history: LayerHistory | null, nowMs: number) => {
    layerBlock.hidden = history === null;
    if (history === null) return charts.clear();
    layerTitle.textContent = history.layer;
    closing.setAttribute('href', addressOf({ stream: choice?.stream ?? '', layer: null }));
    charts.show(history, seen?.history.marks ?? [], nowMs);
  };

  return {
    async show(next, nowMs) {
      choice = next;
      asked += 1;
      const turn = asked;
      const base = `api/streams/${next.stream}`;
      const layerAddress = next.layer === null ? null : `${base}/layer?name=${encodeName(next.layer)}`;
      try {
        const [stream, layer] = await Promise.all([
          fetchJson<StreamHistory>(`${base}/history`),
          layerAddress === null ? null : fetchJson<LayerHistory>(layerAddress),
        ]);
        if (turn !== asked) return;
        trouble.hidden = true;
        showStream(stream, nowMs);
        showLayer(layer, nowMs);
      } catch (error) {
        if (turn !== asked) return;
        trouble.textContent = error instanceof Error ? error.message : String(error);
        trouble.hidden = false;
      }
    },
    focus() {
      const target = choice?.layer === null ? title : layerTitle;
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: 'start', behavior: 'auto' });
    },
  };
}

const siteChoices = (chosen: SiteChoice): Markup[] => [
  h('span', { id: 'sites-title' }, 'Shift of'),
  ...SITES.map(([value, text]) =>
    h(
      'label',
      {},
      h('input', { type: 'radio', name: 'site', value, checked: value === chosen }),
      h('span', {}, text),
    ),
  ),
];

function aboutStream({ stream, marks, unit, cells }: StreamHistory, nowMs: number): Markup[] {
  const when = (at: number) =>
    unit === 'time' ? clockTime(at, nowMs) : `step ${at.toLocaleString('en-US')}`;
  const facts = [
    stream.layers === 0 ? null : plural(stream.layers, 'layer'),
    stream.reference === null
      ? stream.run === null
        ? 'no reference yet'
        : null
      : `reference ${stream.reference}`,
    stream.checkpoint === null ? null : `checkpoint ${stream.checkpoint}`,
  ].filter((fact) => fact !== null);
  return [
    h(
      'p',
      {},
      [...facts, ...stream.training.map(({ name, value }) => `${name} ${number(value)}`)].join(' · '),
    ),
    cells.length > 0
      ? null
      : h('p', {}, 'Nothing by layer yet: the heat map begins with the first closed tick of activations.'),
    marks.length === 0
      ? null
      : h(
          'ul',
          { class: 'marks' },
          ...marks.map((mark) =>
            h('li', { class: `mark mark-${mark.kind}` }, `${when(mark.at)} ${mark.label}`),
          ),
        ),
  ].filter((part) => part !== null);
}

/** The same numbers for those whom a picture does not help: per layer and site the last and the worst. */
function tableOf({ stream, cells }: StreamHistory): Markup[] {
  const rows = cells.map(({ layer, site, shift }) => {
    const known = shift.filter((value) => value !== null);
    const link = h('a', { href: addressOf({ stream: stream.id, layer }) }, layer);
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, link),
      h('td', {}, site),
      h('td', {}, sigmas(shift.at(-1) ?? null)),
      h('td', {}, sigmas(known.length === 0 ? null : Math.max(...known))),
    );
  });
  const head = ['Layer', 'Site', 'Last shift', 'Worst shift'].map((name) => h('th', { scope: 'col' }, name));
  return [
    h('summary', {}, 'As a table'),
    h(
      'div',
      { class: 'scroller' },
      h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)),
    ),
  ];
}
