/**
 * Markup as plain data: written once, turned into text by the server (`toHtml`) and into elements by the browser
 * (`dom.ts`). Every text and attribute value is escaped here or set as text there, so no template can forget it.
 */

export interface Markup {
  readonly tag: string;
  /** `data-key` tells an item of a list from its neighbours when the browser updates in place. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Markup | string)[];
}

type Child = Markup | string | null | readonly (Markup | string | null)[];
type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** `true` gives an empty attribute; `null` and `false` leave it out. */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): Markup {
  const kept = Object.entries(attributes).filter(([, value]) => value !== null && value !== false);
  return {
    tag,
    attributes: Object.fromEntries(kept.map(([name, value]) => [name, value === true ? '' : String(value)])),
    children: children
      .flat()
      .filter((child) => child !== null)
      .filter((child) => child !== ''),
  };
}

const VOID_TAGS = new Set(['br', 'input', 'link', 'meta']);
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '');

export function toHtml(node: Markup | string): string {
  if (typeof node === 'string') return escapeHtml(node);
  const attributes = Object.entries(node.attributes).map(
    ([name, value]) => ` ${name}="${escapeHtml(value)}"`,
  );
  const opening = `<${node.tag}${attributes.join('')}>`;
  if (VOID_TAGS.has(node.tag)) return opening;
  return `${opening}${node.children.map(toHtml).join('')}</${node.tag}>`;
}
