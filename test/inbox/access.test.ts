import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Door } from '../../src/domain/access/door.ts';
import type { Role } from '../../src/domain/access/role.ts';
import { DomainError } from '../../src/domain/error.ts';
import { type Serving, serveInbox } from './serving.ts';

let revoked = false;

/** A door for which the key `ck_manage` has that role, and `ck_shop` the same for one namespace only; any other is wrong, and the third wrong one too much. */
function aDoor(): Door {
  let wrong = 0;
  return {
    authenticate({ authorization = '' }) {
      const keyId = 'key_1';
      if (authorization === 'Bearer ck_shop') {
        return { kind: 'KEY', keyId, role: 'MANAGE', namespace: 'shop' };
      }
      const [, role] = /^Bearer ck_(read|manage)$/.exec(authorization) ?? [];
      if (role === undefined) {
        if (++wrong > 2) throw new DomainError('TOO_MANY_WRONG_KEYS', 'too many', { retryMs: 1500 });
        throw new DomainError('API_KEY_INVALID', 'this server has no such key');
      }
      return { kind: 'KEY', keyId, role: role.toUpperCase() as Role, namespace: undefined };
    },
    admit() {},
    check() {
      if (revoked) throw new DomainError('API_KEY_REVOKED', 'it was revoked');
    },
  };
}

const basic = (key: string) => ({ authorization: `Basic ${btoa(`anybody:${key}`)}` });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const PAGE = { accept: 'text/html' };

describe('An inbox of a server that has keys', () => {
  let serving: Serving;
  before(async () => {
    serving = await serveInbox({ door: aDoor() });
  });
  after(() => serving[Symbol.asyncDispose]());
  const status = async (path: string, headers: Record<string, string>, method = 'GET', body?: string) => {
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await fetch(`${serving.origin}/inbox${path}`, init);
    await response.body?.cancel();
    return response.status;
  };

  it('receives from anybody', async () => {
    assert.equal((await serving.send('a', { body: 'hello' })).status, 200);
  });

  it('shows itself to a key, as of the API or as the password that a browser asks for', async () => {
    for (const headers of [bearer('ck_read'), basic('ck_read')]) {
      for (const path of [
        '',
        '/a',
        '/a/requests',
        '/a/requests/1',
        '/a/requests/1/body',
        '/a/answer',
        '/a/events',
      ]) {
        const asPage = path === '' || path === '/a' ? PAGE : {};
        assert.equal(await status(path, { ...headers, ...asPage }), 200, path);
      }
    }
  });

  it('is changed by a key for managing only', async () => {
    const answer = '{"status": 503}';
    for (const [key, expected] of [
      ['ck_read', 403],
      ['ck_manage', 200],
    ] as const) {
      assert.equal(await status('/a/answer', bearer(key), 'PUT', answer), expected);
    }
    assert.equal(await status('/a/requests', basic('ck_read'), 'DELETE'), 403);
    assert.equal(await status('/a/requests', basic('ck_manage'), 'DELETE'), 204);
  });

  it('shows nothing to a key for one namespace, since it is rung from all', async () => {
    for (const headers of [bearer('ck_shop'), basic('ck_shop')]) {
      for (const path of ['', '/a/requests', '/a/requests/1/body', '/a/answer', '/a/events']) {
        assert.equal(await status(path, headers), 403, path);
      }
      assert.equal(await status('/a', { ...headers, ...PAGE }), 403);
      assert.equal(await status('/a/answer', headers, 'PUT', '{"status": 503}'), 403);
      assert.equal(await status('/a/requests', headers, 'DELETE'), 403);
    }
  });

  it('tells a page that watches nothing more once its key was revoked', async () => {
    const watching = await fetch(`${serving.origin}/inbox/a/events`, { headers: bearer('ck_read') });
    revoked = true;
    await serving.send('a', { body: 'after' });
    revoked = false;
    assert.doesNotMatch(await watching.text(), /data:/);
  });

  it('is not changed by a page of somebody else, though the browser remembers the key', async () => {
    for (const from of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'http://evil.example' }]) {
      assert.equal(await status('/a/requests', { ...basic('ck_manage'), ...from }, 'DELETE'), 403);
    }
  });

  it('shows nothing without one, asks the browser for it, and slows who has none', async () => {
    for (const path of ['', '/a/requests']) {
      const response = await fetch(`${serving.origin}/inbox${path}`, { headers: path === '' ? PAGE : {} });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Basic realm=.*, Bearer realm=/);
      assert.deepEqual(await response.json(), { error: 'This server has no such key.' });
    }
    const response = await fetch(`${serving.origin}/inbox`);
    assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '2']);
  });
});
