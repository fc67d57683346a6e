/** The reference page says all that the declarations say. */
import { describe, expect, it } from 'vitest';
import { KINDS, REFUSAL_REASONS } from '../../../agent/core/decode/index.ts';
import { eventReference } from '../../../agent/core/decode/reference.ts';

const page = eventReference();

describe('reference page', () => {
  it.each(KINDS)('has a section on $kind with a row for each of its fields', ({ kind, doc, fields }) => {
    const section = page.slice(page.indexOf(`\n## \`${kind}\`\n`)).split('\n## ')[1]!;
    expect(section).toContain(doc);
    for (const field of Object.keys(fields))
      expect(section).toMatch(new RegExp(`^\\| \`${field}\` \\|.*[^| ] \\|$`, 'm'));
  });

  it('lists every reason of refusal', () => {
    for (const reason of REFUSAL_REASONS) expect(page).toContain(`| \`${reason}\` |`);
  });

  it('knows a word for every type', () => {
    expect(page).not.toMatch(/undefined|\[object|NaN \|/);
  });
});
