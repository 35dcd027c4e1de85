import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Control, createControl } from '../../src/control/control.ts';
import { sealedOfWebhook } from '../../src/control/resealing.ts';
import { noProblems } from '../../src/domain/problems.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { sealedWith, sealKeyId } from '../../src/domain/seal.ts';
import { LOOPBACK, parseCidrs } from '../../src/domain/webhook/address.ts';
import { credentialsWith } from '../../src/domain/webhook/credentials.ts';
import { openSecret } from '../../src/domain/webhook/secret.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { openRotation, untilSealed } from '../support/seal-rotation.ts';
import { aSecret, aWebhook, openMemoryStore, T0 } from '../support/store.ts';

/** How everything comes to be sealed by a new key, a step at a time, while others write. */

const KEY = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);
const DESTINATION = 'http://127.0.0.1:9999/hook';
const DAY = 86_400_000;

async function opened(bare: Store, keys: readonly Uint8Array[] = [KEY]) {
  const clock = manualClock(T0);
  const { log, lines } = recordingLog();
  const { keyring, rotation } = await openRotation({ store: bare, clock, log, keys });
  await rotation.begin();
  const { store } = rotation;
  const control = createControl({
    store,
    namespaces: createNamespaceDirectory({ store }),
    clock,
    random: systemRandom(),
    sealKey: keyring,
    sealRotation: rotation,
    signingKeyring: { ensure: async () => {} },
    settings: {
      addressPolicy: { allow: parseCidrs(LOOPBACK) },
      everyMinMs: 1_000,
      namespaceWaitingMax: 1_000_000,
      defaultEveryMs: 5_000,
    },
  });
  return { store, clock, lines, keyring, rotation, control };
}

async function registered(control: Control, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `hook-${i}`);
  for (const id of ids) {
    const spec = { name: id, destination: DESTINATION };
    const credentials = { headers: { 'x-key': `the key of ${id}` } };
    await control.webhooks.register({ namespace: 'default', id, spec, credentials });
  }
  return ids;
}

async function all(store: Store) {
  return store.walkWebhooks({ after: undefined, limit: 1_000 });
}

/** The ids of the keys that sealed anything of webhooks. */
async function keysOf(store: Store): Promise<(string | undefined)[]> {
  const found = (await all(store)).flatMap((webhook) => sealedOfWebhook(webhook).map(sealedWith));
  return [...new Set(found)];
}

