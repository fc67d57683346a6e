/** What a run came to: counts and test time per suite. Written by the reporter, added up and printed by `test/run.ts`. */
export interface Tally {
  readonly suite: string;
  readonly files: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
}

export const NOTHING: Omit<Tally, 'suite'> = { files: 0, passed: 0, failed: 0, skipped: 0, ms: 0 };

export function addTallies(tallies: readonly Tally[], suite: string): Tally {
  return tallies.reduce(
    (sum, tally) => ({
      suite,
      files: sum.files + tally.files,
      passed: sum.passed + tally.passed,
      failed: sum.failed + tally.failed,
      skipped: sum.skipped + tally.skipped,
      ms: sum.ms + tally.ms,
    }),
    { suite, ...NOTHING },
  );
}

export function tallyTable(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ suite, files, passed, failed, skipped, ms }) =>
    [suite, files, passed, failed, skipped, (ms / 1_000).toFixed(1)].map(String),
  );
  const head = ['suite', 'files', 'passed', 'failed', 'skipped', 'seconds'];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return [head, ...rows].map(line).join('\n');
}
