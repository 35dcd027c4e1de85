import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { type Opened, type OpenOptions, openPage, rows, says } from './inbox-visit.ts';

let browser: Browser;
const visit = (options?: OpenOptions): Promise<Opened> => openPage(browser, options);

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** Words that are written from right to left. */
const NAME = '\u05dc\u05e7\u05d5\u05d7';
const VALUE = '\u05e9\u05dc\u05d5\u05dd';
const ARABIC = '\u0645\u0631\u062d\u0628\u0627';

const received = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = TEXT) => ({
  first: ({ send }: Opened['served']) => send('joe', { body, headers }),
});

/** What is laid out as one, in characters. */
const blockLengths = (page: Page): Promise<number[]> =>
  page.locator('#body .block').evaluateAll((all) => all.map((each) => each.textContent?.length ?? 0));

describe('a body in the inbox page', () => {
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  it('of 120 kB of combining marks is laid out in small parts, as JSON too', async () => {
    const marks = `a${'\u0301'.repeat(60_000)}`;
    for (const [body, headers] of [
      [marks, TEXT],
      [JSON.stringify({ marks }), { 'content-type': 'application/json' }],
    ] as const) {
      await using visited = await visit(received(body, headers));
      const { page } = visited;
      await says(page, '#body', 'a\u0301');
      const lengths = await blockLengths(page);
      // Five hundred characters, and the line breaks among them.
      assert.ok(Math.max(...lengths) <= 550, `laid out ${Math.max(...lengths)} as one`);
      const style = 'getComputedStyle(document.querySelector("#body .block")).contentVisibility';
      assert.equal(await page.evaluate(style), 'auto');
      // It still does what it is told.
      await page.locator('#views').getByText('Hex').click();
      await says(page, '#body.hex', 'cc 81');
    }
  });

  it('that is long shows its beginning, then all of it; and Copy has all of it before', async () => {
    const body = Array.from({ length: 9_000 }, (_, i) => `line ${i}`).join('\n');
    await using visited = await visit(received(body));
    const { page } = visited;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await says(page, '#rest', 'only the beginning');
    const beginning = (await page.locator('#body').textContent()) ?? '';
    assert.ok(beginning.length < 70_000 && body.startsWith(beginning), String(beginning.length));
    await page.locator('[data-copy=body]').click();
    await says(page, '[data-copy=body]', 'Copied');
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), body);
    await page.getByRole('button', { name: 'Show all' }).click();
    assert.equal(await page.locator('#body').textContent(), body);
    assert.equal(await page.locator('#rest').isVisible(), false);
    // What is selected by hand has neither more nor fewer line breaks.
    await page.evaluate('getSelection().selectAllChildren(document.getElementById("body"))');
    assert.equal(await page.evaluate('getSelection().toString()'), body);
  });

  it('of one long line stays one line when it is copied, and shows where it goes on', async () => {
    const body = 'word '.repeat(2_000).trim();
    await using visited = await visit(received(body));
    const { page } = visited;
    await says(page, '#body', 'word');
    assert.equal(await page.locator('#body .goes-on').count(), (await blockLengths(page)).length - 1);
    await page.evaluate('getSelection().selectAllChildren(document.getElementById("body"))');
    assert.equal(await page.evaluate('getSelection().toString()'), body);
  });

  it('as bytes scrolls sideways on a phone, and the page does not', async () => {
    await using visited = await visit({
      ...received(Uint8Array.from({ length: 5_000 }, (_, i) => i % 256)),
      path: '/inbox/joe#1',
      width: 320,
    });
    const { page } = visited;
    await says(page, '#body.hex', '000008  08 09');
    const lines = ((await page.locator('#body').textContent()) ?? '').split('\n');
    assert.equal(lines.length, 625);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false);
  });

  it('keeps the order of names and values in right-to-left writing, and each line its side', async () => {
    await using visited = await visit(
      received(JSON.stringify({ [NAME]: VALUE, evil: '\u202eabc', after: 1 }), {
        'content-type': 'application/json',
      }),
    );
    const { page, served } = visited;
    await says(page, '#body.pretty', VALUE);
    const left = async (part: string) =>
      (await page.locator('#body span', { hasText: part }).last().boundingBox())!.x;
    assert.ok((await left(NAME)) < (await left(VALUE)), 'the name stands before the value');
    assert.ok((await left('"after"')) < (await left('1')), 'nothing turns what comes after it');
    await served.send('joe', { body: `${ARABIC}\nplain`, headers: TEXT });
    await rows(page, 2);
    await page.keyboard.press('Escape');
    await says(page, '#body.raw', 'plain');
    const preview = page.locator('#requests .preview').first();
    assert.equal(await preview.evaluate((node) => node.matches(':dir(rtl)')), true);
  });

  it('is not hidden by very long headers, of which the beginning is shown', async () => {
    await using visited = await visit(received('x', { ...TEXT, 'x-long': 'v'.repeat(8_000) }));
    const { page } = visited;
    const cell = page.locator('#headers tr', { hasText: 'x-long' }).locator('td');
    assert.ok(((await cell.textContent()) ?? '').length < 1_000);
    await page.getByRole('button', { name: 'Show all 8,000 characters' }).click();
    assert.equal(await cell.textContent(), 'v'.repeat(8_000));
  });
});
