import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type CarillonProcess, startCarillon } from '../support/server.ts';
import { launchChromium } from './chromium.ts';

// A page whose name was made to resolve to this machine: to the browser, the server is that page's own.

const NAME = 'evil.example';
const THIEF = {
  name: 'thief',
  destination: 'http://127.0.0.1:9999/',
  eventTypes: ['*'],
};

let browser: Browser;

interface Seen {
  readonly status: number;
  readonly text: string;
}

/** What a script of the page gets from its own origin. */
function asked(page: Page, path: string, body?: object): Promise<Seen> {
  const given = { path, body: body === undefined ? undefined : JSON.stringify(body) };
  return page.evaluate(async ({ path, body }) => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const response = await fetch(path, body === undefined ? {} : { ...post, body });
    return { status: response.status, text: await response.text() };
  }, given);
}

/** The same without a browser. */
async function read(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

async function openPage({ port }: CarillonProcess): Promise<Page> {
  // The page of a thief came from elsewhere, before its name was turned: no policy of ours holds for it.
  const page = await browser.newPage({ bypassCSP: true });
  await page.goto(`http://${NAME}:${port}/`);
  assert.equal(await page.evaluate('origin'), `http://${NAME}:${port}`);
  return page;
}

describe('a page of a name that resolves to a running carillon dev', () => {
  before(async () => {
    browser = await launchChromium([`--host-resolver-rules=MAP ${NAME} 127.0.0.1`]);
  });
  after(() => browser?.close());

  it('registers nothing, publishes nothing and reads nothing', async () => {
    await using server = await startCarillon({ command: 'dev' });
    const destination = `${server.url}/inbox/joe`;
    const headers = { 'content-type': 'application/json' };
    const mine = JSON.stringify({ name: 'mine', destination, eventTypes: ['*'] });
    await fetch(`${server.url}/webhooks`, { method: 'POST', headers, body: mine });

    const page = await openPage(server);
    const attempts: [path: string, body?: object][] = [
      ['/webhooks', THIEF],
      ['/webhooks'],
      ['/events', { type: 'order.paid' }],
      ['/events'],
      ['/carillon.v1.WebhookService/Register', { webhook: THIEF }],
      ['/carillon.v1.WebhookService/List', {}],
      ['/carillon.v1.WebhookService/List?connect=v1&encoding=json&message=%7B%7D'],
      ['/carillon.v1.EventService/Publish', { event: { type: 'order.paid' } }],
      ['/inbox'],
      ['/inbox/joe/requests'],
      ['/inbox/joe', { to: 'the inbox' }],
    ];
    for (const [path, body] of attempts) {
      const { status, text } = await asked(page, path, body);
      assert.equal(status, 403, path);
      assert.match(text, /may not be called as \\"evil\.example:\d+\\".*--allowed-hosts evil\.example/, path);
    }
    const inbox = await page.goto(`http://${NAME}:${server.port}/inbox/joe`);
    assert.equal(inbox?.status(), 403);

    const { webhooks } = (await read(`${server.url}/webhooks`)) as { webhooks: { name: string }[] };
    assert.deepEqual(
      webhooks.map(({ name }) => name),
      ['mine'],
    );
    assert.deepEqual(await read(`${server.url}/events`), {});
    const { requests } = (await read(`${destination}/requests`)) as { requests: unknown[] };
    assert.deepEqual(requests, []);
  });

  it('is a page like any other where its name is allowed', async () => {
    await using server = await startCarillon({ command: 'dev', args: ['--allowed-hosts', NAME] });
    const page = await openPage(server);
    const { status, text } = await asked(page, '/webhooks', THIEF);
    assert.equal(status, 201);
    assert.match(JSON.parse(text).secret, /^whsec_/);
    assert.equal((await asked(page, '/inbox')).status, 200);
  });
});
