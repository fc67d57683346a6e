/** The page in a real browser: what somebody reads, does with the keyboard, and must never be done to them. */
import { readFileSync } from 'node:fs';
import fastify from 'fastify';
import type { Page } from 'playwright-core';
import { describe, expect, type TestContext, test } from 'vitest';
import { pagePlugin } from '../../agent/page/server.ts';
import { type OpenPage, openPage, type PageOptions } from '../kit/page.ts';
import { waitFor } from '../kit/wait-for.ts';
import { createFixture, type Fixture } from './fixture.ts';
import { SENTENCE } from './incidents.ts';
import { HOSTILE_LAYER, ORIGIN } from './streams.ts';

/** Questions that only code inside the page can answer; plain JavaScript, since this side knows no DOM types. */
const PROBES = readFileSync(new URL('probes.js', import.meta.url), 'utf8').replace(/;\s*$/, '');
type Probe = 'drawn' | 'overflow' | 'focused' | 'nameless' | 'tooFaint';
const probe = <T = unknown>(page: Page, name: Probe): Promise<T> => page.evaluate(`(${PROBES}).${name}()`);

interface Opened extends OpenPage {
  readonly fixture: Fixture;
  readonly url: string;
}

async function open(
  t: TestContext,
  options: PageOptions & { hostile?: boolean; readersMax?: number } = {},
): Promise<Opened> {
  const fixture = createFixture({ hostile: options.hostile ?? false });
  const app = fastify();
  const readersMax = options.readersMax ?? 64;
  await app.register(pagePlugin, { data: fixture, clock: fixture.clock, readersMax });
  t.onTestFinished(async () => app.close());
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/`;
  const opened = await openPage(t, url, options);
  await waitFor(() => probe<boolean>(opened.page, 'drawn'), { what: 'the heat map' });
  return { ...opened, fixture, url };
}

const text = (page: Page, selector: string): Promise<string> =>
  // biome-ignore lint/performance/useDomNodeTextContent: what a reader sees is asked for, not what the tree holds
  page.locator(selector).innerText();

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

describe('reading', () => {
  test('verdict, incident and streams are read from the text of the page; nothing fails, nothing leaves the origin', async (t) => {
    const { page, requests, errors, url } = await open(t);
    const body = await text(page, 'body');
    for (const part of [
      '1 page, 0 tickets open; 2 streams guarded, 1 drifting',
      SENTENCE,
      'epsilon mismatch (93 % sure)',
      'v2, 0.2 min before',
    ]) {
      expect(body).toContain(part);
    }
    expect(await page.title()).toContain('(1) 1 page');
    expect(requests.filter((address) => !address.startsWith(url) && !address.startsWith('data:'))).toEqual(
      [],
    );
    expect(errors).toEqual([]);
  });

  test('without JavaScript the overview is all there', async (t) => {
    const { page, url } = await open(t);
    const context = await page.context().browser()?.newContext({ javaScriptEnabled: false });
    const still = await context!.newPage();
    await still.goto(url);
    const body = await text(still, 'body');
    for (const part of [
      '1 page, 0 tickets open',
      SENTENCE,
      'drifting',
      '22 of 60 ticks',
      'need JavaScript',
    ]) {
      expect(body).toContain(part);
    }
  });

  test('a phone shows all of it without scrolling sideways, layers and charts included', async (t) => {
    const { page } = await open(t, { width: 360, height: 740 });
    await page.locator('a.more', { hasText: 'Show the layers' }).click();
    await page.locator('.charts .uplot').nth(5).waitFor();
    await page.locator('details.as-table summary').click();
    expect(await probe(page, 'overflow')).toBe(0);
  });
});

describe('keyboard', () => {
  test('from the top of the page to the charts of a layer, and focus stays with the reader', async (t) => {
    const { page, errors } = await open(t);
    await page.locator('.heatmap').focus();
    expect(await text(page, '#heatmap-readout')).toContain(ORIGIN);
    await press(page, 'ArrowDown', 'End');
    expect(await text(page, '#heatmap-readout')).toMatch(
      /^encoder\.layer\.3\.attention\.output\.LayerNorm · 02:32:00 UTC · [\d.]+ σ/,
    );
    await press(page, 'ArrowUp', 'Enter');
    await page.locator('.charts .uplot').nth(5).waitFor();
    expect(await probe(page, 'focused')).toBe(ORIGIN);
    expect(page.url()).toMatch(new RegExp(`#/stream/[0-9a-f]{16}/${ORIGIN}$`));
    expect(await text(page, '.charts')).toMatch(
      /Variance of the output\s+0\.2\d+ +\(reference 0\.4 ×÷ 1\.03\)/,
    );
    expect(errors).toEqual([]);
  });

  test('a stream is chosen with Enter, and the address leads back to it', async (t) => {
    const { page, url } = await open(t);
    await page.locator('#streams a', { hasText: 'minilm-l6-train' }).focus();
    await press(page, 'Enter');
    await page.locator('#detail-title', { hasText: 'minilm-l6-train · v4-dev · run r17' }).waitFor();
    const address = page.url();
    await page.goto(url);
    await page.goto(address);
    await page.locator('#detail-title', { hasText: 'run r17' }).waitFor();
    await waitFor(() => probe<boolean>(page, 'drawn'), { what: 'the heat map of the run' });
    await page.locator('.heatmap').focus();
    await press(page, 'End');
    expect(await text(page, '#heatmap-readout')).toContain('step 3,840');
  });

  test('every stop has a name, every picture a text, every table its headings', async (t) => {
    const { page } = await open(t);
    await page.locator('a.more', { hasText: 'Show the layers' }).click();
    await page.locator('.charts .uplot').nth(5).waitFor();
    expect(await probe(page, 'nameless')).toEqual([]);
    const tree = await page.locator('body').ariaSnapshot();
    for (const part of [
      'banner',
      'main',
      'status',
      'heading "Open incidents" [level=2]',
      'radiogroup "Shift of"',
      'progressbar "Calibration"',
    ]) {
      expect(tree).toContain(part);
    }
  });
});

