/** The layer drill-down: mean, variance and KL over time for both sites, each against its reference band, by uPlot. */
import { colour, create, onScheme } from './dom.ts';
import { clockTime, number } from './format.ts';
import type { LayerHistory, Mark } from './messages.ts';
import { type ChartPart, partsOf } from './series.ts';
import uPlot from './uplot.js';

export interface LayerCharts {
  readonly element: HTMLElement;
  show(history: LayerHistory, marks: readonly Mark[], nowMs: number): void;
  /** Shows nothing, and forgets what it showed. */
  clear(): void;
}

const HEIGHT_PX = 170;

export function createCharts(): LayerCharts {
  const element = create('div', { class: 'charts' });
  let figures: Figure[] = [];
  let shape = '';
  const clear = () => {
    for (const figure of figures) figure.plot.destroy();
    figures = [];
    shape = '';
    element.replaceChildren();
  };
  const resize = new ResizeObserver(() => {
    for (const { plot, host } of figures) plot.setSize({ width: host.clientWidth, height: HEIGHT_PX });
  });
  resize.observe(element);
  onScheme(() => {
    for (const { plot } of figures) plot.redraw();
  });
  return {
    element,
    show(history, marks, nowMs) {
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
      for (const [index, part] of parts.entries()) figures[index]?.show({ part, marks, nowMs });
    },
    clear,
  };
}

interface Shown {
  readonly part: ChartPart;
  readonly marks: readonly Mark[];
  readonly nowMs: number;
}

interface Figure {
  readonly host: HTMLElement;
  readonly plot: uPlot;
  show(next: Shown): void;
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

  let shown: Shown = { part: first, marks: [], nowMs: 0 };
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
  const options = chartOptions(first, unit, host.clientWidth);
  options.hooks = {
    setCursor: [(chart) => tell(chart.cursor.idx)],
    draw: [(chart) => drawMarks(chart, shown.marks, unit)],
  };
  const plot = new uPlot(options, dataOf(first, unit), host);
  return {
    host,
    plot,
    show(next) {
      shown = next;
      plot.setData(dataOf(next.part, unit));
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

function chartOptions(part: ChartPart, unit: LayerHistory['unit'], width: number): uPlot.Options {
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
    scales: { x: { time: unit === 'time' }, y: part.log ? { distr: 3, range: aroundLog } : {} },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    axes: [
      { ...axis, size: 28, space: 70, values: unit === 'time' ? axisTimes : axisNumbers },
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
  };
}

const axisTimes = (_: uPlot, seconds: number[]): string[] =>
  seconds.map((at) => new Date(at * 1_000).toISOString().slice(11, at % 60 === 0 ? 16 : 19));

/** On a logarithmic axis uPlot passes null for the places it wants without a label. */
const axisNumbers = (_: uPlot, values: (number | null)[]): string[] =>
  values.map((value) => (value === null ? '' : axisNumber(value)));

/** Shorter than `number`: the axis has no room for a power of ten in words. */
const axisNumber = (value: number): string => {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential() : String(Number(value.toPrecision(6)));
  return (text.length > 8 ? value.toExponential(1) : text).replaceAll('-', '−');
};

/** uPlot's own logarithmic range runs to whole powers of ten, which flattens a change by a factor of two. */
const aroundLog = (_: uPlot, least: number | null, most: number | null): [number | null, number | null] =>
  least === null || most === null ? [null, null] : [least / 1.1, most * 1.1];

/** Deployments dashed, onsets of incidents solid, as in the heat map. */
function drawMarks(chart: uPlot, marks: readonly Mark[], unit: LayerHistory['unit']): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    const x = Math.round(chart.valToPos(unit === 'time' ? mark.at / 1_000 : mark.at, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash(mark.kind === 'deployment' ? [3 * devicePixelRatio, 3 * devicePixelRatio] : []);
    ctx.strokeStyle = colour(mark.kind === 'deployment' ? 'text' : 'alarm');
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