describe('sealing anew', () => {
  it('undoes no change that is made meanwhile, and leaves nothing that an older key sealed', async () => {
    await using bare = disposable(await openMemoryStore());
    const { store, rotation, control } = await opened(bare);
    const ids = await registered(control, 230);
    const { keyId } = await rotation.rotate(rotation.status().keyId);
    for (const [i, id] of ids.entries()) {
      const target = { namespace: 'default', id };
      const change = i % 2 === 0 ? control.webhooks.pause(target) : control.webhooks.rotateSecret(target, {});
      await Promise.all([rotation.tick(), change]);
    }
    await untilSealed(rotation);
    assert.deepEqual(await keysOf(store), [keyId]);
    const names = ids.map((id) => ({ namespace: 'default', id }));
    const webhooks = (await store.resolveWebhooks(names)).map((webhook) => webhook!);
    assert.deepEqual(
      webhooks.map(({ state, secrets }) => [state, secrets.length]),
      ids.map((_, i) => (i % 2 === 0 ? ['PAUSED', 1] : ['ACTIVE', 2])),
    );
  });

  it('keeps what is sealed, and marks it as one that is given anew would be', async () => {
    await using bare = disposable(await openMemoryStore());
    const { store, keyring, rotation, control } = await opened(bare);
    const [id] = await registered(control, 1);
    const [before] = await all(store);
    const secret = openSecret(KEY, before!.secrets[0]!.sealed, before!);
    await rotation.rotate(rotation.status().keyId);
    await untilSealed(rotation);
    const [newest] = keyring.all;
    const [after] = await all(store);
    assert.deepEqual(credentialsWith(newest!)(after!).headers, { 'x-key': 'the key of hook-0' });
    assert.deepEqual(openSecret(newest!, after!.secrets[0]!.sealed, after!), secret);
    assert.deepEqual([after!.version, after!.updatedAt], [before!.version, before!.updatedAt]);
    const spec = { name: 'hook-0', destination: DESTINATION };
    const credentials = { headers: { 'x-key': 'the key of hook-0' } };
    const again = await control.webhooks.register({ namespace: 'default', id: id!, spec, credentials });
    assert.equal(again.webhook.version, before!.version, 'the same again changes nothing');
  });

  it('takes no secret for another because an older key marked it', async () => {
    await using bare = disposable(await openMemoryStore());
    const entered: (readonly string[] | undefined)[] = [];
    const updateWebhooks: Store['updateWebhooks'] = (batch) => {
      entered.push(...batch.map(({ changed }) => changed?.fields));
      return bare.updateWebhooks(batch);
    };
    const { rotation, control } = await opened({ ...bare, updateWebhooks });
    const [id, other] = await registered(control, 2);
    await rotation.rotate(rotation.status().keyId);

    const spec = { name: 'hook-0', destination: DESTINATION };
    const credentials = { headers: { 'x-key': 'the key of hook-0' } };
    const again = await control.webhooks.register({ namespace: 'default', id: id!, spec, credentials });
    assert.equal(again.webhook.version, 1, 'the same again changes nothing');
    const read = await control.webhooks.list({
      ...{ namespace: 'default', where: undefined },
      by: 'id',
      descending: false,
    });
    const listed = (await read(undefined, 10)).rows.find(({ callerId }) => callerId === id);
    assert.deepEqual(listed?.spec.secretHeaders, again.webhook.spec.secretHeaders);
    const touched = new Set(['labels']);
    await control.webhooks.update({ namespace: 'default', id: other! }, ({ spec: asked }) => {
      return { spec: { ...asked, labels: { team: 'a' } }, touched, problems: noProblems() };
    });
    assert.deepEqual(entered, [['labels']]);
  });

  it('reaches a webhook that was read before the key was replaced and is written when all else is done', async () => {
    await using bare = disposable(await openMemoryStore());
    const [read, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { store, rotation, control } = await opened(bare);
    const [id] = await registered(control, 1);
    const touched = new Set(['labels']);
    const updated = control.webhooks.update({ namespace: 'default', id: id! }, async ({ spec: asked }) => {
      read.resolve();
      await gate.promise;
      return { spec: { ...asked, labels: { team: 'a' } }, touched, problems: noProblems() };
    });
    await read.promise;
    const { keyId } = await rotation.rotate(rotation.status().keyId);
    await untilSealed(rotation);
    gate.resolve();
    assert.deepEqual((await updated).spec.labels, { team: 'a' });
    assert.deepEqual(await keysOf(store), [keyId]);
  });

  it('waits for a webhook that was on its way into the store when the key was replaced', async () => {
    await using bare = disposable(await openMemoryStore());
    const gate = Promise.withResolvers<void>();
    const createWebhooks: Store['createWebhooks'] = async (batch) => {
      await gate.promise;
      return bare.createWebhooks(batch);
    };
    const { store, rotation, control } = await opened({ ...bare, createWebhooks });
    const made = registered(control, 1);
    await turns(20);
    const { keyId } = await rotation.rotate(rotation.status().keyId);
    const sealed = untilSealed(rotation).then(() => 'done too soon');
    assert.equal(await Promise.race([sealed, sleep(150, 'it waits')]), 'it waits');
    gate.resolve();
    await Promise.all([made, sealed]);
    assert.deepEqual(await keysOf(store), [keyId]);
  });

  it('looks again at what others changed between a look and a write', async () => {
    await using bare = disposable(await openMemoryStore());
    let isFirst = true;
    const resealWebhooks: Store['resealWebhooks'] = async (batch) => {
      const isSwept = isFirst;
      isFirst = false;
      return isSwept ? batch.map(() => false) : bare.resealWebhooks(batch);
    };
    const { store, rotation, control } = await opened({ ...bare, resealWebhooks });
    await registered(control, 3);
    const { keyId } = await rotation.rotate(rotation.status().keyId);
    await untilSealed(rotation);
    assert.deepEqual(await keysOf(store), [keyId]);
    assert.deepEqual([rotation.status().checked, rotation.status().resealed], [3, 3]);
  });

  it('goes on after a crash with what is left', async () => {
    await using bare = disposable(await openMemoryStore());
    const first = await opened(bare);
    await registered(first.control, 80);
    await first.rotation.rotate(first.rotation.status().keyId);
    await first.rotation.tick();
    assert.deepEqual([first.rotation.status().resealed, first.rotation.status().isRunning], [50, true]);
    const { store, rotation, lines } = await opened(bare, first.keyring.all);
    assert.match(lines[0]?.message ?? '', /^what other keys sealed is sealed anew with the key /);
    await untilSealed(rotation);
    const { resealed, checked, total, isRunning } = rotation.status();
    assert.deepEqual([resealed, checked, total, isRunning], [30, 80, 80, false]);
    assert.deepEqual(await keysOf(store), [rotation.status().keyId]);
    const third = await opened(bare, [first.keyring.all[0]!]);
    assert.equal(third.rotation.status().isRunning, false);
  });

  it('passes over what no key opens, and says what it is', async () => {
    await using bare = disposable(await openMemoryStore());
    const { store, rotation, control, lines } = await opened(bare);
    await registered(control, 1);
    await store.createWebhooks([
      aWebhook({ callerId: 'broken', secrets: [aSecret()], spec: { name: 'broken' } }),
    ]);
    await rotation.rotate(rotation.status().keyId);
    await untilSealed(rotation);
    const { unreadable, resealed } = rotation.status();
    assert.deepEqual([unreadable, resealed], [1, 1]);
    assert.deepEqual(
      lines.filter(({ level }) => level === 'warn').map(({ message }) => message),
      ['a secret of the webhook broken in the namespace default cannot be opened, and is not sealed anew'],
    );
  });
});

describe('replacing the key', () => {
  it('makes one key, however often it is asked to replace the same', async () => {
    await using bare = disposable(await openMemoryStore());
    const { rotation, keyring } = await opened(bare);
    const { keyId } = rotation.status();
    const answers = await Promise.all([rotation.rotate(keyId), rotation.rotate(keyId)]);
    assert.equal(answers[0]!.keyId, answers[1]!.keyId);
    await untilSealed(rotation);
    assert.equal((await rotation.rotate(keyId)).keyId, answers[0]!.keyId);
    assert.equal(keyring.all.length, 2);
    const again = await rotation.rotate(answers[0]!.keyId);
    assert.notEqual(again.keyId, answers[0]!.keyId);
    assert.equal(
      (await rotation.rotate(again.keyId)).keyId,
      again.keyId,
      'not while everything is sealed anew',
    );
  });

  it('refuses what is no key of the server', async () => {
    await using bare = disposable(await openMemoryStore());
    const { rotation } = await opened(bare);
    await assert.rejects(rotation.rotate(sealKeyId(OTHER)), {
      code: 'INVALID',
      message: `key_id: "${sealKeyId(OTHER)}" is no key of this server, which seals with ${sealKeyId(KEY)}`,
    });
  });

  it('says until when calls of before are known by an older key, and not where there are none', async () => {
    await using bare = disposable(await openMemoryStore());
    const { rotation, control, clock } = await opened(bare);
    const asking = {
      namespace: 'default',
      requestId: 'call-1',
      method: 'Register',
      content: new Uint8Array([1]),
      resumable: true,
    };
    await rotation.rotate(rotation.status().keyId);
    await untilSealed(rotation);
    clock.advance(2 * DAY);
    assert.equal(rotation.status().olderKnownUntil, undefined);
    const said = await control.once(asking, async () => new Uint8Array([9]));
    clock.advance(DAY / 2);
    await rotation.rotate(rotation.status().keyId);
    await untilSealed(rotation);
    assert.equal(rotation.status().olderKnownUntil, T0 + 3 * DAY);
    const again = await control.once(asking, () => assert.fail('it is done once'));
    assert.deepEqual([again.repeated, again.answer], [true, said.answer]);
    clock.advance(DAY / 2);
    assert.equal(rotation.status().olderKnownUntil, undefined);
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function disposable(store: Store): Store & AsyncDisposable {
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
