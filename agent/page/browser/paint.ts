/** Puts a grid on a canvas: labels, cells, the lane of deployments and incidents, the axis. Knows no events. */
import { colour } from './dom.ts';
import { isoTime } from './format.ts';
import { BIN_ENDS, binOf, type Grid } from './grid.ts';
import type { Mark, StreamHistory } from './messages.ts';

export interface Layout {
  readonly width: number;
  readonly left: number;
  readonly top: number;
  readonly rowHeight: number;
  readonly plotWidth: number;
}

interface Picture {
  readonly grid: Grid;
  readonly layout: Layout;
  readonly ticks: readonly number[];
  readonly history: StreamHistory;
  readonly cursor: { readonly row: number; readonly slot: number } | null;
}

const AXIS_PX = 24;
const LANE_PX = 30;
const FONT = '12px ui-sans-serif, system-ui, sans-serif';

export function layoutOf(width: number, history: StreamHistory): Layout {
  const layers = new Set(history.cells.map((cell) => cell.layer)).size;
  const left = Math.round(Math.min(210, Math.max(118, width * 0.24)));
  const rowHeight = layers > 60 ? 14 : layers > 30 ? 17 : 22;
  return { width, left, top: LANE_PX, rowHeight, plotWidth: Math.max(20, width - left - 1) };
}

export function drawHeatmap(canvas: HTMLCanvasElement, picture: Picture): void {
  const { layout, grid } = picture;
  const height = layout.top + grid.rows.length * layout.rowHeight + AXIS_PX;
  const ratio = devicePixelRatio;
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${layout.width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(ratio, ratio);
  context.font = FONT;
  drawCells(context, picture);
  drawLabels(context, picture);
  drawAxis(context, picture, height);
  drawMarks(context, picture);
  drawCursor(context, picture);
}

function drawCells(context: CanvasRenderingContext2D, { grid, layout }: Picture): void {
  const colours = Array.from({ length: BIN_ENDS.length + 1 }, (_, bin) => colour(`heat-${bin}`));
  const gap = layout.rowHeight > 16 ? 2 : 1;
  for (const [row, { values }] of grid.rows.entries()) {
    const y = layout.top + row * layout.rowHeight;
    context.fillStyle = colour('heat-none');
    context.fillRect(layout.left, y, layout.plotWidth, layout.rowHeight - gap);
    for (const [slot, value] of values.entries()) {
      if (!value) continue;
      // Whole pixels: otherwise hairlines of the background stripe the map.
      const x = Math.round(layout.left + (slot * layout.plotWidth) / grid.slots);
      const next = Math.round(layout.left + ((slot + 1) * layout.plotWidth) / grid.slots);
      context.fillStyle = colours[binOf(value.sigmas)] ?? '';
      context.fillRect(x, y, next - x, layout.rowHeight - gap);
    }
  }
}

function drawLabels(context: CanvasRenderingContext2D, { grid, layout, cursor }: Picture): void {
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const room = layout.left - 12;
  const narrow = grid.rows.some(({ label }) => context.measureText(label).width > room);
  for (const [row, { label, compact }] of grid.rows.entries()) {
    context.fillStyle = colour(cursor?.row === row ? 'text' : 'muted');
    const text = fitted(context, narrow ? compact : label, room);
    context.fillText(text, layout.left - 8, layout.top + (row + 0.5) * layout.rowHeight - 0.5);
  }
}

/** Cut in the middle: both ends of a layer's name tell it from its neighbours. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  // Names are up to 128 characters, of which no more than this fits anywhere; so the loop below is short.
  const ends = { head: text.slice(0, 40), tail: text.slice(-40) };
  while (ends.head.length + ends.tail.length > 2) {
    if (ends.head.length >= ends.tail.length) ends.head = ends.head.slice(0, -1);
    else ends.tail = ends.tail.slice(1);
    const cut = `${ends.head}…${ends.tail}`;
    if (context.measureText(cut).width <= width) return cut;
  }
  return '…';
}

const placeOf = ({ grid, layout }: Picture, at: number): number =>
  layout.left + ((at - grid.start) / (grid.slots * grid.width)) * layout.plotWidth;

function drawAxis(context: CanvasRenderingContext2D, picture: Picture, height: number): void {
  const { layout, ticks, history, grid } = picture;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'center';
  const bottom = height - AXIS_PX;
  const minutes = ticks.every((at) => at % 60_000 === 0);
  for (const at of ticks) {
    const x = Math.round(placeOf(picture, at)) + 0.5;
    if (x < layout.left || x > layout.left + layout.plotWidth) continue;
    context.strokeStyle = colour('line');
    line(context, x, bottom, x, bottom + 4);
    context.fillStyle = colour('muted');
    const text =
      history.unit === 'time' ? isoTime(at).slice(11, minutes ? 16 : 19) : at.toLocaleString('en-US');
    // Half a label may hang over on the left, where the column of names ends; the right edge is the canvas's.
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(x, layout.left + layout.plotWidth - half), bottom + 17);
  }
  context.textAlign = 'right';
  context.fillStyle = colour('muted');
  if (grid.rows.length > 0)
    context.fillText(history.unit === 'time' ? 'UTC' : 'step', layout.left - 28, bottom + 17);
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** Deployments: a triangle and a dashed line. Incidents: a bar from onset to end, filled for pages, hollow for tickets. */
function drawMarks(context: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, grid, history } = picture;
  const right = layout.left + layout.plotWidth;
  const bottom = layout.top + grid.rows.length * layout.rowHeight;
  const inside = (mark: Mark) =>
    (mark.until ?? Number.POSITIVE_INFINITY) >= grid.start && placeOf(picture, mark.at) <= right;
  for (const mark of history.marks.filter(inside)) {
    const x = Math.max(layout.left, Math.round(placeOf(picture, mark.at))) + 0.5;
    if (mark.kind === 'deployment') drawDeployment(context, mark, x, layout, bottom);
    else
      drawIncident(
        context,
        mark,
        x,
        Math.min(right, mark.until === null ? right : placeOf(picture, mark.until)),
        bottom,
      );
  }
}

