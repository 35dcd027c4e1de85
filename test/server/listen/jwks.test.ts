import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createJwks } from '../../../src/server/listen/jwks.ts';
import { aTenant } from '../../support/store.ts';

const KEY = { id: 'kid', publicKey: new Uint8Array(32).fill(7) };
const JWK = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc',
  kid: 'kid',
  use: 'sig',
  alg: 'EdDSA',
};

async function served(t: TestContext, keys: Readonly<Record<string, typeof KEY>>): Promise<string> {
  const names = ['default', ...Object.keys(keys)];
  const namespaces = {
    load: async (wanted: readonly string[]) =>
      wanted.map((name) => (names.includes(name) ? aTenant(name) : undefined)),
  };
  const jwks = createJwks({
    keys: { publicKeyOf: (namespace) => keys[namespace] },
    namespaces,
    allowedHosts: [],
  });
  const server = createServer((incoming, response) => {
    if (!jwks(incoming, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('/.well-known/jwks.json', () => {
  it('has the public key of a namespace, which may be kept for a while and asked for again cheaply', async (t) => {
    const url = await served(t, { shop: KEY });
    const response = await fetch(`${url}/.well-known/jwks.json?namespace=shop`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/jwk-set+json');
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
    assert.deepEqual(await response.json(), { keys: [JWK] });
    const etag = response.headers.get('etag')!;
    const again = await fetch(`${url}/.well-known/jwks.json?namespace=shop`, {
      headers: { 'if-none-match': etag },
    });
    assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', etag]);
    const head = await fetch(`${url}/.well-known/jwks.json?namespace=shop`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  it('means the default namespace where none is named, which has no key before it signs with one', async (t) => {
    const with_ = await served(t, { default: KEY });
    for (const query of ['', '?namespace=', '?namespace=default']) {
      const response = await fetch(`${with_}/.well-known/jwks.json${query}`);
      assert.deepEqual(await response.json(), { keys: [JWK] });
    }
    const without = await served(t, {});
    assert.deepEqual(await (await fetch(`${without}/.well-known/jwks.json`)).json(), { keys: [] });
  });

  it('says of a namespace that is not known that there is none', async (t) => {
    const url = await served(t, { default: KEY });
    const response = await fetch(`${url}/.well-known/jwks.json?namespace=acme%0a`);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.match(await response.text(), /^there is no namespace "acme\\n"; name another one/);
  });

  it('can only be read, by a host that is known; other paths are not its own', async (t) => {
    const url = await served(t, { default: KEY });
    const posted = await fetch(`${url}/.well-known/jwks.json`, { method: 'POST', body: 'x' });
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
    for (const path of ['/.well-known/jwks.json/', '/.well-known/other', '/jwks.json'])
      assert.equal((await fetch(url + path)).status, 418);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        `${url}/.well-known/jwks.json`,
        { headers: { host: 'evil.example' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asked.on('error', reject).end();
    });
    assert.equal(status, 403);
  });
});
