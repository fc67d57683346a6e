/**
 * Which layers a stream has, in forward order. Sources may name different subsets; the order is a function of the set
 * of lists seen, never of the order in which they came.
 */
import { byName } from './codec.ts';

export const SITES = ['input', 'output'] as const;

/** A cell is one layer at one site; cells are numbered layer by layer, input first. */
export const cellOf = (layer: number, site: 0 | 1): number => layer * 2 + site;
export const layerOfCell = (cell: number): number => cell >> 1;
export const siteOfCell = (cell: number): 'input' | 'output' => ((cell & 1) === 0 ? 'input' : 'output');

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Longest list first, then by content: the order in which lists are merged. */
export function sortLayouts(layouts: readonly (readonly string[])[]): (readonly string[])[] {
  return [...layouts].sort((a, b) => b.length - a.length || byName(a.join('\n'), b.join('\n')));
}

/** The longest list, with layers that only other lists know put after their predecessor there. */
export function mergeLayouts(layouts: readonly (readonly string[])[]): string[] {
  // A chain: each name has its successor, null the first name. Lists are untrusted and long, so none is ever searched.
  const next = new Map<string | null, string | null>([[null, null]]);
  for (const layout of sortLayouts(layouts)) {
    let after: string | null = null;
    for (const name of layout) {
      if (!next.has(name)) {
        next.set(name, next.get(after)!);
        next.set(after, name);
      }
      after = name;
    }
  }
  const merged: string[] = [];
  for (let name = next.get(null)!; name !== null; name = next.get(name)!) merged.push(name);
  return merged;
}

/** For each name of `layout`, its place in `layers`, −1 where it is not there. */
export function placesOf(layout: readonly string[], layers: readonly string[]): Int32Array {
  if (sameNames(layout, layers)) return Int32Array.from(layers.keys());
  const places = new Map(layers.map((name, i) => [name, i]));
  return Int32Array.from(layout, (name) => places.get(name) ?? -1);
}

/** Rows of `stride` numbers per cell, moved from the old layers to the new. Rows of new layers hold `empty`. */
export function moveCells(
  rows: Float64Array,
  stride: number,
  places: Int32Array,
  layerCount: number,
  empty = 0,
): Float64Array {
  const moved = new Float64Array(layerCount * 2 * stride);
  if (empty !== 0) moved.fill(empty);
  const width = 2 * stride;
  for (let layer = 0; layer < places.length; layer++) {
    const to = places[layer]!;
    if (to >= 0) moved.set(rows.subarray(layer * width, (layer + 1) * width), to * width);
  }
  return moved;
}
