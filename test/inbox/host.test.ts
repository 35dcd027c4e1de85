import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { type Serving, serveInbox } from './serving.ts';

/** Asks by another name than the one that the connection goes to. */
async function ask(served: Serving, host: string, method: string, path: string) {
  const request = httpRequest(`${served.origin}${path}`, { method, headers: { host, accept: 'text/html' } });
  request.end(method === 'POST' ? 'a body that nobody reads' : undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const body = Buffer.concat((await response.toArray()) as Buffer[]).toString();
  return { status: response.statusCode, body };
}

describe('the inbox by a name that nobody allowed', () => {
  it('shows nothing, changes nothing and receives nothing', async () => {
    await using served = await serveInbox();
    await served.send('joe', { body: 'kept' });
    const paths = [
      ['GET', '/inbox'],
      ['GET', '/inbox/joe'],
      ['GET', '/inbox/joe/requests'],
      ['GET', '/inbox/joe/requests/1/body'],
      ['GET', '/inbox/joe/events'],
      ['DELETE', '/inbox/joe/requests'],
      ['PUT', '/inbox/joe/answer'],
      ['POST', '/inbox/joe'],
      ['GET', '/inbox/~/dom.js'],
    ] as const;
    for (const [method, path] of paths) {
      const { status, body } = await ask(served, 'evil.example:80', method, path);
      assert.equal(status, 403, `${method} ${path}`);
      assert.deepEqual(JSON.parse(body), {
        error:
          'This server may not be called as "evil.example:80": call it by an IP address or as localhost, ' +
          'or start it with --allowed-hosts evil.example.',
      });
    }
    assert.deepEqual(
      (await served.list('joe')).requests.map(({ preview }) => preview),
      ['kept'],
    );
  });

  it('is as ever by an address, as localhost, and by a name that is listed', async () => {
    await using served = await serveInbox({ allowedHosts: ['inbox.example'] });
    for (const host of ['10.1.2.3', '[::1]:8090', 'localhost:8090', 'inbox.example:8090']) {
      assert.equal((await ask(served, host, 'GET', '/inbox/joe')).status, 200, host);
      assert.equal((await ask(served, host, 'POST', '/inbox/joe')).status, 200, host);
    }
  });
});