function drawDeployment(
  context: CanvasRenderingContext2D,
  mark: Mark,
  x: number,
  layout: Layout,
  bottom: number,
): void {
  if (mark.at < 0 || x <= layout.left + 1) return;
  context.strokeStyle = colour('text');
  context.fillStyle = colour('text');
  context.setLineDash([3, 3]);
  line(context, x, 12, x, bottom);
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x - 4, 4);
  context.lineTo(x + 4, 4);
  context.lineTo(x, 11);
  context.fill();
  context.textBaseline = 'middle';
  const roomLeft = x - 8;
  const roomRight = layout.width - x - 8;
  context.textAlign = roomLeft >= roomRight ? 'right' : 'left';
  const text = fitted(context, mark.label, Math.max(roomLeft, roomRight));
  context.fillText(text, roomLeft >= roomRight ? x - 8 : x + 8, 8);
}

function drawIncident(
  context: CanvasRenderingContext2D,
  mark: Mark,
  x: number,
  end: number,
  bottom: number,
): void {
  const width = Math.max(4, end - x);
  context.strokeStyle = colour('alarm');
  context.fillStyle = colour('alarm');
  line(context, x, 20, x, bottom);
  if (mark.kind === 'page') context.fillRect(x, 18, width, 7);
  else context.strokeRect(x, 18.5, width, 6);
}

function drawCursor(context: CanvasRenderingContext2D, { grid, layout, cursor }: Picture): void {
  if (!cursor || !grid.rows[cursor.row]) return;
  const slotWidth = layout.plotWidth / grid.slots;
  const x = Math.round(layout.left + cursor.slot * slotWidth);
  const y = layout.top + cursor.row * layout.rowHeight;
  const width = Math.max(4, Math.round(slotWidth));
  context.lineWidth = 4;
  context.strokeStyle = colour('card');
  context.strokeRect(x - 1, y - 1, width + 2, layout.rowHeight);
  context.lineWidth = 2;
  context.strokeStyle = colour('focus');
  context.strokeRect(x - 1, y - 1, width + 2, layout.rowHeight);
  context.lineWidth = 1;
}
