import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { openStore, type StoreOptions } from '../../../src/store/open.ts';
import { connect } from '../../../src/store/postgres/connection/driver.ts';
import type { Store } from '../../../src/store/store.ts';
import { type LossyProxy, lossyProxy } from '../../support/lossy-proxy.ts';
import { aSchemaUrl } from '../../support/postgres.ts';
import { aPublication, aRun, aWebhook, T0 } from '../../support/store.ts';
import { publishTo, settlement, waitingOf } from '../conformance/harness.ts';

const stores: Store[] = [];
after(() => Promise.all(stores.map((store) => store.close())));

/** A store that reaches its database through a proxy. */
async function behindProxy(options: StoreOptions = {}): Promise<{ store: Store; proxy: LossyProxy }> {
  const url = new URL(await aSchemaUrl());
  const proxy = await lossyProxy(url.hostname, Number(url.port));
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  const store = await openStore(url.href, options);
  stores.push(store);
  return { store, proxy };
}

async function registered(store: Store) {
  const webhook = aWebhook();
  await store.createWebhooks([webhook]);
  return webhook;
}

describe('a connection that is lost while a transaction is committed', () => {
  for (const [when, what] of [
    ['AFTER', 'was committed'],
    ['BEFORE', 'was not committed'],
  ] as const) {
    test(`what ${what} is there once, and its caller and the dispatcher hear of it`, async () => {
      const { store, proxy } = await behindProxy();
      await using _ = proxy;
      const webhook = await registered(store);
      await store.pollWaiting();
      const broken = proxy.breakAt('COMMIT', when);
      const publications = [aPublication([webhook.id]), aPublication([webhook.id])];
      const results = await store.publish(publications);
      await broken;
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['PUBLISHED', 'PUBLISHED'],
      );
      const waiting = await waitingOf(store, webhook.id);
      assert.deepEqual(
        waiting.map(({ id }) => id),
        publications.map(({ deliveries }) => deliveries[0]?.id),
      );
      assert.deepEqual((await store.pollWaiting()).deliveries, waiting);
      // What is counted in memory was read again.
      const [usage] = await store.namespaceUsage([webhook.namespace]);
      assert.equal(usage?.waiting, 2);
    });

    test(`a run that ${what} fires once, and a settlement is made once`, async () => {
      const { store, proxy } = await behindProxy();
      await using _ = proxy;
      const webhook = await registered(store);
      let broken = proxy.breakAt('COMMIT', when);
      assert.deepEqual(await store.fireRuns([aRun(webhook)]), ['FIRED']);
      await broken;
      const [delivery] = await waitingOf(store, webhook.id);
      broken = proxy.breakAt('COMMIT', when);
      assert.deepEqual(await store.settle([settlement(delivery!)], []), ['SETTLED']);
      await broken;
      const detail = await store.getDelivery({ namespace: webhook.namespace, id: delivery!.id });
      assert.deepEqual([detail?.state, detail?.attempts.length], ['SUCCEEDED', 1]);
      assert.deepEqual(await waitingOf(store, webhook.id), []);
    });
  }

  test('what was asked for beside it is answered too', async () => {
    const { store, proxy } = await behindProxy();
    await using _ = proxy;
    const webhook = await registered(store);
    const broken = proxy.breakAt('COMMIT', 'AFTER');
    const twin = aWebhook({ spec: webhook.spec });
    const [published, created, found] = await Promise.all([
      store.publish([aPublication([webhook.id])]),
      store.createWebhooks([twin, aWebhook()]),
      store.getWebhooks([webhook.id]),
    ]);
    await broken;
    assert.equal(published[0]?.kind, 'PUBLISHED');
    assert.deepEqual(created, ['EXISTS', 'CREATED']);
    assert.equal(found[0]?.id, webhook.id);
  });
});

