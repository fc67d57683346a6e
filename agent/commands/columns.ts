/** Text in columns that fits a terminal of 100: the last column is cut, the others never are. */
const WIDTH = 100;

export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const last = head.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(20, WIDTH - before);
  return all
    .map((row) => {
      const cells = row.map((cell, i) => (i === last ? cut(cell, room) : cell.padEnd(widths[i] ?? 0)));
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

export const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** `2026-03-02 00:05:10`, UTC. */
export const shortTime = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
