/** Markup → elements, in place: what did not change stays, with its focus, its open details and its selection. */
import { h, type Markup } from './markup.ts';

/** Makes the children of `parent` what `wanted` says. Keyed children keep their element when their order changes. */
export function patch(parent: Element, wanted: readonly (Markup | string)[]): void {
  const keyed = new Map<string, Element>();
  const kept = new Set(
    wanted.map((item) => (typeof item === 'string' ? undefined : item.attributes['data-key'])),
  );
  for (const child of [...parent.children]) {
    const key = child.getAttribute('data-key');
    if (key === null) continue;
    // Gone first: an element that only moves up because another left must not be moved by hand, that costs its focus.
    if (kept.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let place: ChildNode | null = parent.firstChild;
  for (const item of wanted) {
    const node = nodeFor(item, place, keyed);
    if (node === place) place = place?.nextSibling ?? null;
    else parent.insertBefore(node, place);
    if (typeof item !== 'string') update(node as Element, item);
  }
  while (place !== null) {
    const after: ChildNode | null = place.nextSibling;
    place.remove();
    place = after;
  }
}

function nodeFor(
  item: Markup | string,
  place: ChildNode | null,
  keyed: ReadonlyMap<string, Element>,
): ChildNode {
  if (typeof item === 'string') {
    if (!(place instanceof Text)) return document.createTextNode(item);
    if (place.data !== item) place.data = item;
    return place;
  }
  const key = item.attributes['data-key'];
  const known = key === undefined ? undefined : keyed.get(key);
  if (known?.localName === item.tag) return known;
  const reusable =
    place instanceof Element && place.localName === item.tag && !place.hasAttribute('data-key');
  return reusable && key === undefined ? place : elementOf(item.tag);
}

const SVG_TAGS = new Set(['svg', 'rect']);

const elementOf = (tag: string): Element =>
  SVG_TAGS.has(tag)
    ? document.createElementNS('http://www.w3.org/2000/svg', tag)
    : document.createElement(tag);

function update(element: Element, item: Markup): void {
  for (const [name, value] of Object.entries(item.attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  for (const name of element.getAttributeNames()) {
    // Whether details are open is the reader's choice, not the template's.
    if (!(name in item.attributes) && name !== 'open') element.removeAttribute(name);
  }
  patch(element, item.children);
}

/** A new element from a template. */
export function create(tag: string, attributes: Parameters<typeof h>[1] = {}, text = ''): HTMLElement {
  const element = document.createElement(tag);
  update(element, h(tag, attributes, text));
  return element;
}

export function region(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page lacks #${id}`);
  return element;
}

/** A colour of the current scheme, by its name in `base.css`. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Calls `listener` when the reader's system turns light or dark. */
export const onScheme = (listener: () => void): void =>
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener);
