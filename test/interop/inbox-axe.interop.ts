import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { type Opened, type OpenOptions, openPage, says, signed } from './inbox-visit.ts';

const AXE = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly html: string }[];
}

/** What axe-core has against the page as it is now, best practices included. */
async function findings(page: Page): Promise<string[]> {
  // What is still fading in has other colours than it will have.
  await page.evaluate('Promise.all(document.getAnimations().map((each) => each.finished))');
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<{ violations: Finding[] }>('axe.run()');
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.target} ${nodes[0]?.html}`);
}

let browser: Browser;
const visit = (options?: OpenOptions): Promise<Opened> => openPage(browser, options);

/** Requests of every kind, the last one with much of everything. */
async function fill({ send, answer }: Opened['served']): Promise<void> {
  await send('joe', { body: 'line\n'.repeat(300) });
  for (const signature of ['v1,good', 'v1,bad', 'v1,other']) {
    await send('joe', {
      body: '{"type":"a.b","data":{"n":1}}',
      headers: signed(`msg_${signature}`, 1, signature),
    });
  }
  await answer('joe', { failNext: 1 });
  for (const attempt of [1, 2]) await send('joe', { body: 'again', headers: signed('msg_9', attempt) });
  await send('joe', { body: new Uint8Array(1_000) });
  await send(`joe/${'long'.repeat(300)}`, {
    body: JSON.stringify({ list: Array.from({ length: 1_000 }, (_, i) => i) }),
    headers: { 'content-type': 'application/json', 'x-long': 'x'.repeat(4_000) },
  });
}

describe('axe-core finds nothing in the inbox page', () => {
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      const how = { colorScheme, width, expected: /net::ERR_/ };

      it(`in ${colorScheme}, ${width} pixels wide, with requests of every kind`, async () => {
        await using visited = await visit({ ...how, first: fill });
        const { page, served } = visited;
        assert.deepEqual(await findings(page), []);
        for (const number of [6, 4, 3, 1, 99]) {
          await page.goto(`${served.origin}/inbox/joe#${number}`);
          await says(page, number === 99 ? '#gone' : '#facts', number === 99 ? '99' : `#${number}`);
          if (number < 99) await page.locator('#body .block').first().waitFor();
          assert.deepEqual(await findings(page), [], `#${number}`);
        }
        await served.send('joe');
        await says(page, '.fresh:visible', 'new');
        assert.deepEqual(await findings(page), [], 'with a new one');
      });

      it(`in ${colorScheme}, ${width} pixels wide, empty, with the answers open, and lost`, async () => {
        await using visited = await visit({ ...how, path: `/inbox/${'n'.repeat(64)}` });
        const { page, served } = visited;
        await says(page, '#empty', 'Nothing has rung yet');
        assert.deepEqual(await findings(page), []);
        await page.locator('#answer-toggle').click();
        await page.getByLabel('Status', { exact: true }).waitFor();
        assert.deepEqual(await findings(page), [], 'with the answers open');
        await served[Symbol.asyncDispose]();
        await says(page, '#lost', 'has not answered since');
        assert.deepEqual(await findings(page), [], 'lost');
      });

      it(`in ${colorScheme}, ${width} pixels wide, as the list of inboxes`, async () => {
        await using visited = await visit({ ...how, path: '/inbox', first: fill });
        const { page, served } = visited;
        await says(page, '#inboxes a', 'joe');
        assert.deepEqual(await findings(page), []);
        await served[Symbol.asyncDispose]();
        await says(page, '#lost', 'has not answered since');
        assert.deepEqual(await findings(page), [], 'lost');
      });
    }
  }
});
