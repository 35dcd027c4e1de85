import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { openStore, type StoreOptions } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { type PostgresPair, rowsOf, run, startPair, until } from '../../support/postgres-pair.ts';
import { aPublication, aWebhook } from '../../support/store.ts';
import { waitingOf } from '../conformance/harness.ts';

/** One for all tests: the last of them lets the standby take over. */
let pair: PostgresPair;
before(async () => {
  pair = await startPair();
});
after(() => pair?.stop());

let schemas = 0;

/** The URL of a schema that nobody has used. */
function schemaOf(url: string): { url: string; schema: string } {
  const schema = `failover_${++schemas}`;
  return { url: `${url}?schema=${schema}`, schema };
}

async function opened(t: TestContext, url: string, options?: StoreOptions): Promise<Store> {
  const store = await openStore(url, options);
  t.after(store.close);
  return store;
}

async function registered(store: Store) {
  const webhook = aWebhook();
  assert.deepEqual(await store.createWebhooks([webhook]), ['CREATED']);
  return webhook;
}

const waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

describe('a store on a PostgreSQL with a standby', () => {
  test('says so when that is not waited for, and is refused where only a standby is named', async () => {
    const { url } = schemaOf(pair.url);
    const warnings: string[] = [];
    const warn = (sentence: string): void => void warnings.push(sentence);
    await (await openStore(url, { warn })).close();
    assert.match(
      warnings.join(),
      /has a standby that is not waited for \(synchronous_standby_names is empty\)/,
    );
    const refused = {
      code: 'FAILED_PRECONDITION',
      message: /is a standby, which cannot be written to; name the primary$/,
    };
    await assert.rejects(openStore(pair.standby.url), refused);
    const [primary, standby] = [pair.primary.port, pair.standby.port];
    const first = `postgres://carillon:carillon@127.0.0.1:${standby},127.0.0.1:${primary}/postgres`;
    await assert.rejects(openStore(`${first}?target_session_attrs=any`), refused);
    await (await openStore(schemaOf(first).url)).close();
    await pair.waitForStandby();
    warnings.length = 0;
    await (await openStore(url, { warn })).close();
    assert.deepEqual(warnings, []);
  });

  test('tells nobody that a commit is there before the standby has it, also when the connection is lost meanwhile', async (t) => {
    const { url, schema } = schemaOf(pair.url);
    const store = await opened(t, url, { answerMs: 500 });
    const webhook = await registered(store);
    const sql = 'SELECT pid FROM pg_stat_wal_receiver';
    const [[receiver] = []] = (await rowsOf(pair.standby.url, sql)) as number[][];
    process.kill(receiver!, 'SIGSTOP');
    try {
      const published = store.publish([aPublication([webhook.id])]);
      await until(pair.primary.url, waiting);
      const [[first] = []] = (await rowsOf(pair.primary.url, waiting)) as number[][];
      const next = until(pair.primary.url, `${waiting} AND pid <> ${first}`).then(() => 'another waits');
      assert.equal(await Promise.race([next, published.then(() => 'answered')]), 'another waits');
      process.kill(receiver!, 'SIGCONT');
      assert.equal((await published)[0]?.kind, 'PUBLISHED');
    } finally {
      process.kill(receiver!, 'SIGCONT');
    }
    assert.equal((await rowsOf(pair.standby.url, `SELECT 1 FROM ${schema}.waiting`)).length, 1);
  });

  test('looks for another primary when the one it has can only be read, and goes on when it can be written to', async (t) => {
    const store = await opened(t, schemaOf(pair.primary.url).url);
    const webhook = await registered(store);
    await run(pair.primary.url, 'ALTER SYSTEM SET default_transaction_read_only = on');
    await run(pair.primary.url, 'SELECT pg_reload_conf()');
    await said(store, /the database cannot be reached: .* can only be read/);
    await run(pair.primary.url, 'ALTER SYSTEM RESET default_transaction_read_only');
    await run(pair.primary.url, 'SELECT pg_reload_conf()');
    await said(store, /^$/);
    assert.equal((await store.publish([aPublication([webhook.id])]))[0]?.kind, 'PUBLISHED');
  });

  test('finds the one that took over, and nobody hears of it', async (t) => {
    const { url, schema } = schemaOf(pair.url);
    const store = await opened(t, url);
    const webhook = await registered(store);
    await run(pair.primary.url, 'ALTER SYSTEM SET default_transaction_read_only = on');
    await run(pair.primary.url, 'SELECT pg_reload_conf()');
    await pair.promote();
    const publication = aPublication([webhook.id]);
    assert.equal((await store.publish([publication]))[0]?.kind, 'PUBLISHED');
    const [delivery] = await waitingOf(store, webhook.id);
    assert.equal(delivery?.id, publication.deliveries[0]?.id);
    assert.equal((await rowsOf(pair.standby.url, `SELECT 1 FROM ${schema}.waiting`)).length, 1);
  });
});

async function said(store: Store, sentence: RegExp): Promise<void> {
  for (let tries = 0; !sentence.test((await store.checkUp()) ?? ''); tries++) {
    assert.ok(tries < 500, 'it was never said');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
