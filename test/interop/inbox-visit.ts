import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import type { Verify } from '../../src/inbox/inbox.ts';
import { type Serving, type ServingOptions, serveInbox } from '../inbox/serving.ts';

const verify: Verify = async ({ headers }) => {
  if (headers['webhook-signature'] === 'v1,good') return 'valid';
  return headers['webhook-signature'] === 'v1,bad' ? { invalid: 'it was signed long ago' } : 'unknown';
};

export const signed = (id: string, attempt: number, signature = 'v1,good') => ({
  'webhook-id': id,
  'webhook-timestamp': '1764000000',
  'webhook-signature': signature,
  'carillon-attempt': String(attempt),
});

/** A page of an inbox in Chromium, and the inbox behind it. */
export interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly served: Serving;
}

export interface OpenOptions {
  readonly path?: string;
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Bounds other than the usual ones. */
  readonly bounds?: ServingOptions['options'];
  /** Done before the page is opened. */
  readonly first?: (served: Serving) => Promise<unknown>;
  /** What the browser may say on its console. */
  readonly expected?: RegExp;
}

/** Opens the page of an inbox of its own. It must not complain, break its policy, or ask others. */
export async function openPage(
  browser: Browser,
  { path = '/inbox/joe', width = 1280, colorScheme = 'light', bounds, first, expected }: OpenOptions = {},
): Promise<Opened> {
  const served = await serveInbox({ verify, ...(bounds === undefined ? {} : { options: bounds }) });
  await first?.(served);
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  // A broken policy is told on the console, too.
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${served.origin}/inbox`)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(served.origin + path);
  if (path !== '/inbox') await page.locator('#live:not([data-state=connecting])').waitFor();
  return {
    page,
    served,
    async [Symbol.asyncDispose]() {
      await context.close();
      await served[Symbol.asyncDispose]();
      assert.deepEqual(
        complaints.filter((complaint) => !expected?.test(complaint)),
        [],
      );
    },
  };
}

/** Resolves once there are as many elements. */
export async function counts(page: Page, selector: string, count: number): Promise<void> {
  const found = page.locator(selector);
  if (count > 0) await found.nth(count - 1).waitFor();
  await found.nth(count).waitFor({ state: 'detached' });
}

/** What the rows say, from the top. */
export async function rows(page: Page, count: number): Promise<string[]> {
  await counts(page, '#requests li', count);
  return page.locator('#requests .preview').allTextContents();
}

/** Resolves once the element says what it should. */
export async function says(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector, { hasText: text }).first().waitFor();
}
