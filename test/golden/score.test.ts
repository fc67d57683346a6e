/** The table of shipped recordings in docs/detection.md is what the fold says of them now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withBlock } from '../../bench/page-block.ts';
import { SHIPPED_BLOCK, shippedScore } from '../../bench/score.ts';

const PAGE = join(import.meta.dirname, '../../docs/detection.md');

it('docs/detection.md shows what the shipped recordings score', async () => {
  const text = readFileSync(PAGE, 'utf8');
  const now = withBlock(text, SHIPPED_BLOCK, await shippedScore());
  expect(now, 'renew it by: npm run score -- --write docs/detection.md').toBe(text);
});

it('a page without the place for it is refused, and no other block is touched', () => {
  const page = '<!-- measured: a -->\n\nold\n<!-- end -->\n<!-- measured: b -->\n\nkept\n<!-- end -->\n';
  expect(withBlock(page, 'a', 'new')).toBe(page.replace('old', 'new'));
  expect(() => withBlock(page, 'c', 'new')).toThrow(/<!-- measured: c -->/);
});
