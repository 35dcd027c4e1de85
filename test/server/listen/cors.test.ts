import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { handleCors } from '../../../src/server/listen/cors.ts';

const OURS = 'https://app.example.com';
const PREFLIGHT = { 'access-control-request-method': 'POST' };

/** What a server that lets pages of these origins call it answers to one of `origin`. */
async function answerTo(
  origins: readonly string[],
  headers: Readonly<Record<string, string>>,
  method = 'POST',
): Promise<Response> {
  const server = createServer((request, response) => {
    if (!handleCors(origins, request, response)) response.end('called');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return await fetch(`http://127.0.0.1:${port}/`, { method, headers });
  } finally {
    server.close();
  }
}

describe('a page in a browser', () => {
  it('may call from an origin that is listed, or from any', async () => {
    for (const origins of [[OURS], ['*']]) {
      const answer = await answerTo(origins, { origin: OURS });
      assert.equal(answer.headers.get('access-control-allow-origin'), OURS);
      assert.equal(await answer.text(), 'called');
    }
  });

  it('is not let in from another origin, nor from any when none is listed', async () => {
    for (const origins of [['https://other.example.com'], []]) {
      const answer = await answerTo(origins, { origin: OURS });
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
  });

  it('is told what it may send, before it does, only if it is let in', async () => {
    const allowed = await answerTo([OURS], { origin: OURS, ...PREFLIGHT }, 'OPTIONS');
    assert.equal(allowed.status, 204);
    assert.match(allowed.headers.get('access-control-allow-methods') ?? '', /POST.*PATCH, DELETE/);
    assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /If-Match/);
    assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /Idempotency-Key/);
    assert.match(allowed.headers.get('access-control-expose-headers') ?? '', /ETag/);
    const refused = await answerTo([OURS], { origin: 'https://evil.example', ...PREFLIGHT }, 'OPTIONS');
    assert.equal(refused.headers.get('access-control-allow-methods'), null);
  });

  it('gets answers that no cache gives to a page of another origin', async () => {
    assert.equal((await answerTo([OURS], { origin: OURS })).headers.get('vary'), 'Origin');
  });
});
