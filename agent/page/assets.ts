/**
 * Files that the browser asks for, read once at the start: this folder's own modules with their types stripped, styles,
 * icon, and uPlot from its package. A fixed list: no path from a request ever reaches the file system.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { dirname, extname, join } from 'node:path';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Name in addresses → asset. Modules keep their `.ts` names, so that imports mean the same here and there. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const folder = join(import.meta.dirname, 'browser');
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined || name.endsWith('.d.ts')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    assets.set(name, { type, body: name.endsWith('.ts') ? withoutTypes(text) : text });
  }
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot'));
  assets.set('uplot.js', { type: TYPES['.js']!, body: readFileSync(join(uplot, 'uPlot.esm.js'), 'utf8') });
  assets.set('uplot.css', { type: TYPES['.css']!, body: readFileSync(join(uplot, 'uPlot.min.css'), 'utf8') });
  return assets;
}

/** Node warns on stderr that this function is experimental, which tells an operator nothing; so that one is held back. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}
