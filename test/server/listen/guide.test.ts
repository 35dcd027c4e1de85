import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createFront } from '../../../src/server/listen/front.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

async function answerTo(path: string, { accept = '*/*', method = 'GET', inbox = true } = {}) {
  const front = createFront({
    api: { handle: () => false, endpoints: ['POST /v1/webhooks', 'POST /v1/<odd & end>'] },
    inbox: inbox ? { handle: () => false } : undefined,
    jwks: () => false,
    probes: () => false,
    corsOrigins: [],
  });
  const server = createServer((request, response) => void front(request, response, () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { accept } });
    return { response, body: await response.text(), type: response.headers.get('content-type') };
  } finally {
    server.close();
  }
}

describe('the root of the server', () => {
  it('is text for curl', async () => {
    const { response, body, type } = await answerTo('/');
    assert.deepEqual([response.status, type], [200, 'text/plain; charset=utf-8']);
    assert.match(body, /^Carillon delivers webhooks\. .*:\n\n {2}POST \/v1\/webhooks\n/);
    assert.match(body, /GET \/inbox\n/);
  });

  it('is not to be taken for anything but what it says it is', async () => {
    for (const accept of ['*/*', BROWSER]) {
      assert.equal(
        (await answerTo('/', { accept })).response.headers.get('x-content-type-options'),
        'nosniff',
      );
    }
  });

  it('is a page for browsers, which leads to the inbox and the reference', async () => {
    const { response, body, type } = await answerTo('/?a=b', { accept: BROWSER });
    assert.deepEqual([response.status, type], [200, 'text/html; charset=utf-8']);
    assert.equal(response.headers.get('vary'), 'accept');
    const lists = ['/v1/webhooks', '/v1/events', '/v1/deliveries'];
    for (const path of ['/inbox', '/docs', '/openapi.json', ...lists, '/v1/health']) {
      assert.ok(body.includes(`<a href="${path}">`), path);
    }
    assert.ok(body.includes('<code>POST /v1/&lt;odd &amp; end></code>'));
    assert.ok(body.includes('<html lang="en">') && body.includes('<main>'));
  });

  it('has the style that its policy names, and no script', async () => {
    const { response, body } = await answerTo('/', { accept: BROWSER });
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(body) ?? assert.fail(body);
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.ok(policy.includes(`style-src 'sha256-${hash}'`), policy);
    assert.match(policy, /^default-src 'none'.*; frame-ancestors 'none'$/);
    assert.doesNotMatch(body, /<script/);
  });

  it('leads to no inbox where there is none', async () => {
    assert.doesNotMatch((await answerTo('/', { accept: BROWSER, inbox: false })).body, /inbox/);
    assert.doesNotMatch((await answerTo('/', { inbox: false })).body, /inbox/);
  });

  for (const [accept, type] of [
    ['text/html', 'html'],
    ['application/json, text/html;q=0.5', 'html'],
    ['text/html;q=0, */*', 'plain'],
    ['text/html5', 'plain'],
    ['application/json', 'plain'],
  ] as const) {
    it(`is ${type} for whoever accepts ${accept}`, async () => {
      assert.equal((await answerTo('/', { accept })).type, `text/${type}; charset=utf-8`);
    });
  }
});

describe('a path at which there is nothing', () => {
  it('says so, and what there is, as text or as a page', async () => {
    const text = await answerTo('/nothing');
    assert.equal(text.response.status, 404);
    assert.match(text.body, /^There is nothing at this path\.\n\nCarillon delivers webhooks/);
    const page = await answerTo('/nothing', { accept: BROWSER });
    assert.equal(page.response.status, 404);
    assert.match(page.body, /<strong>There is nothing at this path\.<\/strong>/);
  });

  it('answers HEAD as it answers GET, without a body', async () => {
    const { response, body, type } = await answerTo('/nothing', { method: 'HEAD', accept: BROWSER });
    assert.deepEqual([response.status, type, body], [404, 'text/html; charset=utf-8', '']);
  });
});
