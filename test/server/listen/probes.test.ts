import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createProbes } from '../../../src/server/listen/probes.ts';

async function served(t: TestContext, isReady: () => boolean): Promise<string> {
  const probes = createProbes({ isReady });
  const server = createServer((incoming, response) => {
    if (!probes(incoming, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function asked(url: string, method = 'GET'): Promise<[number, string]> {
  const response = await fetch(url, { method });
  return [response.status, await response.text()];
}

describe('a probe', () => {
  it('at /livez is answered with 200 whatever the store says, and at /readyz with 503 while it is in trouble', async (t) => {
    let isReady = false;
    const url = await served(t, () => isReady);
    assert.deepEqual(await asked(`${url}/livez`), [200, 'ok\n']);
    const [status, why] = await asked(`${url}/readyz`);
    assert.equal(status, 503);
    assert.match(why, /^not ready: the database cannot be used, or the server is stopping/);
    isReady = true;
    assert.deepEqual(await asked(`${url}/readyz?verbose`), [200, 'ok\n']);
    assert.deepEqual(await asked(`${url}/readyz`, 'HEAD'), [200, '']);
    assert.equal((await fetch(`${url}/readyz`)).headers.get('cache-control'), 'no-store');
  });

  it('is answered under any name, since who asks has no other', async (t) => {
    const url = await served(t, () => true);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'pod-7.internal.example' };
      request(`${url}/readyz`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 200);
  });

  it('only asks, and at no other path', async (t) => {
    const url = await served(t, () => true);
    const posted = await fetch(`${url}/livez`, { method: 'POST', body: 'x' });
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
    for (const path of ['/livez/', '/livez/x', '/readyz/x', '/v1/livez'])
      assert.equal((await fetch(url + path)).status, 418, path);
  });
});
