import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { serveInbox } from './serving.ts';

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const PAGE = new URL('../../src/inbox/page/', import.meta.url);
/** Also those in its folders. */
const FILES = readdirSync(PAGE, { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('.'));

describe('the page', () => {
  it('is what a browser gets at an inbox, and is not received as a request', async () => {
    await using served = await serveInbox();
    const response = await fetch(`${served.origin}/inbox/joe?x=1`, { headers: HTML });
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.match(await response.text(), /<script type="module" src="\/inbox\/~\/inbox\.js">/);
    assert.equal((await served.list('joe')).inbox.received, 0);
  });

  it('is found from a path below its inbox', async () => {
    await using served = await serveInbox();
    const response = await fetch(`${served.origin}/inbox/joe/orders`, { headers: HTML, redirect: 'manual' });
    assert.deepEqual([response.status, response.headers.get('location')], [302, '/inbox/joe']);
  });

  it('lists the inboxes at the root', async () => {
    await using served = await serveInbox();
    for (const path of ['/inbox', '/inbox/', '/inbox?x']) {
      const response = await fetch(served.origin + path, { headers: HTML });
      assert.match(await response.text(), /<title>Inboxes · Carillon<\/title>/, path);
      assert.match(response.headers.get('vary') ?? '', /accept/);
    }
  });

  it('lets nothing run or load but its own files, inline code included', async () => {
    await using served = await serveInbox();
    const response = await fetch(`${served.origin}/inbox/joe`, { headers: HTML });
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  });

  it('is asked for again each time, and answered 304 where it has not changed', async () => {
    await using served = await serveInbox();
    const first = await fetch(`${served.origin}/inbox/~/inbox.js`);
    assert.equal(first.headers.get('cache-control'), 'no-cache');
    assert.equal(first.headers.get('content-type'), 'text/javascript; charset=utf-8');
    await first.arrayBuffer();
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(`${served.origin}/inbox/~/inbox.js`, {
      headers: { 'if-none-match': `"other", ${etag}` },
    });
    assert.deepEqual([again.status, again.headers.get('etag'), await again.text()], [304, etag, '']);
  });

  it('serves every file of its folder and no other', async () => {
    await using served = await serveInbox();
    for (const file of FILES) {
      const response = await fetch(`${served.origin}/inbox/~/${file}`);
      assert.equal(response.status, 200, file);
      assert.equal(await response.text(), readFileSync(new URL(file, PAGE), 'utf8'), file);
    }
    for (const path of ['inbox.ts', '', 'x/inbox.js', '..%2Finbox.ts', '__proto__', 'inbox.js/', 'body']) {
      assert.equal((await fetch(`${served.origin}/inbox/~/${path}`)).status, 404, path);
    }
    const posted = await fetch(`${served.origin}/inbox/~/inbox.js`, { method: 'POST' });
    assert.equal(posted.status, 405);
  });

  it('never turns text into markup, and keeps style and code out of its markup', () => {
    for (const file of FILES) {
      const text = readFileSync(new URL(file, PAGE), 'utf8');
      if (file.endsWith('.js')) {
        assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/, file);
      }
      if (file.endsWith('.html')) assert.doesNotMatch(text, /\sstyle=|\son\w+=|<style|https?:/, file);
    }
  });
});
