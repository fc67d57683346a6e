/** The layer drill-down: mean, variance and KL over time for both sites, each against its reference band, by uPlot. */
import { colour, create } from './dom.ts';
import { clockTime, number } from './format.ts';
import type { LayerHistory } from './messages.ts';
import { type ChartPart, partsOf } from './series.ts';
import uPlot from './uplot.js';

export interface LayerCharts {
  readonly element: HTMLElement;
  show(history: LayerHistory, nowMs: number): void;
  destroy(): void;
}

const HEIGHT_PX = 170;

export function createCharts(): LayerCharts {
  const element = create('div', { class: 'charts' });
  let figures: Figure[] = [];
  let shape = '';
  const clear = () => {
    for (const figure of figures) figure.plot.destroy();
    figures = [];
    element.replaceChildren();
  };
  const resize = new ResizeObserver(() => {
    for (const { plot, host } of figures) plot.setSize({ width: host.clientWidth, height: HEIGHT_PX });
  });
  resize.observe(element);
  return {
    element,
    show(history, nowMs) {
      const parts = history.cells.flatMap((cell) => partsOf(history, cell));
      // Charts keep their cursor over an update; they are built anew only when there are others to show.
      const wanted = JSON.stringify([
        history.layer,
        history.unit,
        ...parts.map((part) => [part.title, part.log]),
      ]);
      if (wanted !== shape) {
        clear();
        shape = wanted;
        figures = parts.map((part) => createFigure(element, part, history.unit));
      }
      for (const [index, part] of parts.entries()) figures[index]?.show(part, nowMs);
    },
    destroy() {
      resize.disconnect();
      clear();
    },
  };
}

interface Figure {
  readonly host: HTMLElement;
  readonly plot: uPlot;
  show(part: ChartPart, nowMs: number): void;
}

function createFigure(parent: HTMLElement, first: ChartPart, unit: LayerHistory['unit']): Figure {
  const figure = create('figure');
  const caption = create('figcaption');
  const title = create('strong', {}, first.title);
  const readout = create('span', { class: 'readout' });
  const host = create('div', { class: 'chart', role: 'img', 'aria-label': first.title });
  caption.append(title, readout);
  figure.append(caption, host);
  parent.append(figure);

  let shown = { part: first, nowMs: 0 };
  const tell = (index: number | null | undefined) => {
    const { part, nowMs } = shown;
    const column = index ?? part.columns.length - 1;
    const at = part.columns[column];
    const when =
      at === undefined ? '' : unit === 'time' ? clockTime(at, nowMs) : `step ${at.toLocaleString('en-US')}`;
    const text = `${number(part.values[column] ?? null)} ${part.unit} ${part.expected(column)} · ${when}`;
    if (readout.textContent !== text) readout.textContent = text;
    if (index == null) host.setAttribute('aria-label', `${part.title}: ${text}`);
  };
  const options = chartOptions(first, unit, host.clientWidth, (index) => tell(index));
  const plot = new uPlot(options, dataOf(first, unit), host);
  return {
    host,
    plot,
    show(part, nowMs) {
      shown = { part, nowMs };
      plot.setData(dataOf(part, unit));
      tell(plot.cursor.idx);
    },
  };
}

/** uPlot counts time in seconds. */
const dataOf = (part: ChartPart, unit: LayerHistory['unit']): uPlot.AlignedData => [
  part.columns.map((at) => (unit === 'time' ? at / 1_000 : at)),
  [...part.low],
  [...part.high],
  [...part.values],
];

function chartOptions(
  part: ChartPart,
  unit: LayerHistory['unit'],
  width: number,
  moved: (index: number | null | undefined) => void,
): uPlot.Options {
  // Functions, so that a change between light and dark shows with the next drawing.
  const muted = () => colour('muted');
  const axis: uPlot.Axis = {
    stroke: muted,
    font: '12px ui-sans-serif, system-ui, sans-serif',
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { show: false },
  };
  const edge: uPlot.Series = { stroke: () => colour('band-edge'), width: 1, points: { show: false } };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { sync: { key: 'layer' }, drag: { x: false, y: false }, y: false },
    scales: { x: { time: unit === 'time' }, y: part.log ? { distr: 3 } : {} },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    axes: [
      { ...axis, space: 70, values: unit === 'time' ? axisTimes : axisNumbers },
      { ...axis, size: 58, space: 34, values: axisNumbers },
    ],
    series: [
      {},
      edge,
      edge,
      {
        stroke: () => colour('accent'),
        width: 2,
        points: { show: part.columns.length < 3, fill: () => colour('accent') },
      },
    ],
    bands: [{ series: [2, 1], fill: () => colour('band') }],
    hooks: { setCursor: [(plot) => moved(plot.cursor.idx)] },
  };
}

const axisTimes = (_: uPlot, seconds: number[]): string[] =>
  seconds.map((at) => new Date(at * 1_000).toISOString().slice(11, at % 60 === 0 ? 16 : 19));

/** On a logarithmic axis uPlot passes null for the places it wants without a label. */
const axisNumbers = (_: uPlot, values: (number | null)[]): string[] =>
  values.map((value) => (value === null ? '' : number(value)));