describe('evidence', () => {
  const row = (detector: string) => `.evidences tr:has(th:has-text("${detector}"))`;
  const fill = async (page: Page, detector: string) =>
    Number.parseFloat((await page.locator(`${row(detector)} .bar-fill`).getAttribute('width')) ?? '');

  test('of each detector stands beside its thresholds, in words and as a bar, with the layer where it is strongest', async (t) => {
    const { page, errors } = await open(t);
    expect(await text(page, row('activation variance'))).toMatch(
      /17\.1 · enough for a page\s+ticket at 12\.6, page at 14\.1/,
    );
    expect(await text(page, row('activation mean'))).toContain('13.1 · enough for a ticket');
    expect(await text(page, row('peers'))).toMatch(/\s\d\.\d\s+ticket at 12\.9, page at 14\.4\s+–/);
    expect(await fill(page, 'activation variance')).toBe(100);
    expect(await fill(page, 'output divergence')).toBeCloseTo((6.2 / 14.76 / 1.02) * 100, 0);
    const marks = await page.locator(`${row('peers')} .bar-mark`).all();
    const at = await Promise.all(marks.map(async (mark) => (await mark.boundingBox())!.x));
    const bar = (await page.locator(`${row('peers')} svg`).boundingBox())!;
    expect((at[0]! - bar.x) / bar.width).toBeCloseTo(12.91 / 14.36 / 1.02, 2);
    expect((at[1]! - bar.x) / bar.width).toBeCloseTo(1 / 1.02, 2);
    await page.locator(`${row('activation variance')} a`, { hasText: ORIGIN }).click();
    await page.locator('#layer-title', { hasText: ORIGIN }).waitFor();
    expect(errors).toEqual([]);
  });

  test('of an open incident is told with it, by the detectors that found it', async (t) => {
    const { page, fixture } = await open(t);
    const now = 'activation variance 17.1 nats (ticket at 12.6, page at 14.1) · output divergence 6.2 nats';
    expect(await text(page, '#incidents')).toContain(now);
    await page.locator('a.more', { hasText: 'Show the layers' }).click();
    fixture.resolve();
    await page.locator('.evidences tr.evidence-quiet', { hasText: 'activation variance' }).waitFor();
    expect(await fill(page, 'activation variance')).toBeLessThan(20);
    await page.locator('#incidents', { hasText: 'None. Normalization layers' }).waitFor();
    expect(await text(page, '#incidents')).not.toContain('Against the budget');
  });

  test('is a table with headings to those who hear the page', async (t) => {
    const { page } = await open(t);
    const tree = await page.locator('.evidence').ariaSnapshot();
    for (const part of ['heading "Evidence" [level=3]', 'table "Evidence"', 'columnheader "Strongest at"']) {
      expect(tree).toContain(part);
    }
    expect(tree).toContain('rowheader "output divergence"');
  });

  test('is none of a stream that calibrates, which says so, and of a run, which says nothing', async (t) => {
    const { page } = await open(t);
    await page.locator('#streams tr', { hasText: 'canary' }).locator('a').click();
    await page.locator('.evidence', { hasText: 'only hard rules alarm' }).waitFor();
    expect(await page.locator('.evidences').count()).toBe(0);
    await page.locator('#streams a', { hasText: 'minilm-l6-train' }).click();
    await page.locator('#detail-title', { hasText: 'run r17' }).waitFor();
    expect(await page.locator('.evidence').isVisible()).toBe(false);
  });
});

