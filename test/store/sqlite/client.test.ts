import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createFeed } from '../../../src/store/calls/feed.ts';
import { storeOn } from '../../../src/store/calls/store.ts';
import { createClient } from '../../../src/store/sqlite/client.ts';
import { type SqliteOptions, settings } from '../../../src/store/sqlite/options.ts';
import type { Store } from '../../../src/store/store.ts';
import { aPublication, aWebhook } from '../../support/store.ts';

/**
 * A thread in the database's place. It answers every call with how many calls came in its message,
 * which `sweep` hands through; what else it does is up to the test.
 */
function aThread(onMessage: string): Worker {
  return new Worker(
    `const { parentPort } = require('node:worker_threads');
     parentPort.on('message', (request) => {
       if (request === 'close') return parentPort.close();
       const answer = () => parentPort.postMessage({
         kind: 'replies',
         replies: request.calls.map(() => ({ ok: true, answer: { touched: request.calls.length, cancelled: 0 } })),
       });
       ${onMessage}
     });`,
    { eval: true },
  );
}

const ANSWERS = 'answer();';
const IS_SILENT = '';
const NEVER = 3_600_000;

function storeWith(t: TestContext, thread: Worker, options: SqliteOptions): Store {
  t.after(() => thread.terminate());
  const defaults = settings(options);
  return storeOn({ client: createClient(thread, defaults), feed: createFeed(defaults), defaults }, []);
}

const sweep = (store: Store): Promise<number> =>
  store.sweep({ now: 0, finishedBefore: 0, payloadsBefore: 0 });

describe('calls to the database thread', () => {
  test('writes that arrive together share a message', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: 1 });
    assert.deepEqual(await Promise.all([sweep(store), sweep(store), sweep(store)]), [3, 3, 3]);
  });

  test('a write that comes out of the blue waits for no company but that of its turn', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: NEVER });
    assert.deepEqual(await Promise.all([sweep(store), sweep(store)]), [2, 2]);
  });

  test('a write soon after another waits for company', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: 5 });
    await sweep(store);
    const first = sweep(store);
    await new Promise((resolve) => setImmediate(resolve));
    const second = sweep(store);
    t.mock.timers.tick(5);
    assert.deepEqual(await Promise.all([first, second]), [2, 2]);
  });

  test('a write that comes in the turn in which another has waited long enough goes with it', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: 5 });
    await sweep(store);
    const first = sweep(store);
    t.mock.timers.tick(5);
    const second = sweep(store);
    assert.equal(await first, 2);
    assert.equal(await second, 2);
  });

  test('a read waits for no company', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: NEVER });
    await store.waitingLanes({ limit: 1 }).catch(() => 'an answer that is no lane');
  });

  test('what arrives while the thread is busy goes together', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: 0 });
    assert.deepEqual(await Promise.all([sweep(store), sweep(store), sweep(store)]), [1, 2, 2]);
  });

  test('enough writes wait no longer', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: NEVER, callsMax: 1_000_000 });
    const sizes = await Promise.all(Array.from({ length: 2_000 }, () => sweep(store)));
    assert.deepEqual(new Set(sizes), new Set([2_000]));
  });

  test('closing waits for no company', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: NEVER });
    await sweep(store);
    const answer = sweep(store);
    await store.close();
    assert.equal(await answer, 1);
  });

  test('beyond the bound calls are refused, and those before are not', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { callsMax: 2, lingerMs: 1 });
    const [first, second, third] = [sweep(store), sweep(store), sweep(store)];
    await assert.rejects(third, { code: 'EXHAUSTED' });
    assert.deepEqual(await Promise.all([first, second]), [2, 2]);
    assert.equal(await sweep(store), 1, 'there is room again');
  });

  test('beyond the bound of bytes calls are refused, but a large one alone is not', async (t) => {
    const store = storeWith(t, aThread(IS_SILENT), { callBytesMax: 100 });
    const publish = (bytes: number) =>
      store.publish([aPublication([], { event: { body: new Uint8Array(bytes) } })]);
    const accepted = publish(101);
    accepted.catch(() => {});
    await assert.rejects(publish(1), { code: 'EXHAUSTED' });
  });
});

describe('the end of the database thread', () => {
  for (const [what, onMessage] of [
    ['fails', `throw new Error('out of disk');`],
    ['ends', 'process.exit(3);'],
  ] as const) {
    test(`when it ${what}, everything outstanding and everything later is rejected`, async (t) => {
      const fatal: Error[] = [];
      const store = storeWith(t, aThread(onMessage), { lingerMs: 0, onFatal: (error) => fatal.push(error) });
      // One is sent, the others are queued behind it.
      const outstanding = await Promise.allSettled([
        store.createWebhooks([aWebhook()]),
        sweep(store),
        store.getDelivery({ namespace: 'default', id: 'id' }),
      ]);
      for (const result of outstanding) {
        assert.equal(result.status === 'rejected' && result.reason.code, 'UNAVAILABLE');
      }
      await assert.rejects(sweep(store), { code: 'UNAVAILABLE' });
      assert.equal(fatal.length, 1);
      await store.close();
    });
  }

  test('a thread that ends while nothing is outstanding is reported too', async (t) => {
    const thread = aThread(ANSWERS);
    const reported = Promise.withResolvers<Error>();
    storeWith(t, thread, { onFatal: reported.resolve });
    await thread.terminate();
    assert.match((await reported.promise).message, /thread is gone/);
  });

  test('a thread that was closed is not reported', async (t) => {
    const thread = aThread(ANSWERS);
    let reports = 0;
    const store = storeWith(t, thread, { onFatal: () => reports++ });
    await store.close();
    assert.equal(reports, 0);
  });

  test('a call that cannot be sent is rejected alone', async (t) => {
    const store = storeWith(t, aThread(ANSWERS), { lingerMs: 0 });
    const query = { namespace: Symbol('no string') as unknown as string, limit: 1 };
    await assert.rejects(store.listDeliveries(query), /could not be cloned/);
    assert.equal(await sweep(store), 1);
  });
});

describe('settings', () => {
  test('every bound has a default, and what is given is kept', () => {
    const all = settings({ lingerMs: 7 });
    assert.equal(all.lingerMs, 7);
    for (const [name, value] of Object.entries(all)) assert.notEqual(value, undefined, name);
    assert.equal(all.callsMax, 10_000);
  });
});
