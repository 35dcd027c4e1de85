import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchChromium } from './chromium.ts';
import { counts, type Opened, type OpenOptions, openPage, rows, says, signed } from './inbox-visit.ts';

let browser: Browser;
const visit = (options?: OpenOptions): Promise<Opened> => openPage(browser, options);

describe('the inbox page in Chromium', () => {
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());

  it('explains itself while it is empty, with commands for this very address', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await says(page, '#empty h2', 'Nothing has rung yet');
    await says(page, '#send-command', `curl ${served.origin}/inbox/joe`);
    await says(page, '#register-command', `"destination":"${served.origin}/inbox/joe"`);
    await says(
      page,
      '#empty-bounds',
      /newest 200 requests of an inbox, 32 MiB in all, in at most 200 inboxes/,
    );
    assert.equal(await page.title(), 'joe · Carillon inbox');
  });

  it('shows requests as they come, the newest first, without being reloaded', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await served.send('joe', { body: 'first' });
    assert.deepEqual(await rows(page, 1), ['first']);
    await served.send('joe', { body: '{"n":2}' });
    await served.send('joe', { body: new Uint8Array([0, 1, 2]) });
    assert.deepEqual(await rows(page, 3), ['binary', 'n: 2', 'first']);
  });

  it('shows JSON indented as it was written, as text and as bytes', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    const body = '{"id":9007199254740993,"id":1.0,"list":[1,"a,b:{}"],"none":{},"é":"\\u00e9"}';
    await served.send('joe', { body, headers: { 'content-type': 'application/json' } });
    await says(page, '#body.pretty', 'none');
    assert.equal(
      await page.locator('#body').textContent(),
      [
        '{',
        '  "id": 9007199254740993,',
        '  "id": 1.0,',
        '  "list": [',
        '    1,',
        '    "a,b:{}"',
        '  ],',
        '  "none": {},',
        '  "é": "\\u00e9"',
        '}',
      ].join('\n'),
    );
    await page.locator('#views', { hasText: 'Raw' }).getByText('Raw').click();
    assert.equal(await page.locator('#body.raw').textContent(), body);
    await page.locator('#views').getByText('Hex').click();
    assert.match(
      (await page.locator('#body.hex').textContent()) ?? '',
      /^000000 {2}7b 22 69 64 22 3a 39 30 {2}30 37 31 39 39 32 35 34 {2}\{"id":9007199254\n/,
    );
  });

  it('shows a binary body as hex, and says so where it is asked for as text', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await served.send('joe', { body: Uint8Array.from({ length: 20 }, (_, i) => 0xf0 + i) });
    assert.equal(
      await page.locator('#body.hex').textContent(),
      '000000  f0 f1 f2 f3 f4 f5 f6 f7  f8 f9 fa fb fc fd fe ff  ················\n' +
        `000010  00 01 02 03 ${' '.repeat(37)} ····`,
    );
    assert.ok(await page.locator('#views [value=pretty]').isDisabled());
    await page.locator('#views').getByText('Raw').click();
    await says(page, '#body-note', 'not text');
  });

  it('says whether the signature verifies, and why not', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    const cases = [
      [signed('msg_1', 1), 'Signature valid'],
      [signed('msg_2', 1, 'v1,bad'), 'Signature invalid: it was signed long ago'],
      [signed('msg_3', 1, 'v1,other'), 'Signature not checked: no secret is known for it'],
      [{}, 'Not signed'],
    ] as const;
    for (const [i, [headers, words]] of cases.entries()) {
      await served.send('joe', { headers });
      await rows(page, i + 1);
      await page.keyboard.press('Escape');
      await says(page, '#chips .chip', words);
    }
    assert.deepEqual(await page.locator('#requests .signature').allTextContents(), [
      'not signed',
      'signature not checked',
      'signature invalid',
      'signature valid',
    ]);
  });

  it('sets the answer, and senders get it until it is set back', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await page.locator('#answer-toggle').click();
    await page.getByLabel('Status', { exact: true }).fill('503');
    await page.getByLabel('Retry-After, seconds').fill('9');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await says(page, '#answer-summary', 'Answers 503');
    const failed = await served.send('joe');
    assert.deepEqual([failed.status, failed.headers.get('retry-after')], [503, '9']);
    await says(page, '#requests .status[data-tone=bad]', '503');
    await says(page, '#chips .chip', 'Answered 503, Retry-After 9 s');
    await page.getByRole('button', { name: 'Accept', exact: true }).click();
    await says(page, '#answer-summary', 'Answers 200');
    assert.equal((await served.send('joe')).status, 200);
  });

  it('lets nobody set the answer before it knows which there is', async () => {
    await using visited = await visit();
    const { page } = visited;
    const held = Promise.withResolvers<void>();
    await page.route('**/requests', async (route) => {
      await held.promise;
      await route.continue();
    });
    await page.reload();
    const toggle = page.locator('#answer-toggle');
    assert.ok(await toggle.isDisabled());
    held.resolve();
    await toggle.click();
    assert.equal(await page.getByLabel('with status').inputValue(), '503');
  });

  it('shows the attempts of a delivery as what they are', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await page.locator('#answer-toggle').click();
    await page.getByRole('button', { name: 'Fail twice, then accept' }).click();
    await says(page, '#answer-summary', 'Fails next 2 with 503, then 200');
    for (const attempt of [1, 2, 3]) await served.send('joe', { headers: signed('msg_1', attempt) });
    await says(page, '#answer-summary', 'Answers 200');
    await says(page, '#attempts h3', 'msg_1');
    const attempts = page.locator('#attempt-list a');
    await counts(page, '#attempt-list a', 3);
    assert.deepEqual(await attempts.allTextContents(), ['Attempt 1503', 'Attempt 2503', 'Attempt 3200']);
    await attempts.first().click();
    await says(page, '#facts', '#1');
    assert.equal(await page.locator('#requests .sibling').count(), 3);
    await served.send('joe', { body: 'another delivery' });
    await rows(page, 4);
    await says(page, '#facts', '#1');
  });

  it('shows which senders still wait for their answer, and which did not', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await served.answer('joe', { delayMs: 60_000 });
    const impatient = new AbortController();
    const gone = assert.rejects(served.send('joe', { signal: impatient.signal }));
    await says(page, '#chips .chip', 'Will be answered 200 after 60 s');
    impatient.abort();
    await gone;
    await says(page, '#chips .chip', 'The sender hung up before the answer');
    const waiting = served.send('joe');
    await rows(page, 2);
    assert.deepEqual(await page.locator('#requests .status').allTextContents(), ['···', '—']);
    served.inbox.close();
    assert.equal((await waiting).status, 200);
  });

  it('shows hostile text as text', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    await served.send(`joe/${encodeURIComponent(evil)}?<script>alert(3)</script>`, {
      body: JSON.stringify({ [evil]: evil }),
      headers: { 'content-type': `application/json; x=${evil}`, 'x-evil': evil, 'webhook-id': evil },
    });
    await served.send('joe', { body: evil, headers: { 'webhook-id': evil } });
    await rows(page, 2);
    await says(page, '#attempts h3', evil);
    await page.locator('#requests a').last().click();
    await says(page, '#body.pretty', evil);
    await says(page, '#headers td', evil);
    assert.equal(await page.locator('main img, main script').count(), 0);
  });

  it('clears on the button', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    await served.send('joe');
    await rows(page, 1);
    await page.getByRole('button', { name: 'Clear' }).click();
    await rows(page, 0);
    await says(page, '#empty h2', 'Nothing is here any more');
    assert.equal((await served.list('joe')).requests.length, 0);
  });

  it('finds back to what happened while the connection was lost', async () => {
    await using visited = await visit({ expected: /net::ERR_/ });
    const { page, served } = visited;
    await served.send('joe', { body: 'before' });
    await rows(page, 1);
    served.dropConnections();
    await served.send('joe', { body: 'meanwhile' });
    assert.deepEqual(await rows(page, 2), ['meanwhile', 'before']);
    await says(page, '#live', 'Live');
  });

  it('can be used by keyboard alone', async () => {
    await using visited = await visit();
    const { page, served } = visited;
    for (const body of ['a', 'b', 'c']) await served.send('joe', { body });
    await rows(page, 3);
    await page.keyboard.press('Escape');
    await says(page, '#facts', '#3');
    await page.keyboard.press('j');
    await says(page, '#facts', '#2');
    await page.keyboard.press('ArrowDown');
    await says(page, '#facts', '#1');
    await page.keyboard.press('k');
    await says(page, '#facts', '#2');
    await page.keyboard.press('Escape');
    await says(page, '#facts', '#3');
  });

  it('shows the list or one request on a phone, without scrolling sideways', async () => {
    await using visited = await visit({ width: 375 });
    const { page, served } = visited;
    const sideways = () => page.locator('html').evaluate((html) => html.scrollWidth > html.clientWidth);
    assert.equal(await sideways(), false);
    await served.send(`joe/${'long'.repeat(60)}`, {
      body: 'x'.repeat(3000),
      headers: signed('m'.repeat(300), 1),
    });
    await rows(page, 1);
    assert.equal(await page.locator('#detail').isVisible(), false);
    assert.equal(await sideways(), false);
    await page.locator('#requests a').click();
    await says(page, '#body', 'xxx');
    assert.equal(await page.locator('#requests').isVisible(), false);
    assert.equal(await sideways(), false);
    await page.goBack();
    await page.locator('#requests').waitFor({ state: 'visible' });
  });

  it('lists the inboxes, and opens one by its name', async () => {
    await using visited = await visit({ path: '/inbox' });
    const { page, served } = visited;
    await says(page, '#none', 'None has been used');
    await served.send('orders');
    await says(page, '#inboxes a', /orders.*1 request/s);
    await page.getByLabel('Name of the inbox').fill('jane');
    await says(page, '#register-command', `"destination":"${served.origin}/inbox/jane"`);
    await page.getByRole('button', { name: 'Open' }).click();
    await says(page, '#name', 'jane');
    assert.equal(page.url(), `${served.origin}/inbox/jane`);
  });
});