describe('a database that is away', () => {
  test('calls wait for it, are refused if that takes too long, and everything goes on when it is back', async () => {
    const { store, proxy } = await behindProxy({ patienceMs: 400 });
    await using _ = proxy;
    const webhook = await registered(store);
    await publishTo(store, webhook, 2);
    assert.equal(await store.checkUp(), undefined);

    proxy.cut();
    const patient = store.publish([aPublication([webhook.id])]);
    await assert.rejects(patient, { code: 'UNAVAILABLE' });
    await assert.rejects(store.getWebhooks([webhook.id]), { code: 'UNAVAILABLE' });
    assert.match((await store.checkUp()) ?? '', /the database cannot be reached/);

    proxy.mend();
    await until(async () => (await store.checkUp()) === undefined);
    assert.equal((await waitingOf(store, webhook.id)).length, 2, 'what was refused was not written');
    assert.equal((await publishTo(store, webhook)).length, 1);
    const [usage] = await store.namespaceUsage([webhook.namespace]);
    assert.equal(usage?.waiting, 3);
  });

  test('calls do not hear of it when it is back soon', async () => {
    const { store, proxy } = await behindProxy();
    await using _ = proxy;
    const webhook = await registered(store);
    proxy.cut();
    const publication = aPublication([webhook.id]);
    const published = store.publish([publication]);
    setTimeout(proxy.mend, 150);
    assert.equal((await published)[0]?.kind, 'PUBLISHED');
    assert.deepEqual(
      (await store.pollWaiting()).deliveries.map(({ id }) => id),
      [publication.deliveries[0]?.id],
    );
  });

  test('a connection on which nothing comes any more is given up, and what was asked is done once', async () => {
    const { store, proxy } = await behindProxy({ answerMs: 500 });
    await using _ = proxy;
    const webhook = await registered(store);
    await store.pollWaiting();
    proxy.stall();
    assert.deepEqual(await store.getWebhooks([webhook.id]), [webhook]);
    proxy.stall();
    const publication = aPublication([webhook.id]);
    assert.equal((await store.publish([publication]))[0]?.kind, 'PUBLISHED');
    assert.deepEqual(
      (await waitingOf(store, webhook.id)).map(({ id }) => id),
      [publication.deliveries[0]?.id],
    );
  });

  test('what was committed over a connection on which nothing comes any more is not done again', async () => {
    const { store, proxy } = await behindProxy({ answerMs: 500 });
    await using _ = proxy;
    const stalled = proxy.stallAt('COMMIT');
    assert.deepEqual(await store.createWebhooks([aWebhook()]), ['CREATED']);
    await stalled;
  });

  test('a connection on which nothing comes is said to be none', async () => {
    const { store, proxy } = await behindProxy({ patienceMs: 1_000 });
    await using _ = proxy;
    assert.equal(await store.checkUp(), undefined);
    proxy.stall();
    assert.equal(await store.checkUp(), 'the database has not answered for 1000 ms');
    proxy.cut();
  });

  test('a store that is closed while it is away is closed', async () => {
    const { store, proxy } = await behindProxy({ patienceMs: 200 });
    await using _ = proxy;
    proxy.cut();
    const refused = assert.rejects(store.getWebhooks(['x']), { code: 'UNAVAILABLE' });
    await store.close();
    await refused;
  });

  test('what a retry of before had moved is not counted twice', async () => {
    const { store, proxy } = await behindProxy();
    await using _ = proxy;
    const webhook = await registered(store);
    const [delivery] = await publishTo(store, webhook);
    await store.settle([settlement(delivery!, { to: 'FAILED', reason: 'EXHAUSTED' })], []);
    const broken = proxy.breakAt('COMMIT', 'AFTER');
    const order = { namespace: webhook.namespace, id: delivery!.id, now: T0 };
    assert.deepEqual(await store.retryDeliveries([order]), ['RETRIED']);
    await broken;
    const [usage] = await store.namespaceUsage([webhook.namespace]);
    assert.equal(usage?.waiting, 1);
  });
});

describe('a database that can do nothing now', () => {
  for (const [what, state] of [
    ['has no space', '53100'],
    ['cuts a statement short', '57014'],
    ['waits too long for a lock', '55P03'],
  ] as const) {
    test(`which ${what} is said to be unavailable, and what is asked for later is done`, async () => {
      const url = await aSchemaUrl();
      const store = await openStore(url);
      stores.push(store);
      const webhook = await registered(store);
      const schema = new URL(url).searchParams.get('schema');
      const session = await connect({ connectionString: url });
      await session.exec(`
        CREATE FUNCTION ${schema}.trouble() RETURNS trigger LANGUAGE plpgsql AS
          $$BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '${state}'; END$$;
        CREATE TRIGGER trouble BEFORE INSERT ON ${schema}.events EXECUTE FUNCTION ${schema}.trouble()`);
      await assert.rejects(store.publish([aPublication([webhook.id])]), {
        code: 'UNAVAILABLE',
        message: 'the database cannot do this now: no luck',
      });
      await session.exec(`DROP TRIGGER trouble ON ${schema}.events`);
      await session.close();
      assert.equal((await publishTo(store, webhook)).length, 1);
    });
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 500, 'it never happened');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
