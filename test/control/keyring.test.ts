import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createKeyring, type Keyring } from '../../src/control/keyring.ts';
import { createKeys, type KeyOrder } from '../../src/control/keys.ts';
import { ANONYMOUS } from '../../src/domain/access/principal.ts';
import { DomainError } from '../../src/domain/error.ts';
import { noProblems } from '../../src/domain/problems.ts';
import { systemRandom } from '../../src/domain/random.ts';
import type { Store } from '../../src/store/store.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { openMemoryStore, T0 } from '../support/store.ts';

const MINUTE = 60_000;
const random = systemRandom();

describe('The keyring', () => {
  let store: Store;
  let clock: ManualClock;
  let keyring: Keyring;

  beforeEach(async () => {
    store = await openMemoryStore();
    clock = manualClock(T0);
    keyring = aKeyring();
  });
  afterEach(() => store.close());

  const aKeyring = (open = false) => createKeyring({ store, clock, random, open });
  const keys = () => createKeys({ store, clock, random }, keyring.refresh);
  const make = (order: Partial<KeyOrder> = {}) =>
    keys().create(
      { namespace: undefined, role: 'READ', note: '', callsPerSecond: 0, ...order },
      noProblems(),
    );
  const enter = (key?: string, address = '192.0.2.1') =>
    keyring.authenticate({ authorization: key && `Bearer ${key}`, address });
  const usedAt = async () => {
    await keyring.tick();
    return (await store.listApiKeys({ namespace: undefined, from: undefined, limit: 10 })).map(
      (key) => key.lastUsedAt,
    );
  };

  it('lets in everybody while there is no key, and from the first key on only who has one', async () => {
    assert.deepEqual(enter(), ANONYMOUS);
    assert.deepEqual(enter('ck_of_another_server_altogether'), ANONYMOUS);
    const { key, apiKey } = await make({ role: 'MANAGE', namespace: 'default' });
    assert.deepEqual(
      reasonOf(() => enter()),
      'API_KEY_MISSING',
    );
    assert.deepEqual(enter(key), { kind: 'KEY', keyId: apiKey.id, role: 'MANAGE', namespace: 'default' });
    // A call that was begun without one.
    assert.deepEqual(
      reasonOf(() => keyring.check(ANONYMOUS)),
      'API_KEY_MISSING',
    );
  });

  it('lets in everybody, whatever keys there are, where that is said', async () => {
    await make();
    const open = aKeyring(true);
    await open.refresh();
    assert.deepEqual(open.authenticate({ authorization: 'Bearer nonsense', address: undefined }), ANONYMOUS);
    open.check(ANONYMOUS);
    assert.equal(open.isLocked(), false);
  });

  it('refuses a key that it does not have, down to the last character', async () => {
    const { key } = await make();
    const last = key.endsWith('A') ? 'B' : 'A';
    assert.deepEqual(
      reasonOf(() => enter(key.slice(0, -1) + last)),
      'API_KEY_INVALID',
    );
  });

  it('refuses a key when its time is over, and calls that were begun with it', async () => {
    const { key, apiKey } = await make({ expiresAt: T0 + MINUTE });
    const principal = enter(key);
    clock.advance(MINUTE);
    for (const act of [() => enter(key), () => keyring.check(principal), () => keyring.admit(principal)]) {
      const error = raisedBy(act);
      assert.deepEqual([error.reason, error.metadata], ['API_KEY_EXPIRED', { apiKeyId: apiKey.id }]);
      assert.match(error.message, /expired at 2026-01-01T00:01:00.000Z/);
    }
  });

  it('refuses a key at once when it is revoked here, and stays locked when it was the last', async () => {
    const { key, apiKey } = await make();
    const principal = enter(key);
    await keys().revoke(apiKey.id, undefined);
    for (const act of [() => enter(key), () => keyring.check(principal)]) {
      assert.deepEqual(reasonOf(act), 'API_KEY_REVOKED');
    }
    assert.deepEqual(
      reasonOf(() => enter()),
      'API_KEY_MISSING',
    );
    const restarted = aKeyring();
    await restarted.refresh();
    assert.equal(restarted.isLocked(), true);
  });

  it('learns at its next tick of what another process made and revoked', async () => {
    const elsewhere = createKeys({ store, clock, random });
    const order = { namespace: undefined, role: 'READ', note: '', callsPerSecond: 0 } as const;
    const { key, apiKey } = await elsewhere.create(order, noProblems());
    await keyring.tick();
    assert.equal(enter(key).kind, 'KEY');
    await elsewhere.revoke(apiKey.id, undefined);
    await keyring.tick();
    assert.deepEqual(
      reasonOf(() => enter(key)),
      'API_KEY_REVOKED',
    );
  });

  it('slows an address that has no good key, and nobody who has one', async () => {
    const { key } = await make();
    const wrong = () => reasonOf(() => enter('ck_of_another_server_altogether'));
    const told = Array.from({ length: 30 }, wrong);
    assert.deepEqual(new Set(told.slice(0, 20)), new Set(['API_KEY_INVALID']));
    assert.deepEqual(new Set(told.slice(20)), new Set(['TOO_MANY_WRONG_KEYS']));
    assert.equal(raisedBy(() => enter()).retryMs, 1000);
    for (let i = 0; i < 100; i++) assert.equal(enter(key).kind, 'KEY');
    assert.deepEqual(
      reasonOf(() => enter(undefined, '198.51.100.7')),
      'API_KEY_MISSING',
    );
    clock.advance(1000);
    assert.equal(wrong(), 'API_KEY_INVALID');
  });

  it('holds each key to its own rate, and says when to call again', async () => {
    const slow = enter((await make({ callsPerSecond: 2 })).key);
    const free = enter((await make()).key);
    keyring.admit(slow);
    keyring.admit(slow);
    const error = raisedBy(() => keyring.admit(slow));
    assert.deepEqual(
      [error.reason, error.retryMs, error.metadata],
      ['TOO_MANY_CALLS', 500, { callsPerSecond: 2 }],
    );
    for (let i = 0; i < 100; i++) keyring.admit(free);
    clock.advance(500);
    keyring.admit(slow);
    assert.equal(
      reasonOf(() => keyring.admit(slow)),
      'TOO_MANY_CALLS',
    );
  });

  it('writes down when a key was used, to the minute, and once a minute at most', async () => {
    const { key } = await make();
    assert.deepEqual(await usedAt(), [undefined]);
    clock.advance(MINUTE + 1);
    enter(key);
    enter(key);
    assert.deepEqual(await usedAt(), [T0 + MINUTE]);
    assert.equal(await keyring.tick(), 0);
    enter(key);
    assert.equal(await keyring.tick(), 0);
    clock.advance(MINUTE);
    enter(key);
    assert.deepEqual(await usedAt(), [T0 + 2 * MINUTE]);
  });

  it('keeps what it could not write down for the next time', async () => {
    let fails = true;
    const failing: Store = {
      ...store,
      noteApiKeyUses: (batch) =>
        fails ? Promise.reject(new DomainError('DATABASE_UNAVAILABLE', 'full')) : store.noteApiKeyUses(batch),
    };
    keyring = createKeyring({ store: failing, clock, random, open: false });
    enter((await make()).key);
    await assert.rejects(keyring.tick(), { reason: 'DATABASE_UNAVAILABLE' });
    fails = false;
    assert.equal(await keyring.tick(), 1);
  });

  it('takes a key that an operator made up, also at the next start, until it is revoked', async () => {
    const given = `ck_${'0123456789abcdef'.repeat(4)}`;
    const { id, role } = await keyring.addGiven(given);
    assert.equal(role, 'ADMIN');
    const again = aKeyring();
    assert.equal((await again.addGiven(given)).id, id);
    assert.equal(again.authenticate({ authorization: `Bearer ${given}`, address: '' }).kind, 'KEY');
    await keys().revoke(id, undefined);
    assert.notEqual((await aKeyring().addGiven(given)).revokedAt, undefined);
  });
});

function raisedBy(act: () => unknown): DomainError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof DomainError);
    return error;
  }
  return assert.fail('nothing was raised');
}

function reasonOf(act: () => unknown): string {
  return raisedBy(act).reason;
}
