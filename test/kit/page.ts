import { chromium, type Page } from 'playwright-core';
import { CLEANUP_MS, type Owner } from './owner.ts';
import { requireProgram } from './services/programs.ts';

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
}

export interface OpenPage {
  readonly page: Page;
  /** Addresses of everything the page has asked for since it was opened, itself included. */
  readonly requests: readonly string[];
  /** Errors of its scripts and whatever it wrote to the console as an error. */
  readonly errors: readonly string[];
}

// Without the background flags Chromium looks for Google's hosts at every start, which closed networks refuse.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens an address in a new Chromium of its own. */
export async function openPage(owner: Owner, url: string, options: PageOptions = {}): Promise<OpenPage> {
  const browser = await chromium.launch({
    executablePath: requireProgram('chromium'),
    headless: true,
    args: FLAGS,
  });
  owner.onTestFinished(() => browser.close(), CLEANUP_MS);
  const page = await browser.newPage({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.colorScheme ?? 'light',
  });
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  // Live pages keep a stream open, so "no more requests" never comes.
  await page.goto(url, { waitUntil: 'load' });
  return { page, requests, errors };
}
