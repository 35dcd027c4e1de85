import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCustody } from '../../../src/store/sqlite/custody.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { createEnter } from '../../../src/store/sqlite/entering.ts';
import { createGroup, type GroupDeps } from '../../../src/store/sqlite/group.ts';
import type { Call, Reply, Verbs } from '../../../src/store/sqlite/protocol.ts';
import { aPublication, aWebhook, openMemoryStore } from '../../support/store.ts';

/** A group of calls on a real database, in which `sweep` writes a number and does so badly if it is negative. */
function aGroup(overrides: Partial<GroupDeps> = {}) {
  const db = openDatabase(':memory:');
  db.exec('CREATE TABLE numbers (n)');
  const insert = db.prepare('INSERT INTO numbers VALUES (?)');
  const select = db.prepare<[n: number]>('SELECT n FROM numbers ORDER BY n');
  const unused = (): never => assert.fail('not called');
  const verbs = {
    sweep([n]: [number]) {
      insert.run(n);
      if (n < 0) throw new Error(`bad ${n}`);
      return { touched: n, cancelled: 0, gone: 0 };
    },
    getDelivery: () => undefined,
  };
  let rollbacks = 0;
  const run = createGroup({
    db,
    verbs: new Proxy(verbs, { get: (some, verb) => Reflect.get(some, verb) ?? unused }) as unknown as Verbs,
    memory: { begin: () => {}, mark: () => 0, undo: () => rollbacks++ },
    isTrouble: () => false,
    isDiskFailure: () => false,
    custody: createCustody(db),
    enter: createEnter(db),
    ...overrides,
  });
  return {
    run: (...numbers: number[]) => run(numbers.map((n): Call => ['sweep', [n, 0, 0]])),
    read: () => run([['getDelivery', ['default', 'id']]]),
    stored: () => select.all().map(([n]) => n),
    rollbacks: () => rollbacks,
    db,
  };
}

const ok = (touched: number): Reply => ({ ok: true, answer: { touched, cancelled: 0, gone: 0 } });
const failed = (kind: 'UNAVAILABLE' | 'FAULT', message: string): Reply => ({
  ok: false,
  failure: { kind, message },
});

describe('a group of calls', () => {
  test('calls are answered in order', () => {
    const { run, stored } = aGroup();
    assert.deepEqual(run(3, 1, 2), [ok(3), ok(1), ok(2)]);
    assert.deepEqual(stored(), [1, 2, 3]);
  });

  test('a call that fails changes nothing, and takes no other with it', () => {
    const { run, stored } = aGroup();
    assert.deepEqual(run(1, -2, 3, -4), [ok(1), failed('FAULT', 'bad -2'), ok(3), failed('FAULT', 'bad -4')]);
    assert.deepEqual(stored(), [1, 3]);
  });

  test('after a failure the next group is whole again', () => {
    const { run, stored } = aGroup();
    run(-1);
    assert.deepEqual(run(2), [ok(2)]);
    assert.deepEqual(stored(), [2]);
  });

  test('whoever remembers what is in the database is told of what was taken back', () => {
    const { run, rollbacks } = aGroup();
    run(1);
    assert.equal(rollbacks(), 0);
    run(1, -1);
    assert.ok(rollbacks() > 0);
  });

  test('when what was changed cannot be entered in the audit log, nothing is changed', () => {
    const { run, stored } = aGroup({
      enter() {
        throw new Error('no such table');
      },
    });
    assert.deepEqual(run(1), [failed('FAULT', 'no such table')]);
    assert.deepEqual(stored(), []);
  });

  for (const statement of ['BEGIN IMMEDIATE', 'COMMIT']) {
    test(`when ${statement} fails, all of its calls fail and nothing is written`, () => {
      let broken = true;
      const { run, stored, db } = aGroup({
        db: {
          exec(sql) {
            if (broken && sql === statement) throw new Error('disk full');
            db.exec(sql);
          },
        },
        isTrouble: () => true,
      });
      const all = failed('UNAVAILABLE', 'disk full');
      assert.deepEqual(run(1, 2), [all, all]);
      broken = false;
      assert.deepEqual(stored(), []);
      assert.deepEqual(run(3), [ok(3)]);
    });
  }

  test('when the disk fails at a commit, nothing is answered at all', () => {
    const { run } = aGroup({
      db: {
        exec(sql) {
          if (sql === 'COMMIT') throw new Error('fsync');
        },
      },
      isDiskFailure: () => true,
    });
    assert.throws(() => run(1), /fsync/);
  });

  test('reading alone begins no transaction', () => {
    const { read } = aGroup({ db: { exec: () => assert.fail('began one') } });
    assert.deepEqual(read(), [{ ok: true, answer: undefined }]);
  });
});

describe('calls that share a commit', () => {
  test('one that fails rejects, and the others are written', async () => {
    const store = await openMemoryStore();
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const [before, after, twin] = [aPublication([webhook.id]), aPublication([webhook.id]), aPublication([])];
    // Two deliveries of one id: no caller does that, and the database does not let it.
    const deliveries = [...before.deliveries, ...before.deliveries];
    const results = await Promise.allSettled([
      store.getWebhooks([webhook.id]),
      store.publish([before]),
      store.publish([{ ...twin, deliveries }]),
      store.publish([after]),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    const found = await store.listDeliveries({ namespace: 'default', limit: 10 });
    assert.deepEqual(
      found.map(({ id }) => id),
      [after.deliveries[0]?.id, before.deliveries[0]?.id],
    );
    assert.deepEqual(await store.getEventBodies([twin.event.id]), [undefined]);
    const { deliveries: polled } = await store.pollWaiting();
    assert.equal(polled.length, 2);
    await store.close();
  });
});
