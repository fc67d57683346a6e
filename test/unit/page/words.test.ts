/** Markup and words of the page: nothing from outside becomes markup; numbers and times read the same everywhere. */
import { describe, expect, test } from 'vitest';
import {
  clockTime,
  duration,
  encodeName,
  isoTime,
  number,
  shortNames,
  withoutUsualHead,
} from '../../../agent/page/browser/format.ts';
import { h, toHtml } from '../../../agent/page/browser/markup.ts';

describe('markup', () => {
  test('text and attribute values stay text', () => {
    const nasty = `<script>alert("1")</script>&'`;
    expect(toHtml(h('p', { title: nasty }, nasty))).toBe(
      '<p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;">&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;</p>',
    );
  });

  test('absent attributes and children leave no trace', () => {
    expect(toHtml(h('input', { checked: true, disabled: false, value: null }))).toBe('<input checked="">');
    expect(toHtml(h('p', {}, null, '', 'a', [h('b', {}, 'c'), null]))).toBe('<p>a<b>c</b></p>');
  });

  test('a name with a lone surrogate can still be put into an address', () => {
    expect(encodeName('a/\ud800 b')).toBe('a%2F%EF%BF%BD%20b');
  });
});

describe('words', () => {
  test.each([
    [0, '0'],
    [null, '–'],
    [Number.NaN, '–'],
    [0.05, '0.05'],
    [-1.23456, '−1.23'],
    [12_345.6, '12,346'],
    [1e-12, '1\u00a0×\u00a010⁻¹²'],
    [-2.5e9, '−2.5\u00a0×\u00a010⁹'],
  ])('number %s reads %s', (value, text) => expect(number(value)).toBe(text));

  test('numbers keep as many digits as asked for', () => {
    expect([9.6609, 9.6585, 0.5, 123.456].map((value) => number(value, 5))).toEqual([
      '9.6609',
      '9.6585',
      '0.5',
      '123.46',
    ]);
    expect(number(1.23456e-12, 5)).toBe('1.2346\u00a0×\u00a010⁻¹²');
  });

  test.each([
    [-5, '0 s'],
    [40_000, '40 s'],
    [180_000, '3 min'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [345_600_000, '4 days'],
  ])('%d ms reads %s', (ms, text) => expect(duration(ms)).toBe(text));

  test('a time of another day carries its date', () => {
    const now = Date.parse('2026-03-02T02:00:00Z');
    expect(clockTime(now, now)).toBe('02:00:00 UTC');
    expect(clockTime(now - 3 * 3_600_000, now)).toBe('2026-03-01 23:00:00 UTC');
  });

  test('a time beyond what a date can hold is no failure', () => {
    expect(isoTime(9e15)).toBe('+275760-09-13T00:00:00.000Z');
  });

  test('names lose what all of them share, but never become empty or alike', () => {
    expect(shortNames(['enc.0.out.LN', 'enc.1.out.LN'])).toEqual(['0', '1']);
    expect(shortNames(['embeddings.LN', 'enc.0.LN'])).toEqual(['embeddings', 'enc.0']);
    expect(shortNames(['a.b.c'])).toEqual(['a.b.c']);
    expect(shortNames(['a', 'a.a'])).toEqual(['a', 'a.a']);
    expect(shortNames([])).toEqual([]);
    expect(withoutUsualHead(['emb', 'enc.layer.0', 'enc.layer.1'])).toEqual(['emb', '0', '1']);
    expect(withoutUsualHead(['0', 'enc.0', 'enc.1'])).toEqual(['0', 'enc.0', 'enc.1']);
  });
});
