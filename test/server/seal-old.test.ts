import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { systemRandom } from '../../src/domain/random.ts';
import { credentialsWith } from '../../src/domain/webhook/credentials.ts';
import { sealOld } from '../../src/server/seal-old.ts';
import { decodeKey } from '../../src/server/secrets-key.ts';
import { openStore } from '../../src/store/open.ts';
import { watchedLog } from '../support/log.ts';
import { aDatabasePath } from '../support/store.ts';

/**
 * A database of the version before headers were sealed: the webhook `old` has the headers authorization and x-api-key,
 * whose values have `canary` in them, and x-plain, and has sent a few runs.
 */
const OLD = join(import.meta.dirname, '../testdata/store-0013.sqlite.gz');
const KEY = decodeKey(`${'B'.repeat(43)}=`)!;
const NAME = { namespace: 'default', id: 'old' };

function anOldDatabase(t: TestContext): string {
  const path = aDatabasePath(t);
  writeFileSync(path, gunzipSync(readFileSync(OLD)));
  return path;
}

function onDisk(path: string): string {
  return [path, `${path}-wal`]
    .filter(existsSync)
    .map((each) => readFileSync(each, 'latin1'))
    .join('');
}

describe('a database of before headers were sealed', () => {
  it('is opened with them sealed, and has their values no more, neither in its file nor in its log', async (t) => {
    const path = anOldDatabase(t);
    assert.match(onDisk(path), /canary/);
    const store = await openStore(path);
    const [before] = await store.resolveWebhooks([NAME]);
    const { log, lines } = watchedLog();
    await sealOld({ store, sealKey: KEY, random: systemRandom(), log });
    const [after] = await store.resolveWebhooks([NAME]);
    assert.deepEqual(after?.spec.headers, { 'x-plain': 'plain' });
    assert.deepEqual(after?.effective.headers, { 'x-plain': 'plain' });
    assert.equal(after?.spec.secretHeaders?.authorization?.hint, '-old');
    assert.deepEqual(credentialsWith(KEY)(after!).headers, {
      authorization: 'Bearer canary-of-old',
      'x-api-key': 'canary-too',
    });
    assert.deepEqual([after?.version, after?.updatedAt], [before?.version, before?.updatedAt]);
    assert.equal(lines.length, 1);
    assert.doesNotMatch(onDisk(path), /canary/);
    await store.close();
    assert.doesNotMatch(onDisk(path), /canary/);
  });

  it('has attempts that were recorded without them', async (t) => {
    const store = await openStore(anOldDatabase(t));
    const [delivery] = await store.listDeliveries({ namespace: 'default', limit: 1 });
    const { attempts } = (await store.getDelivery({ namespace: 'default', id: delivery!.id }))!;
    const headers = attempts[0]!.requestHeaders;
    const sent = (name: string) => headers[headers.indexOf(name) + 1];
    assert.deepEqual(['authorization', 'x-api-key', 'x-plain', 'webhook-id'].map(sent), [
      '***',
      '***',
      'plain',
      delivery!.id,
    ]);
    await store.close();
  });

  it('is not touched again by the next start', async (t) => {
    const store = await openStore(anOldDatabase(t));
    const { log, lines } = watchedLog();
    const parts = { store, sealKey: KEY, random: systemRandom(), log };
    await sealOld(parts);
    const once = await store.resolveWebhooks([NAME]);
    await sealOld(parts);
    assert.deepEqual([await store.resolveWebhooks([NAME]), lines.length], [once, 1]);
    await store.close();
  });
});
