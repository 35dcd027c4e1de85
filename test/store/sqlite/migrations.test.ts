import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import { publicId } from '../../../src/domain/event/event.ts';
import { present } from '../../../src/domain/event/present.ts';
import { newId } from '../../../src/domain/id.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { aPublication, aRun, T0 } from '../../support/store.ts';
import { settlement, sweepAll } from '../conformance/harness.ts';

/**
 * Files as former versions left them, each opened by this one. What is in them was written by those
 * versions: a webhook on a schedule, one for events that is paused and has a delivery waiting, one that was
 * removed, and the event `order-7`. In `store-0003` the namespace `twins` has events that share an id, which was
 * possible then; `store-0004` is the same, opened by the version after that, and with `order-8`. In `store-0005`
 * there is the namespace `shop` too, with something in every table: an ordered lane whose head waits for its second
 * retry and that has delayed deliveries, lanes that are held or disabled, runs that take turns, deliveries that
 * ended in each way, and calls that had names.
 */
const TESTDATA = join(import.meta.dirname, '../../testdata');
const RINGS = 'wh_01KDVDPC000000000000000001';
const LISTENS = 'wh_01KDVDPC000000000000000002';
const GONE = 'wh_01KDVDPC000000000000000003';

const folder = mkdtempSync(join(tmpdir(), 'carillon-migrations-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

async function opened(name: string): Promise<Store> {
  const path = join(folder, `${name}-${++files}.db`);
  writeFileSync(path, gunzipSync(readFileSync(join(TESTDATA, `${name}.sqlite.gz`))));
  return openStore(path);
}

for (const name of ['store-0002', 'store-0003', 'store-0004', 'store-0005']) {
  describe(`a database as ${name} has it`, () => {
    test('is no copy of another: it sends, as it did', async () => {
      await using store = disposable(await opened(name));
      assert.equal(await store.getStandby(), undefined);
    });

    test('opens with its registrations, known by the ids that they had', async () => {
      await using store = disposable(await opened(name));
      const found = await store.resolveWebhooks(
        [RINGS, LISTENS, GONE].map((id) => ({ namespace: 'default', id })),
      );
      assert.deepEqual(
        found.map((webhook) => webhook?.spec.name),
        ['nightly', 'orders', undefined],
      );
      assert.equal(found[0]?.callerId, undefined);
      assert.deepEqual(found[0]?.spec.labels, { team: 'red' });
      assert.equal(found[1]?.state, 'PAUSED');
      assert.deepEqual([found[0]?.health, found[0]?.healthVersion], [HEALTHY, 0]);
      // What those versions wrote where nothing was asked for counts as unset, so that new defaults reach it.
      assert.equal(found[1]?.spec.timeoutMs, undefined);
      assert.equal(found[1]?.effective.timeoutMs, 15_000);
      assert.deepEqual(found[1]?.effective.schedule?.when, { kind: 'every', periodMs: 60_000 });
    });

    test('keeps what waits, what is finished and why', async () => {
      await using store = disposable(await opened(name));
      const all = await store.listDeliveries({ namespace: 'default', limit: 10 });
      assert.deepEqual(
        all.map(({ webhookId, state, reason, eventId }) => [webhookId, state, reason, eventId]).sort(),
        [
          [RINGS, 'SUCCEEDED', undefined, 'order-7'],
          [LISTENS, 'PENDING', undefined, 'order-7'],
          [GONE, 'CANCELLED', 'REMOVED', 'evt_01KDVDPC000000000000000002'],
        ].sort(),
      );
      const [lane] = await store.topUp([{ webhookId: LISTENS, limit: 10, ordered: false }]);
      assert.equal(lane?.deliveries.length, 1);
    });

    test('still knows what a publisher may publish again', async () => {
      await using store = disposable(await opened(name));
      const [event] = await store.getEvents([{ namespace: 'default', id: 'order-7' }]);
      assert.equal(event?.type, 'order.paid');
      assert.equal(event?.createdAt, T0);
    });
  });
}

describe('a database of before it knew how far it had come', () => {
  test('opens as it is, and is known from then on: the same file is refused when it is put back', async () => {
    const name = 'store-0005';
    const store = await opened(name);
    await store.close();
    const path = join(folder, `${name}-${files}.db`);
    assert.match(readFileSync(`${path}-generation`, 'utf8'), /^[\da-f]{32} \d+\n$/);
    await (await openStore(path)).close();
    writeFileSync(path, gunzipSync(readFileSync(join(TESTDATA, `${name}.sqlite.gz`))));
    await assert.rejects(openStore(path), /is another database than the one that was here last/);
    await (await openStore(path, { restored: true })).close();
  });
});

describe('a database of before secrets could be rotated', () => {
  test('has the secrets that it had, each with an id of its own and without an end', async () => {
    const name = 'store-0005';
    const path = join(folder, `${name}-as-it-was.db`);
    writeFileSync(path, gunzipSync(readFileSync(join(TESTDATA, `${name}.sqlite.gz`))));
    const file = new DatabaseSync(path);
    const rows = file.prepare('SELECT id, secrets FROM webhooks').all();
    file.close();
    const sealed = new Map(rows.map(({ id, secrets }) => [id, JSON.parse(String(secrets)) as string[]]));
    await using store = disposable(await opened(name));
    const ids = new Set<string>();
    for (const namespace of ['default', 'shop']) {
      for (const { id, secrets, createdAt } of await store.listWebhooks({ namespace, limit: 100 })) {
        assert.deepEqual(
          secrets.map((secret) => Buffer.from(secret.sealed).toString('base64')),
          sealed.get(id),
        );
        assert.ok(secrets.length > 0);
        for (const secret of secrets) {
          assert.match(secret.id, /^sec_[0-9A-HJKMNP-TV-Z]{26}$/);
          assert.deepEqual([secret.createdAt, secret.expiresAt], [createdAt, undefined]);
          assert.ok(!ids.has(secret.id));
          ids.add(secret.id);
        }
      }
    }
    assert.ok(ids.size > 2);
  });
});

describe('a database of before there were other signatures', () => {
  test('has webhooks without any, which can be given them, and namespaces without keys', async () => {
    await using store = disposable(await opened('store-0005'));
    const [found] = await store.getWebhooks([RINGS]);
    assert.deepEqual([found?.compatibilitySecret, found?.effective.asymmetric], [undefined, false]);
    const webhook = { ...found!, compatibilitySecret: new Uint8Array([1, 2]), version: found!.version + 1 };
    const update = { webhook, ifVersion: found!.version };
    assert.deepEqual(await store.updateWebhooks([update]), ['UPDATED']);
    assert.deepEqual((await store.getWebhooks([RINGS]))[0], webhook);
    assert.deepEqual(await store.listNamespaceKeys({ after: '', limit: 9 }), []);
    const bytes = new Uint8Array(32);
    const key = { namespace: 'shop', id: 'key', publicKey: bytes, sealed: bytes, createdAt: T0 };
    assert.deepEqual(await store.keepNamespaceKeys([key]), [key]);
  });
});

describe('a database of before TLS could be left unverified', () => {
  test('has webhooks that verify it, and can be given one that does not', async () => {
    await using store = disposable(await opened('store-0013'));
    assert.deepEqual(await store.unverifiedWebhooks(9), []);
    const [found] = await store.resolveWebhooks([{ namespace: 'default', id: 'old' }]);
    const spec = { ...found!.spec, tls: { unverified: true } as const };
    const webhook = { ...found!, spec, version: found!.version + 1 };
    assert.deepEqual(await store.updateWebhooks([{ webhook, ifVersion: found!.version }]), ['UPDATED']);
    assert.deepEqual(
      (await store.unverifiedWebhooks(9)).map(({ id }) => id),
      [found!.id],
    );
  });
});

describe('a database of before destinations were asked', () => {
  test('has webhooks whose destinations are not, and one can be', async () => {
    await using store = disposable(await opened('store-0013'));
    const [found] = await store.resolveWebhooks([{ namespace: 'default', id: 'old' }]);
    assert.equal(found?.consent, undefined);
    assert.deepEqual(await store.dueConsents({ now: T0, limit: 9 }), []);
    const consent = { state: 'PENDING', dueAt: T0, tries: 0, since: 2 } as const;
    const webhook = { ...found!, consent, version: found!.version + 1 };
    const update = { webhook, ifVersion: found!.version, resetConsent: true };
    assert.deepEqual(await store.updateWebhooks([update]), ['UPDATED']);
    assert.deepEqual((await store.dueConsents({ now: T0, limit: 9 }))[0]?.consent, consent);
  });
});

describe('a database of before events had extension attributes', () => {
  test('has events without any, and keeps those of new ones', async () => {
    await using store = disposable(await opened('store-0005'));
    // The builders' own ids are in the file already.
    const id = 'evt_01KDVDPC0000000000000000F1';
    const event = { id, namespace: 'default', callerId: 'extended', extensions: { tenant: 'a' } };
    await store.publish([aPublication([], { event, remember: { digest: 'e', until: T0 } })]);
    const keys = ['order-7', 'extended'].map((id) => ({ namespace: 'default', id }));
    const found = await store.getEvents(keys);
    assert.deepEqual(
      found.map((each) => each?.extensions),
      [undefined, { tenant: 'a' }],
    );
  });
});

describe('a database of before calls had names', () => {
  test('remembers them from now on, and all that it had', async () => {
    await using store = disposable(await opened('store-0004'));
    const event = { namespace: 'default', callerId: 'order-8', createdAt: T0 };
    const again = aPublication([], { event, remember: { digest: 'order-8', until: T0 } });
    const [known] = await store.publish([again]);
    assert.deepEqual(known, { kind: 'DUPLICATE', eventId: 'evt_01KDVDPC000000000000000008', deliveries: 0 });
    const claim = { namespace: 'default', requestId: 'a', digest: 'd', now: T0, until: T0 + 10 };
    const found = await store.claimRequests([claim, claim]);
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['CLAIMED', 'BEGUN'],
    );
  });
});

describe('a database of before cursors said when and by which rules they were computed', () => {
  test('has them computed anew where local time is read, whenever they were moved', async () => {
    await using store = disposable(await opened('store-0004'));
    const [rings] = await store.getWebhooks([RINGS]);
    assert.ok(rings?.cursor.nominalAt);
    assert.deepEqual([rings.cursor.zoneRules, rings.cursor.movedAt], ['', undefined]);
    const query = { movedAfter: 0, zoneRules: 'test' };
    const { webhookIds } = await store.cursorsToRenew(query);
    assert.ok(webhookIds.includes(RINGS));
    const before = { before: Number.MAX_SAFE_INTEGER, limit: 10 };
    assert.deepEqual(
      (await store.upcomingRuns(before)).map(({ webhookId }) => webhookId),
      webhookIds,
    );
    const to = { ...rings.cursor, movedAt: T0, zoneRules: 'test' };
    const { version } = rings;
    const move = { webhookId: RINGS, version, from: rings.cursor.nominalAt, to };
    assert.deepEqual(await store.moveCursors([move]), ['MOVED']);
    const later = await store.cursorsToRenew({ ...query, movedAfter: T0 });
    assert.deepEqual(
      later.webhookIds,
      webhookIds.filter((id) => id !== RINGS),
    );
  });
});

describe('a database of before namespaces were made', () => {
  test('has those that had webhooks, and one that is deleted takes all of its own with it', async () => {
    await using store = disposable(await opened('store-0005'));
    const found = await store.getNamespaces(['default', 'shop', 'nobody']);
    assert.deepEqual(
      found.map((each) => each && [each.state, each.quotas, each.version]),
      [['ACTIVE', {}, 1], ['ACTIVE', {}, 1], undefined],
    );
    const all = { namespace: 'default', limit: 100 };
    const kept = await store.listDeliveries(all);
    const shop = { ...found[1]!, state: 'DELETING', version: 2 } as const;
    assert.deepEqual(await store.updateNamespaces([{ namespace: shop, ifVersion: 1 }]), ['UPDATED']);
    await sweepAll(store, { now: T0 });
    assert.deepEqual(await store.getNamespaces(['shop']), [undefined]);
    const of = { namespace: 'shop', limit: 100 };
    assert.deepEqual(
      [await store.listWebhooks(of), await store.listEvents(of), await store.listDeliveries(of)],
      [[], [], []],
    );
    assert.deepEqual(await store.listDeliveries(all), kept);
  });
});

describe('a database with something in every table', () => {
  const NAMESPACE = 'shop';
  const HOUR = 3_600_000;

  test('opens with its deliveries as they were, whatever became of them', async () => {
    await using store = disposable(await opened('store-0005'));
    const all = await store.listDeliveries({ namespace: NAMESPACE, limit: 100 });
    const counts = Object.groupBy(all, ({ state, reason }) => [state, reason].join(' '));
    assert.deepEqual(
      Object.entries(counts).map(([kind, found]) => [kind, found?.length]),
      [
        ['PENDING ', 16],
        ['SUCCEEDED ', 2],
        ['CANCELLED REQUESTED', 1],
        ['FAILED REFUSED', 1],
        ['FAILED EXHAUSTED', 1],
      ],
    );
  });

  test('opens with the last attempt for each webhook, and what waits', async () => {
    await using store = disposable(await opened('store-0005'));
    const webhooks = await store.listWebhooks({ namespace: NAMESPACE, limit: 100 });
    const traffic = await store.getTraffic(webhooks.map(({ id }) => id));
    assert.deepEqual(
      webhooks.map(({ spec }, i) => [spec.name, traffic[i]?.waiting, traffic[i]?.lastAttempt?.status]),
      [
        ['ordered', 7, 500],
        ['held', 2, 429],
        ['done', 3, 200],
        ['runs', 3, undefined],
        ['cron', 0, undefined],
        ['broken', 1, 500],
      ],
    );
  });

  test('opens with the health of its lanes', async () => {
    await using store = disposable(await opened('store-0005'));
    const webhooks = await store.listWebhooks({ namespace: NAMESPACE, limit: 10 });
    const byName = new Map(webhooks.map((webhook) => [webhook.spec.name, webhook]));
    const health = byName.get('held')?.health;
    assert.deepEqual([health?.failingSince, health?.trips, health?.openUntil], [T0 + 1_000, 2, T0 + 60_000]);
    const broken = byName.get('broken');
    assert.deepEqual([broken?.state, broken?.health.failingSince], ['DISABLED', T0]);
    assert.equal(byName.get('runs')?.cursor.nominalAt, T0 + 240_000);
  });

  test('opens with its runs, of which the next takes the place', async () => {
    await using store = disposable(await opened('store-0005'));
    const webhooks = await store.listWebhooks({ namespace: NAMESPACE, limit: 10 });
    const runs = webhooks.find(({ spec }) => spec.name === 'runs')!;
    const waiting = async () => {
      const [lane] = await store.topUp([{ webhookId: runs.id, limit: 100, ordered: true }]);
      return lane!.deliveries.map(({ ending }) => ending);
    };
    const before = await waiting();
    assert.ok(before.length > 0);
    const firing = aRun(runs, { overlap: 'SUPERSEDE' });
    // Ids that the file does not have.
    const [id, eventId] = [newId('delivery', T0, systemRandom()), newId('event', T0, systemRandom())];
    const [run = assert.fail()] = firing.runs;
    const fresh = { event: { ...run.event, id: eventId }, delivery: { ...run.delivery, id } };
    assert.deepEqual(await store.fireRuns([{ ...firing, runs: [fresh] }]), ['FIRED']);
    assert.deepEqual(await waiting(), [...before.map(() => 'SUPERSEDED'), undefined]);
  });

  test('says of what fails from now on why, and nothing of what failed before', async () => {
    await using store = disposable(await opened('store-0005'));
    const failed = () => store.listDeliveries({ namespace: NAMESPACE, state: 'FAILED', limit: 100 });
    assert.deepEqual(
      (await failed()).map(({ message }) => message),
      [undefined, undefined],
    );
    const [{ webhookId } = assert.fail()] = await store.waitingLanes({ limit: 1 });
    const [lane] = await store.topUp([{ webhookId, limit: 1, ordered: true }]);
    const transition = { to: 'FAILED', reason: 'RENDER', message: 'no header' } as const;
    await store.settle([{ delivery: lane!.deliveries[0]!, transition, now: T0 }], []);
    const found = await store.getDelivery({ namespace: 'default', id: lane!.deliveries[0]!.id });
    assert.equal(found?.message, 'no header');
  });

  test('has lanes that overflow once their webhooks allow less', async () => {
    await using store = disposable(await opened('store-0005'));
    assert.deepEqual(await store.overflowing(10), []);
    const lanes = await store.waitingLanes({ limit: 100 });
    const waiting = await store.topUp(
      lanes.map(({ webhookId }) => ({ webhookId, limit: 100, ordered: true })),
    );
    const longest = waiting.find(({ deliveries }) => deliveries.length > 1);
    const [webhook] = await store.getWebhooks([longest!.webhookId]);
    const { id: webhookId, spec, version } = webhook!;
    const less = { ...webhook!, spec: { ...spec, limits: { waitingMax: 1 } }, version: version + 1 };
    await store.updateWebhooks([{ webhook: less, ifVersion: version }]);
    const excess = longest!.deliveries.length - 1;
    assert.deepEqual(await store.overflowing(10), [{ webhookId, excess, bound: 1, of: 'WEBHOOK' }]);
  });

  test('still knows the calls that had names', async () => {
    await using store = disposable(await opened('store-0005'));
    const claim = { namespace: NAMESPACE, now: T0, until: T0 + HOUR };
    const found = await store.claimRequests([
      { ...claim, requestId: 'answered', digest: 'a' },
      { ...claim, requestId: 'begun', digest: 'b' },
      { ...claim, requestId: 'begun', digest: 'other' },
    ]);
    assert.deepEqual(found, [
      { kind: 'ANSWERED', answer: new Uint8Array([1, 2, 3]), digest: 'a' },
      { kind: 'BEGUN', at: T0, digest: 'b' },
      { kind: 'OTHER' },
    ]);
  });
});

describe('a database of before keys that seal were noted', () => {
  test('has none noted, and all that is sealed in it can be sealed anew', async () => {
    await using store = disposable(await opened('store-0005'));
    assert.deepEqual(await store.listSealKeys(), []);
    // Headers that stand in the clear are sealed by a start, before anything else.
    const inTheClear = (await store.unsealedWebhooks(100)).map(({ id }) => id);
    const all = await store.walkWebhooks({ after: undefined, limit: 100 });
    const webhooks = all.filter(({ id }) => !inTheClear.includes(id));
    for (const id of [RINGS, LISTENS, GONE]) assert.ok(webhooks.some((webhook) => webhook.id === id));
    const sealed = new Uint8Array([1, 2, 3]);
    const pairs = webhooks.map((from) => ({
      from,
      to: { ...from, secrets: from.secrets.map((secret) => ({ ...secret, sealed })) },
    }));
    // A migration wrote secrets in other words than the store does.
    assert.deepEqual(
      await store.resealWebhooks(pairs),
      webhooks.map(() => true),
    );
    const [rings] = await store.getWebhooks([RINGS]);
    assert.deepEqual(rings?.secrets[0]?.sealed, sealed);
    await store.noteSealKeys([{ id: 'a', usedAt: T0 }]);
    assert.deepEqual(await store.listSealKeys(), [{ id: 'a', usedAt: T0 }]);
  });
});

describe('a database of before deliveries had places', () => {
  const NAMESPACE = 'shop';
  const msg = (n: number) => RINGS.replace('wh_', 'msg_').slice(0, -4) + String(5_000 + n);

  async function inOrder(store: Store, name: string): Promise<string[]> {
    const webhooks = await store.listWebhooks({ namespace: NAMESPACE, limit: 10 });
    const webhookId = webhooks.find(({ spec }) => spec.name === name)!.id;
    const [lane] = await store.topUp([{ webhookId, limit: 10, ordered: true }]);
    return lane!.deliveries.map(({ id }) => id);
  }

  test('goes on in order: what is in retry first, and what is delayed where it is due', async () => {
    await using store = disposable(await opened('store-0005'));
    assert.deepEqual(await inOrder(store, 'ordered'), [2, 3, 4, 5, 7, 6, 1].map(msg));
  });

  test('has runs that wait for their turn behind those that they wait for', async () => {
    await using store = disposable(await opened('store-0005'));
    assert.deepEqual(await inOrder(store, 'runs'), [17, 18, 19].map(msg));
  });

  test('has what is sent again by hand at the place where it came in', async () => {
    await using store = disposable(await opened('store-0005'));
    const order = { namespace: NAMESPACE, id: msg(12), now: T0 + 10_000 };
    assert.deepEqual(await store.retryDeliveries([order]), ['RETRIED']);
    assert.deepEqual(await inOrder(store, 'done'), [22, 12, 16, 15].map(msg));
  });
});

describe('events of before that share an id', () => {
  const NAMESPACE = 'twins';
  /** An id of a caller, given again when it was forgotten. */
  const GIVEN = 'order-9';
  const [FIRST, LATEST] = ['evt_01KDVDPC0000000000000000A1', 'evt_01KDVDPC0000000000000000A2'];
  /** An event without an id of a caller, and one whose caller gave it the id of that. */
  const [OWN, GUEST] = ['evt_01KDVDPC0000000000000000E1', 'evt_01KDVDPC0000000000000000E2'];
  const PAID = 'wh_01KDVDPC000000000000000004';
  const MADE = 'wh_01KDVDPC000000000000000005';
  const key = (id: string) => ({ namespace: NAMESPACE, id });

  test('are known by different ids: the latest keeps that of the caller, and Carillon keeps its own', async () => {
    await using store = disposable(await opened('store-0003'));
    const found = await store.getEvents([GIVEN, FIRST, LATEST, OWN, GUEST].map(key));
    assert.deepEqual(
      found.map((event) => event && [publicId(event), event.id, event.type]),
      [
        [GIVEN, LATEST, 'invoice.made'],
        [FIRST, FIRST, 'order.paid'],
        undefined,
        [OWN, OWN, 'order.paid'],
        [GUEST, GUEST, 'invoice.made'],
      ],
    );
    const listed = await store.listEvents({ namespace: NAMESPACE, limit: 10 });
    assert.deepEqual(listed.map(publicId).toSorted(), [GIVEN, FIRST, OWN, GUEST].toSorted());
  });

  test('each have their own deliveries, which say so', async () => {
    await using store = disposable(await opened('store-0003'));
    for (const [id, webhookId] of [
      [GIVEN, MADE],
      [FIRST, PAID],
      [OWN, PAID],
      [GUEST, MADE],
    ] as const) {
      const [eventId] = await store.resolveEvents([key(id)]);
      const listed = await store.listDeliveries({ namespace: NAMESPACE, eventId: eventId!, limit: 10 });
      assert.deepEqual(
        listed.map((delivery) => [delivery.webhookId, delivery.eventId]),
        [[webhookId, id]],
      );
    }
  });

  test('are erased one at a time', async () => {
    await using store = disposable(await opened('store-0003'));
    assert.deepEqual(await store.purgeEvents([key(GIVEN), key(OWN)]), [{ cancelled: 1 }, { cancelled: 1 }]);
    const bodies = await store.getEventBodies([FIRST, LATEST, OWN, GUEST]);
    assert.deepEqual(
      bodies.map((body) => body?.id),
      [FIRST, undefined, undefined, GUEST],
    );
  });

  test('go out with the ids that their first attempts had', async () => {
    await using store = disposable(await opened('store-0003'));
    const bodies = await store.getEventBodies([FIRST, LATEST, OWN, GUEST]);
    const sent = bodies.map((body) => present(body!, 'CLOUDEVENTS_BINARY').headers['ce-id']);
    assert.deepEqual(sent, [GIVEN, GIVEN, OWN, OWN]);
    assert.deepEqual(
      bodies.map((body) => publicId(body!)),
      [FIRST, GIVEN, OWN, GUEST],
    );
  });

  for (const [when, now] of [
    ['while it was to be remembered for them', T0 + 10],
    ['later', T0 + 10 * 3_600_000],
  ] as const) {
    test(`leave the id to the one that has it when they are swept ${when}`, async () => {
      await using store = disposable(await opened('store-0003'));
      const [lane] = await store.topUp([{ webhookId: PAID, limit: 10, ordered: false }]);
      const settled = lane!.deliveries.map((delivery) => settlement(delivery, undefined, T0));
      await store.settle(settled, []);
      await sweepAll(store, { now, finishedBefore: T0 + 1 });
      const found = await store.resolveEvents([FIRST, GIVEN].map(key));
      assert.deepEqual(found, [undefined, LATEST]);
      const event = { namespace: NAMESPACE, callerId: GIVEN };
      const publish = (digest: string) =>
        store.publish([aPublication([], { event, remember: { digest, until: T0 } })]);
      assert.deepEqual(await publish('second'), [{ kind: 'DUPLICATE', eventId: LATEST, deliveries: 1 }]);
      assert.deepEqual(await publish('first'), [{ kind: 'CONFLICT' }]);
    });
  }
});

describe('a database of before there were keys', () => {
  test('has none, and keeps those that are made', async () => {
    await using store = disposable(await opened('store-0005'));
    assert.deepEqual(await store.apiKeyChanges({ after: 0, limit: 10 }), []);
    const key = {
      id: newId('key', T0, systemRandom()),
      hash: 'hash',
      prefix: 'ck_abcdefgh',
      namespace: undefined,
      role: 'ADMIN',
      note: '',
      callsPerSecond: 0,
      createdAt: T0,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedAt: undefined,
    } as const;
    assert.deepEqual(await store.createApiKeys([key], { now: T0, max: 1 }), ['CREATED']);
    assert.deepEqual(await store.apiKeyChanges({ after: 0, limit: 10 }), [{ key, change: 1 }]);
  });
});

describe('a database of before there was an audit log', () => {
  test('has no entries, keeps those of what is changed from then on, and sweeps them', async () => {
    await using store = disposable(await opened('store-0005'));
    const query = { namespace: undefined, descending: true, limit: 10 };
    assert.deepEqual((await store.scanAuditEntries(query)).rows, []);
    const [webhook] = await store.listWebhooks({ namespace: 'default', limit: 1 });
    const { id, callerId } = webhook!;
    const call = {
      id: newId('audit', T0, systemRandom()),
      at: T0,
      method: 'carillon.v1.WebhookService/Remove',
      caller: { kind: 'ANONYMOUS', id: '', address: '127.0.0.1' },
      requestId: '',
      namespace: 'default',
    } as const;
    const remove = () => store.removeWebhooks([{ id, now: T0 }]);
    assert.deepEqual(await store.onBehalf(call, remove, () => {}), ['REMOVED']);
    const first = [{ kind: 'REMOVED', type: 'Webhook', id: callerId ?? id, uid: id }];
    const entry = { ...call, outcome: 'DONE', reason: '', changes: { first, count: 1 } };
    assert.deepEqual((await store.scanAuditEntries(query)).rows, [entry]);
    await sweepAll(store, { now: T0 + 10, finishedBefore: T0 + 1 });
    assert.deepEqual((await store.scanAuditEntries(query)).rows, []);
  });
});

function disposable(store: Store): Store & AsyncDisposable {
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}