describe('live', () => {
  test('a change arrives without a reload, and opened details and focus survive it', async (t) => {
    const { page, fixture } = await open(t);
    await page.locator('details.resolved summary').click();
    fixture.resolve();
    await page.locator('#verdict', { hasText: '0 pages, 0 tickets open' }).waitFor();
    expect(await text(page, '#incidents')).toContain('None. Normalization layers');
    expect(await text(page, 'details.resolved')).toContain(SENTENCE);
    expect(await probe(page, 'focused')).toBe('Recently resolved (2)');
    expect(await page.title()).toBe('normwatch');
  });

  test('the heat map and the charts go on with every tick', async (t) => {
    const { page, fixture } = await open(t);
    await page.locator('a.more', { hasText: 'Show the layers' }).click();
    await page.locator('.charts figure', { hasText: '02:32:00 UTC' }).first().waitFor();
    fixture.advance();
    await page.locator('.charts figure', { hasText: '02:32:10 UTC' }).first().waitFor();
    await page.locator('.heatmap').focus();
    await press(page, 'End');
    expect(await text(page, '#heatmap-readout')).toContain('02:32:10 UTC');
  });

  test('where live readers find no room the page says so and still shows the state', async (t) => {
    const first = await open(t, { readersMax: 1 });
    const second = await openPage(t, first.url);
    await second.page.locator('.connection', { hasText: 'asking every 15 s' }).waitFor();
    expect(await text(second.page, '#verdict')).toContain('1 page');
  });
});

test('HTML in names and sentences stays text, in the page, the heat map, the table and the charts', async (t) => {
  const { page, errors, requests } = await open(t, { hostile: true });
  expect(await text(page, '#incidents h3')).toContain(HOSTILE_LAYER);
  await page.locator('details.as-table summary').click();
  await page.locator('.as-table a', { hasText: HOSTILE_LAYER }).first().click();
  await page.locator('#layer-title', { hasText: HOSTILE_LAYER }).waitFor();
  await page.locator('.charts .uplot').nth(5).waitFor();
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).not.toContain('owned');
  expect(requests.filter((address) => address.endsWith('/x'))).toEqual([]);
  expect(errors).toEqual([]);
});

test.for(['light', 'dark'] as const)(
  'text stands out from its ground in the %s scheme',
  async (scheme, t) => {
    const { page } = await open(t, { colorScheme: scheme });
    expect(await probe(page, 'tooFaint')).toEqual([]);
  },
);
