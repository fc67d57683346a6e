/**
 * The demo in a real browser: what somebody who has just started it reads. With UPDATE_SCREENSHOT=1 the pictures of the
 * README are taken here, at the moment its first incident is open.
 */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import truth from '../../examples/recordings/labels.json' with { type: 'json' };
import { spawnAgent } from '../kit/agent.ts';
import { openPage } from '../kit/page.ts';
import { waitFor } from '../kit/wait-for.ts';

const MODEL = 'story-2-epsilon';
const LAYER = truth.serving.find(({ file }) => file === 'deploy-epsilon.jsonl.gz')?.layers[0] ?? '';
/** The fault lasts 150 s of the recording: long enough here to read it and to take pictures. */
const SPEED = '15';

const text = (page: Page, selector: string): Promise<string> =>
  // biome-ignore lint/performance/useDomNodeTextContent: what a reader sees is asked for, not what the tree holds
  page.locator(selector).innerText();

test('the incident of the bad deployment is read from the text of the page', async (t) => {
  const demo = await spawnAgent(t, ['demo', '--port', '0', '--speed', SPEED]);
  const address = await waitFor(() => /page\s+(\S+)\n/.exec(demo.stdout())?.[1], {
    what: 'the address of the page',
    deadlineMs: 30_000,
  });
  const { page, requests, errors } = await openPage(t, address, { width: 1280, height: 800 });

  const incident = page.locator('#incidents', { hasText: MODEL });
  await incident.waitFor({ timeout: 60_000 });
  const sentence = await text(page, '#incidents');
  expect(sentence).toMatch(new RegExp(`${MODEL} v2: .* ${LAYER.replaceAll('.', '\\.')} `));
  expect(await text(page, '#verdict')).toMatch(/\b1 (page|ticket)\b/);
  expect(sentence).toContain('rollout');

  // Its layers, as they are held against the reference.
  await page.locator('a.more', { hasText: 'Show the layers' }).first().click();
  await page.locator('.charts .uplot').nth(5).waitFor();
  expect(await text(page, 'body')).toContain(LAYER);
  if (process.env.UPDATE_SCREENSHOT === '1') await keepScreenshots(page);

  expect(requests.filter((one) => !one.startsWith(address) && !one.startsWith('data:'))).toEqual([]);
  expect(errors).toEqual([]);
  expect(await demo.stop()).toEqual({ code: 0, signal: null });
});

const SHOWN_AFTER_ONSET_S = 80;

/** For the README; a run of the tests alone leaves the tree as it was. */
async function keepScreenshots(page: Page): Promise<void> {
  const onset = secondsIn(await text(page, '#incidents'), /since (\d\d):(\d\d):(\d\d)/);
  await waitFor(
    async () => {
      const now = secondsIn(await text(page, '.charts'), /(\d\d):(\d\d):(\d\d) UTC/);
      return (now - onset + DAY_S) % DAY_S >= SHOWN_AFTER_ONSET_S;
    },
    { what: 'the ticks after the onset', deadlineMs: 30_000 },
  );
  for (const [scheme, name] of [
    ['light', 'page.png'],
    ['dark', 'page-dark.png'],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate('scrollTo(0, 0)');
    const path = new URL(`../../docs/images/${name}`, import.meta.url).pathname;
    await page.screenshot({ path, fullPage: true });
  }
}

const DAY_S = 86_400;

/** Seconds of the day. */
function secondsIn(said: string, time: RegExp): number {
  const [, hours, minutes, seconds] = time.exec(said) ?? [];
  return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}
