import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { serveInbox } from '../inbox/serving.ts';
import { launchChromium } from './chromium.ts';
import { counts, type Opened, type OpenOptions, openPage, rows, says, signed } from './inbox-visit.ts';

let browser: Browser;
const visit = (options?: OpenOptions): Promise<Opened> => openPage(browser, options);

const sendAll = (...bodies: string[]) => ({
  first: async ({ send }: Opened['served']) => {
    for (const body of bodies) await send('joe', { body });
  },
});

const selected = (page: Page) => page.evaluate('getSelection().toString()');

/** The number of the row that has the focus. */
const focused = (page: Page) => page.locator('#requests a:focus .number').textContent();

/** Listens to what the page announces from now on. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`
    window.said = [];
    new MutationObserver(() => said.push(document.getElementById('announce').textContent))
      .observe(document.getElementById('announce'), { childList: true, characterData: true, subtree: true });
  `);
  return () => page.evaluate<string[]>('said');
}

describe('somebody who reads in the inbox page', () => {
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  it('keeps the request and what is selected in it while others come, and is offered the new ones', async () => {
    await using visited = await visit(sendAll('to be read'));
    const { page, served } = visited;
    await says(page, '#body', 'to be read');
    await page.evaluate('getSelection().selectAllChildren(document.querySelector("#body .block"))');
    for (const body of ['a', 'b', 'c']) await served.send('joe', { body });
    await rows(page, 4);
    await says(page, '.list .fresh', /^3 new$/);
    await says(page, '#facts', '#1');
    assert.equal(await selected(page), 'to be read');
    await page.getByRole('button', { name: '3 new' }).click();
    await says(page, '#facts', '#4');
    await says(page, '#body', /^c$/);
    assert.equal(await page.locator('.list .fresh').isVisible(), false);
    assert.equal(await focused(page), '#4');
  });

  it('keeps it even when the inbox drops it, and the focus moves to the row beside', async () => {
    await using visited = await visit({ ...sendAll('a', 'b', 'c'), bounds: { requestsMax: 3 } });
    const { page, served } = visited;
    await page.locator('#requests a').last().click();
    await says(page, '#body', /^a$/);
    assert.equal(await focused(page), '#1');
    await served.send('joe', { body: 'd' });
    await says(page, '#dropped', 'no longer keeps this request');
    await says(page, '#body', /^a$/);
    await says(page, '#facts', '#1');
    assert.deepEqual(await rows(page, 3), ['d', 'c', 'b']);
    assert.equal(await focused(page), '#2');
    assert.equal(await page.locator('#download').isVisible(), false);
    await page.keyboard.press('ArrowUp');
    await says(page, '#facts', '#3');
    assert.equal(await page.locator('#dropped').isVisible(), false);
  });

  it('keeps request and focus while a thousand come', { timeout: 60_000 }, async () => {
    await using visited = await visit(sendAll('a', 'b'));
    const { page, served } = visited;
    await page.locator('#requests a').first().click();
    await says(page, '#facts', '#2');
    for (let sent = 0; sent < 1000; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => served.send('joe', { body: `n${sent + i}` })));
    }
    await counts(page, '#requests li', 200);
    await says(page, '.list .fresh', /^200 new$/);
    await says(page, '#facts', '#2');
    await says(page, '#body', /^b$/);
    await says(page, '#bounds', '802 older were dropped');
    assert.equal(await focused(page), '#803');
  });

  it('still moves by keys after a click on Raw or Hex', async () => {
    await using visited = await visit(sendAll('{"n":1}', '{"n":2}', '{"n":3}'));
    const { page } = visited;
    for (const [view, number] of [
      ['Raw', '#2'],
      ['Hex', '#1'],
    ] as const) {
      await page.locator('#views').getByText(view).click();
      await page.keyboard.press('j');
      await says(page, '#facts', number);
    }
    await page.locator('#views').getByText('Pretty').click();
    await page.keyboard.press('Escape');
    await says(page, '#facts', '#3');
  });

  it('goes through the list by arrows, pages and ends, and leaves it with one Tab', async () => {
    await using visited = await visit(sendAll(...Array.from({ length: 30 }, (_, i) => `body ${i + 1}`)));
    const { page } = visited;
    await page.locator('#requests a').first().click();
    for (const [key, number] of [
      ['ArrowDown', '#29'],
      ['PageDown', '#19'],
      ['End', '#1'],
      ['ArrowDown', '#1'],
      ['PageUp', '#11'],
      ['ArrowUp', '#12'],
      ['Home', '#30'],
    ] as const) {
      await page.keyboard.press(key);
      await says(page, '#facts', number);
      assert.equal(await focused(page), number, key);
    }
    await page.keyboard.press('Tab');
    assert.equal(await page.locator('#requests a:focus').count(), 0);
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(page), '#30');
  });

  it('types letters into a field, and not to the list', async () => {
    await using visited = await visit(sendAll('a', 'b'));
    const { page } = visited;
    await says(page, '#facts', '#2');
    await page.locator('#answer-toggle').click();
    await page.getByLabel('Status', { exact: true }).focus();
    await page.keyboard.press('j');
    await page.keyboard.press('Escape');
    await page.locator('#answer').waitFor({ state: 'hidden' });
    await says(page, '#facts', '#2');
  });

  it('comes back to the row on a phone, and is offered the new ones beside the way back', async () => {
    await using visited = await visit({ ...sendAll('a', 'b'), width: 390 });
    const { page, served } = visited;
    await page.locator('#requests a').last().focus();
    await page.keyboard.press('Enter');
    await says(page, '#facts', '#1');
    assert.equal(await page.locator('#back:focus').count(), 1);
    await served.send('joe', { body: 'c' });
    await says(page, '.back .fresh', /^1 new$/);
    await page.keyboard.press('Enter');
    await page.locator('#requests').waitFor();
    assert.equal(await focused(page), '#1');
    assert.equal(await page.locator('.list .fresh').isVisible(), false);
  });

  it('tells rows apart by the type and the first of the data', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    const json = { 'content-type': 'application/json' };
    const envelope = {
      type: 'order.paid',
      timestamp: '2026-11-24T04:21:55.731Z',
      data: { order: 7, sum: 42 },
    };
    await served.send('joe', { body: JSON.stringify(envelope), headers: { ...json, ...signed('msg_1', 1) } });
    await served.send('joe', { body: '{"n":1}', headers: { ...json, 'ce-type': 'sensor.read' } });
    await served.send('joe/hook?x=1', { body: 'plain words', method: 'PUT' });
    await rows(page, 3);
    assert.deepEqual(await page.locator('#requests .what').allTextContents(), [
      'PUT /hook?x=1',
      'sensor.read',
      'order.paid',
    ]);
    assert.deepEqual(await page.locator('#requests .preview').allTextContents(), [
      'plain words',
      'n: 1',
      'order: 7, sum: 42',
    ]);
    await says(page, '#requests .signature', 'signature valid');
  });

  it('is not talked over: a burst of requests is announced once', async () => {
    await using visited = await visit(sendAll('a'));
    const { page, served } = visited;
    // What comes before that is not new.
    await says(page, '#facts', '#1');
    const said = await listen(page);
    for (let i = 0; i < 10; i++) await served.send('joe', { body: `n${i}` });
    await says(page, '.list .fresh', /^10 new$/);
    assert.deepEqual(await said(), ['1 new request']);
    assert.equal(await page.locator('.list [aria-live], .list [role=status]').count(), 0);
  });
});

describe('the inbox page while Carillon is away', () => {
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  const expected = /net::ERR_|Failed to load resource/;

  it('says that it was lost and since when, keeps what is read, and comes back by itself', async () => {
    await using visited = await visit({ ...sendAll('a', 'before'), expected });
    const { page, served } = visited;
    await says(page, '#body', 'before');
    const said = await listen(page);
    await served[Symbol.asyncDispose]();
    await says(page, '#live', 'Connection lost');
    await says(page, '#lost', /has not answered since \d+:\d\d:\d\d.*tries again/);
    await says(page, '#announce', 'has not answered since');
    // What cannot be known now is not said either.
    await page.getByRole('button', { name: 'Clear' }).click();
    await says(page, '#clear-error', 'Nothing was cleared. Carillon does not answer.');
    await page.locator('#requests a').last().click();
    await says(page, '#body', 'Carillon does not answer');
    await page.locator('#requests a').first().click();

    await using again = await serveInbox({ port: served.port });
    await again.send('joe', { body: 'after' });
    await says(page, '#live', 'Live');
    await page.locator('#lost').waitFor({ state: 'hidden' });
    // That a request came may have been said after it.
    assert.ok((await said()).includes('Connected to Carillon again'));
    assert.deepEqual(await rows(page, 1), ['after']);
    await says(page, '#dropped', 'no longer keeps this request');
    await says(page, '#facts', '#2');
  });

  it('promises nothing about an empty inbox that it does not hear of', async () => {
    await using visited = await visit({ expected });
    const { page, served } = visited;
    await says(page, '#empty', 'Nothing has rung yet');
    await served[Symbol.asyncDispose]();
    await says(page, '#lost', 'has not answered since');
    assert.equal(await page.locator('#empty').isVisible(), false);
  });

  it('notices a connection that nobody closed but on which nothing is heard', async () => {
    await using visited = await visit({ ...sendAll('a'), bounds: { heartbeatMs: 60_000 }, expected });
    const { page } = visited;
    // From now on it expects to hear something ten times a second, and does not.
    await page.route('**/requests', async (route) => {
      const response = await route.fetch();
      const list = await response.json();
      await route.fulfill({ json: { ...list, bounds: { ...list.bounds, heartbeatMs: 100 } } });
    });
    visited.served.dropConnections();
    await page.waitForRequest('**/events');
    await page.waitForRequest('**/events');
    await says(page, '#live', 'Live');
  });

  it('says so where too many pages watch, shows the list, and is live once there is room', async () => {
    await using visited = await visit({
      ...sendAll('a'),
      bounds: { watchersMax: 1 },
      expected: /status of 503/,
    });
    const { page, served } = visited;
    const other = await browser.newPage();
    await other.goto(`${served.origin}/inbox/joe`);
    await says(other, '#lost', 'Too many pages watch already; at most 1 can');
    await says(other, '#live', 'Not live');
    assert.deepEqual(await rows(other, 1), ['a']);
    await page.goto(`${served.origin}/inbox`);
    await says(other, '#live', 'Live');
    await other.close();
  });

  it('says so in the list of inboxes as well', async () => {
    await using visited = await visit({ path: '/inbox', expected });
    const { page, served } = visited;
    await says(page, '#none', 'None has been used');
    await served[Symbol.asyncDispose]();
    await says(page, '#lost', 'has not answered since');
    await using again = await serveInbox({ port: served.port });
    await again.send('orders');
    await page.locator('#lost').waitFor({ state: 'hidden' });
    await says(page, '#inboxes a', 'orders');
  });
});
