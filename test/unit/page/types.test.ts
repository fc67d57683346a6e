/** The browser's modules are left out of the project's own type check, since they know the DOM; here is theirs. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test("the page's modules hold their types", () => {
  const project = new URL('../../../', import.meta.url).pathname;
  const check = () =>
    execFileSync(`${project}node_modules/.bin/tsc`, ['-p', 'agent/page/browser'], {
      cwd: project,
      encoding: 'utf8',
    });
  expect(check()).toBe('');
});
