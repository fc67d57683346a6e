/**
 * The heat map, on a canvas of its own making: layers × time, one sequential scale, deployments and incidents on the
 * axis. A single stop for the keyboard: arrows move over the cells, a line of text below says what is there, Enter
 * opens the layer. What it shows is also in the table beside it.
 */
import { create, onScheme, patch } from './dom.ts';
import { clockTime, sigmas } from './format.ts';
import { axisMarks, BIN_ENDS, type Grid, gridOf, type SiteChoice } from './grid.ts';
import { h, type Markup } from './markup.ts';
import type { StreamHistory } from './messages.ts';
import { drawHeatmap, type Layout, layoutOf } from './paint.ts';

interface Cursor {
  row: number;
  slot: number;
}

export interface Heatmap {
  readonly element: HTMLElement;
  show(history: StreamHistory, site: SiteChoice, nowMs: number): void;
}

const SLOT_LEAST_PX = 2;

export function createHeatmap(open: (layer: string) => void): Heatmap {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('aria-hidden', 'true');
  const frame = create('div', {
    class: 'heatmap',
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'heat map',
    'aria-label': 'Shift score by layer and time. Arrow keys move over the cells, Enter opens the layer.',
    'aria-describedby': 'heatmap-readout',
  });
  frame.append(canvas);
  const readout = create('p', { id: 'heatmap-readout', class: 'readout', 'aria-live': 'polite' });
  const element = create('div', { class: 'heatmap-block' });
  element.append(frame, readout, legend());

  let shown: { history: StreamHistory; site: SiteChoice; nowMs: number } | null = null;
  let grid: Grid | null = null;
  let layout: Layout | null = null;
  let cursor: Cursor | null = null;

  const draw = () => {
    const width = frame.clientWidth;
    if (!shown || width === 0) return;
    layout = layoutOf(width, shown.history);
    grid = gridOf(shown.history, shown.site, Math.floor(layout.plotWidth / SLOT_LEAST_PX));
    if (cursor)
      cursor = {
        row: Math.min(cursor.row, grid.rows.length - 1),
        slot: Math.min(cursor.slot, grid.slots - 1),
      };
    const ticks = axisMarks(grid, shown.history.unit, Math.floor(layout.plotWidth / 64));
    drawHeatmap(canvas, { grid, layout, ticks, history: shown.history, cursor });
  };

  const tell = () => {
    const text = grid && shown && cursor ? describe(grid, shown.history, cursor, shown.nowMs) : HINT;
    if (readout.textContent !== text) readout.textContent = text;
  };

  const move = (next: Cursor | null) => {
    cursor = next;
    draw();
    tell();
  };

  const at = (event: MouseEvent): Cursor | null => {
    if (!grid || !layout) return null;
    const box = canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - layout.top) / layout.rowHeight);
    const across = (event.clientX - box.left - layout.left) / layout.plotWidth;
    if (row < 0 || row >= grid.rows.length || across >= 1) return null;
    return { row, slot: Math.max(0, Math.floor(across * grid.slots)) };
  };

  frame.addEventListener('pointermove', (event) => move(at(event)));
  frame.addEventListener('pointerleave', () => document.activeElement !== frame && move(null));
  frame.addEventListener('click', (event) => {
    const row = grid?.rows[at(event)?.row ?? -1];
    if (row) open(row.layer);
  });
  frame.addEventListener('focus', () => grid && !cursor && move(worstCell(grid)));
  frame.addEventListener('blur', () => move(null));
  frame.addEventListener('keydown', (event) => {
    if (!grid || !cursor || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = grid.rows[cursor.row];
    if (event.key === 'Enter' && row) open(row.layer);
    const next = step(event.key, cursor, grid);
    if (next) move(next);
    if (next || event.key === 'Enter') event.preventDefault();
  });
  new ResizeObserver(draw).observe(frame);
  onScheme(draw);

  return {
    element,
    show(history, site, nowMs) {
      shown = { history, site, nowMs };
      draw();
      tell();
    },
  };
}

const HINT = 'Point at a cell, or focus the map and use the arrow keys.';

function step(key: string, { row, slot }: Cursor, grid: Grid): Cursor | null {
  const inRows = (value: number) => Math.min(Math.max(value, 0), grid.rows.length - 1);
  const inSlots = (value: number) => Math.min(Math.max(value, 0), grid.slots - 1);
  switch (key) {
    case 'ArrowLeft':
      return { row, slot: inSlots(slot - 1) };
    case 'ArrowRight':
      return { row, slot: inSlots(slot + 1) };
    case 'ArrowUp':
      return { row: inRows(row - 1), slot };
    case 'ArrowDown':
      return { row: inRows(row + 1), slot };
    case 'Home':
      return { row, slot: 0 };
    case 'End':
      return { row, slot: grid.slots - 1 };
    default:
      return null;
  }
}

/** Where the eye would go: the keyboard starts there. */
function worstCell(grid: Grid): Cursor {
  let worst: Cursor & { sigmas: number } = { row: 0, slot: grid.slots - 1, sigmas: -1 };
  for (const [row, { values }] of grid.rows.entries()) {
    for (const [slot, value] of values.entries()) {
      if (value && value.sigmas >= worst.sigmas) worst = { row, slot, sigmas: value.sigmas };
    }
  }
  return { row: worst.row, slot: worst.slot };
}

function describe(grid: Grid, history: StreamHistory, { row, slot }: Cursor, nowMs: number): string {
  const found = grid.rows[row];
  if (!found) return HINT;
  const value = found.values[slot];
  const from = grid.start + slot * grid.width;
  const end = from + grid.width;
  const when = history.unit === 'time' ? clockTime(end, nowMs) : `step ${end.toLocaleString('en-US')}`;
  const what = value ? `${sigmas(value.sigmas)} (${value.site})` : 'no score';
  const near = history.marks.filter((mark) => mark.at > from && mark.at <= end).map((mark) => mark.label);
  return `${found.layer} · ${when} · ${what}${near.length > 0 ? ` · ${near.join(', ')}` : ''}`;
}

function legend(): HTMLElement {
  const element = create('div', { class: 'legend' });
  const swatch = (name: string, text: string): Markup =>
    h('li', {}, h('span', { class: `swatch ${name}`, 'aria-hidden': 'true' }), text);
  patch(element, [
    h('p', {}, 'Larger of mean and variance shift, in request standard deviations (σ)'),
    h(
      'ul',
      {},
      ...BIN_ENDS.map((end, bin) =>
        swatch(`heat-${bin}`, bin === 0 ? `below ${end}` : `${BIN_ENDS[bin - 1]}–${end}`),
      ),
      swatch(`heat-${BIN_ENDS.length}`, `${BIN_ENDS.at(-1)} and more`),
      swatch('heat-none', 'no score'),
    ),
  ]);
  return element;
}
