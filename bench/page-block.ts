/** Blocks of a page that are measured: each lies between a line that names it and a line that ends it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

const END = '\n<!-- end -->';

/** The text with the block of this name replaced. */
export function withBlock(text: string, name: string, content: string): string {
  const begin = `<!-- measured: ${name} -->\n\n`;
  const from = text.indexOf(begin);
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`no ${begin.trim()} … ${END.trim()}`);
  return text.slice(0, from + begin.length) + content + text.slice(to);
}

export function writeBlock(file: string, name: string, content: string): void {
  writeFileSync(file, withBlock(readFileSync(file, 'utf8'), name, content));
}

/** When and where something was measured, since no test measures it again. */
export function dateAndMachine(): string {
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version.slice(1)}`;
}
