/**
 * Failures by the row they come from. `test/unit/errors.test.ts` demands that every row of the table is named in a test
 * that uses these, so a row that nobody can provoke does not last.
 */
import { expect } from 'vitest';
import { ERRORS, type ErrorName, NormwatchError } from '../../agent/errors.ts';

/** The failure that `act` throws or rejects with must be of this row; it is returned for a closer look. */
export async function provokes(row: ErrorName, act: () => unknown): Promise<NormwatchError> {
  let thrown: unknown = null;
  try {
    await act();
  } catch (error) {
    thrown = error;
  }
  const all = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const found = all.find((one) => one instanceof NormwatchError && one.row === row);
  if (found === undefined) expect.fail(`expected a failure "${row}", got ${String(thrown)}`);
  return found;
}

/** What a command line printed on stderr tells a failure of this row. */
export function expectTold(row: ErrorName, stderr: string): void {
  expect(stderr).toContain(`[${ERRORS[row].code}]\n  `);
  expect(stderr).not.toMatch(/^ +at /m);
}
