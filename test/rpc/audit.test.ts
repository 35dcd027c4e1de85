import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { AdminService } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import type { NewKey } from '../../src/control/keys.ts';
import { type AuditChange, type AuditEntry, callerOf } from '../../src/domain/access/audit.ts';
import { isAudited } from '../../src/rpc/transport/audited.ts';
import { aDeliveryThat } from '../support/deliveries.ts';
import { startGrpc } from '../support/grpc.ts';
import { type RunningApi, sharedApi, startApi } from '../support/rpc.ts';
import { aWebhook } from '../support/store.ts';

/** What is in the audit log of what each method does, and who finds it there. */

type Json = Readonly<Record<string, unknown>>;

/** A request that changes something, and what of: `UPDATED Webhook shop state`. `…` stands for an id that is drawn. */
type Step = (world: World) => Promise<readonly [request: Json, ...changes: string[]]>;

interface World {
  readonly api: RunningApi;
  /** A webhook that waits for events, by its caller's id. */
  webhook(id: string): Promise<string>;
  /** A delivery that has this state. */
  delivery(state: 'PENDING' | 'FAILED'): Promise<string>;
}

const destination = 'http://127.0.0.1:9999/hook';
const none = 'CHANGES_NOTHING';
const published = 'IS_PUBLISHED';

/** The types ask for every method, so that one that changes something cannot be added without saying what. */
const STEPS = [
  ...declared(WebhookService, {
    register: async () => [{ webhook: { id: 'made', name: 'made', destination } }, 'CREATED Webhook made'],
    batchRegister: async ({ webhook }) => {
      await webhook('known');
      const requests = [
        { webhook: { id: 'new', name: 'new', destination } },
        { webhook: { id: 'known', name: 'known', destination, labels: { team: 'a' }, eventTypes: ['*'] } },
        { webhook: { name: '', destination } },
      ];
      return [{ requests }, 'CREATED Webhook new', 'UPDATED Webhook known event_types,labels'];
    },
    get: none,
    batchGet: none,
    list: none,
    update: async ({ webhook }) => {
      const id = await webhook('updated');
      const change = { timeout: '3s', secretHeaders: { 'x-key': { value: 'canary-value' } } };
      return [{ webhook: { id, ...change } }, 'UPDATED Webhook updated secret_headers,timeout'];
    },
    remove: async ({ webhook }) => [{ id: await webhook('removed') }, 'REMOVED Webhook removed'],
    pause: async ({ webhook }) => {
      await Promise.all(['p1', 'p2'].map(webhook));
      return [{ filter: 'name = p*' }, 'UPDATED Webhook p1 state', 'UPDATED Webhook p2 state'];
    },
    resume: async ({ api, webhook }) => {
      const id = await webhook('resumed');
      await api.webhooks.pause({ id }, await bearer(api));
      return [{ id }, 'UPDATED Webhook resumed state'];
    },
    trigger: async ({ webhook }) => [{ id: await webhook('rung') }, 'CREATED Delivery …'],
    backfill: async ({ api }) => {
      const schedule = { when: { case: 'every', value: { seconds: 86_400n } } } as const;
      const webhook = { id: 'daily', name: 'daily', destination, schedule };
      await api.webhooks.register({ webhook }, await bearer(api));
      const span = { startTime: '2025-12-20T00:00:00Z', endTime: '2025-12-22T00:00:00Z' };
      return [{ id: 'daily', ...span }, 'CREATED Delivery …', 'CREATED Delivery …'];
    },
    rotateSecret: async ({ webhook }) => [
      { id: await webhook('rotated') },
      'UPDATED Webhook rotated signing_secrets 1→2',
    ],
    withdrawSecret: async ({ api, webhook }) => {
      const id = await webhook('withdrawn');
      const key = await bearer(api);
      await api.webhooks.rotateSecret({ id }, key);
      const [, old] = (await api.webhooks.get({ id }, key)).webhook!.signingSecrets;
      return [{ id, secretId: old!.id }, 'UPDATED Webhook withdrawn signing_secrets 2→1'];
    },
    previewSchedule: none,
  }),
  ...declared(EventService, {
    publish: published,
    publishBatch: published,
    publishStream: published,
    getEvent: none,
    listEvents: none,
    replayEvents: async ({ api, webhook }) => {
      const id = await webhook('heard');
      const { uid } = (await api.webhooks.get({ id }, await bearer(api))).webhook!;
      await aDeliveryThat(api.store, uid, { status: 200, callerId: 'e-again' });
      return [{ ids: { ids: ['e-again'] } }, 'CREATED Delivery …'];
    },
    purgeEvent: async ({ api }) => {
      await api.events.publish({ event: { id: 'e-purged', type: 'a' } }, await bearer(api));
      return [{ id: 'e-purged' }, 'UPDATED Event e-purged data'];
    },
  }),
  ...declared(DeliveryService, {
    listDeliveries: none,
    getDelivery: none,
    watchDeliveries: none,
    retryDelivery: async ({ delivery }) => {
      const id = await delivery('FAILED');
      return [{ id }, `UPDATED Delivery ${id} state`];
    },
    retryDeliveries: async ({ delivery }) => {
      const ids = [await delivery('FAILED'), await delivery('FAILED')];
      return [{ filter: 'state = FAILED' }, ...ids.map((id) => `UPDATED Delivery ${id} state`)];
    },
    cancelDelivery: async ({ delivery }) => {
      const id = await delivery('PENDING');
      return [{ id }, `UPDATED Delivery ${id} state`];
    },
    cancelDeliveries: async ({ delivery }) => {
      const id = await delivery('PENDING');
      return [{ filter: `id = ${id}` }, `UPDATED Delivery ${id} state`];
    },
  }),
  ...declared(AdminService, {
    createApiKey: async () => [{ role: 'ROLE_READ' }, 'CREATED ApiKey …'],
    listApiKeys: none,
    revokeApiKey: async ({ api }) => {
      const { id } = (await api.makeKey({ namespace: 'default' })).apiKey;
      return [{ id }, `REMOVED ApiKey ${id}`];
    },
    createNamespace: async () => [{ name: 'shop' }, 'CREATED Namespace shop'],
    getNamespace: none,
    listNamespaces: none,
    updateNamespace: async (world) => [
      { name: await namespace(world, 'bounded'), quotas: { webhooks: '9' } },
      'UPDATED Namespace bounded quotas.webhooks',
    ],
    suspendNamespace: async (world) => [
      { name: await namespace(world, 'quiet') },
      'UPDATED Namespace quiet state',
    ],
    resumeNamespace: async (world) => {
      const name = await namespace(world, 'loud');
      const admin = createClient(AdminService, world.api.transports.connect);
      await admin.suspendNamespace({ name }, await bearer(world.api));
      return [{ name }, 'UPDATED Namespace loud state'];
    },
    deleteNamespace: async (world) => [
      { name: await namespace(world, 'gone') },
      'REMOVED Namespace gone state',
    ],
    listAuditEntries: none,
    rotateSealKey: async ({ api }) => [{ keyId: api.sealRotation.status().keyId }, 'CREATED SealKey …'],
    getSealKeyRotation: none,
    getStandby: none,
    takeOver: async ({ api }) => {
      await api.store.standBy({ reason: 'RESTORED', since: api.clock.now() });
      return [{}, 'REMOVED Standby RESTORED'];
    },
  }),
];

describe('The audit log', () => {
  for (const [method, step] of STEPS) {
    if (typeof step === 'string') continue;
    it(`has one entry of ${method.name}: who called, from where, and what it changed`, async () => {
      await using api = await startApi({ locked: true });
      const [request, ...changes] = await step(worldOf(api));
      const admin = await api.makeKey({ role: 'ADMIN' });
      const known = new Set((await entriesOf(api)).map(({ id }) => id));
      const asked = method.input.field.requestId === undefined ? {} : { requestId: 'once' };
      const response = await call(api, method, { ...request, ...asked }, admin);
      assert.equal(response.status, 200, await response.text());
      const [entry, ...others] = (await entriesOf(api)).filter(({ id }) => !known.has(id));
      assert.ok(entry);
      assert.deepEqual(others, []);
      const { first, count } = entry.changes;
      // Those that are made at one time are in no order.
      const told = first.map((change) => textOf(change, changes[0]));
      assert.deepEqual(told.toSorted(), changes.toSorted());
      assert.equal(count, changes.length);
      assert.deepEqual(entry.caller, { kind: 'KEY', id: admin.apiKey.id, address: '127.0.0.1' });
      assert.deepEqual(
        [entry.method, entry.at, entry.outcome, entry.requestId],
        [`${method.parent.typeName}/${method.name}`, api.clock.now(), 'DONE', asked.requestId ?? ''],
      );
      const ofAll = ['Namespace', 'SealKey', 'Standby'].includes(first[0]?.type ?? '');
      assert.equal(entry.namespace, ofAll ? undefined : 'default');
      // One line, when the call has ended at the latest.
      const { fields } = await api.line((line) => line.fields.auditId === entry.id);
      assert.deepEqual(
        [fields.rpc, fields.caller, fields.address, fields.changeCount],
        [entry.method, admin.apiKey.id, '127.0.0.1', count],
      );
      assert.equal(api.lines.filter((line) => line.fields.auditId === entry.id).length, 1);

      if (method.input.field.requestId === undefined) return;
      await call(api, method, { ...request, ...asked }, admin);
      assert.equal((await entriesOf(api)).length, known.size + 1, 'what is repeated is not done again');
    });
  }

  it('has an entry of every method but those that say that they change nothing, and those that publish', () => {
    for (const [method, step] of STEPS)
      assert.equal(isAudited(method), typeof step !== 'string', method.name);
    assert.deepEqual(
      STEPS.filter(([, step]) => step === published).map(([{ name }]) => name),
      ['Publish', 'PublishBatch', 'PublishStream'],
    );
  });
});

describe('An entry of the audit log', () => {
  const api = sharedApi({ locked: true });
  let admin: NewKey;
  before(async () => {
    admin = await api().makeKey({ role: 'ADMIN' });
    for (const name of ['acme', 'other']) await namespace(worldOf(api()), name);
  });
  const { register, batchRegister, update, pause } = WebhookService.method;
  const { listAuditEntries, createNamespace } = AdminService.method;
  const ask = (method: DescMethod, request: Json, key = admin) => call(api(), method, request, key);
  const listed = async (request: Json, key = admin): Promise<Json[]> => {
    const { auditEntries = [] } = (await (await ask(listAuditEntries, request, key)).json()) as {
      auditEntries?: Json[];
    };
    return auditEntries;
  };
  const resourcesOf = ({ changes = [] }: { changes?: { resourceId: string }[] }) =>
    changes.map(({ resourceId }) => resourceId);

  it('is not made by a call that changes nothing, is refused for what it asks, or only asks', async () => {
    const webhook = { id: 'same', name: 'same', destination };
    await ask(register, { webhook });
    const before = (await entriesOf(api())).length;
    await ask(register, { webhook });
    await ask(register, { webhook: { ...webhook, labels: { a: 'b' } }, validateOnly: true });
    await ask(register, { webhook: { name: 'none', destination: 'nowhere' } });
    await ask(update, { webhook: { id: 'same', etag: 'stale', timeout: '3s' } });
    await ask(pause, { id: 'nobody' });
    assert.equal((await entriesOf(api())).length, before);
  });

  it('is made in each namespace in which a call changes something, and seen by its admin only', async () => {
    const webhooks = ['acme', 'other'].map((namespace) => ({
      id: `of-${namespace}`,
      name: 'a',
      destination,
      namespace,
    }));
    await ask(batchRegister, { requests: webhooks.map((webhook) => ({ webhook })) });
    for (const name of ['acme', 'other']) {
      const own = await api().makeKey({ role: 'ADMIN', namespace: name });
      const [entry, ...others] = await listed({}, own);
      assert.deepEqual([entry?.namespace, resourcesOf(entry ?? {})], [name, [`of-${name}`]]);
      assert.deepEqual(others, []);
      for (const foreign of [{ namespace: 'default' }, { allNamespaces: true }]) {
        assert.equal((await ask(listAuditEntries, foreign, own)).status, 403);
      }
    }
    const manager = await api().makeKey({ role: 'MANAGE' });
    assert.equal((await ask(listAuditEntries, {}, manager)).status, 403);
  });

  it('is made of a call that was refused for its role or its namespace, in that of the key', async () => {
    const reader = await api().makeKey({ role: 'READ', namespace: 'acme' });
    const manager = await api().makeKey({ role: 'ADMIN', namespace: 'acme' });
    const webhook = { name: 'a', destination, namespace: 'other' };
    assert.equal((await ask(register, { webhook }, reader)).status, 403);
    assert.equal((await ask(register, { webhook }, manager)).status, 403);
    assert.equal((await ask(createNamespace, { name: 'mine' }, manager)).status, 403);
    // What only reads is nothing that could have been changed.
    assert.equal((await ask(WebhookService.method.list, { namespace: 'other' }, reader)).status, 403);
    const refusals = () => listed({ namespace: 'acme', filter: 'outcome = REFUSED', orderBy: 'create_time' });
    while ((await refusals()).length < 3) await new Promise(setImmediate);
    const sorted = (await refusals()).map(({ caller, method, reason, address }) =>
      [caller, method, reason, address].join(' '),
    );
    const expected = [
      [reader, 'WebhookService/Register', 'ROLE_TOO_SMALL'],
      [manager, 'WebhookService/Register', 'NAMESPACE_NOT_ALLOWED'],
      [manager, 'AdminService/CreateNamespace', 'NAMESPACE_NOT_ALLOWED'],
    ] as const;
    assert.deepEqual(
      sorted.toSorted(),
      expected
        .map(([{ apiKey }, name, reason]) => `${apiKey.id} carillon.v1.${name} ${reason} 127.0.0.1`)
        .toSorted(),
    );
    assert.equal((await listed({ namespace: 'other', filter: 'outcome = REFUSED' })).length, 0);
  });

  it('is not made of each refusal of a caller that is refused again and again, and is again later', async () => {
    const reader = await api().makeKey({ role: 'READ', namespace: 'default' });
    const refused = async (times: number) => {
      for (let i = 0; i < times; i++) await ask(register, { webhook: { name: 'a', destination } }, reader);
      await api().store.checkUp();
      return (await listed({ filter: `caller = ${reader.apiKey.id}` })).length;
    };
    assert.equal(await refused(15), 10);
    api().clock.advance(60_000);
    assert.equal(await refused(3), 11);
  });

  it('is found by a filter, page by page, newest first unless asked otherwise', async () => {
    const ids = ['f1', 'f2', 'f3', 'f4', 'f5'];
    for (const id of ids) {
      api().clock.advance(1_000);
      await ask(register, { webhook: { id, name: id, destination } });
    }
    const filter = 'method = carillon.v1.WebhookService/* AND change_count = 1';
    const pages: string[][] = [];
    let pageToken = '';
    do {
      const response = await ask(listAuditEntries, { filter, pageSize: 2, pageToken });
      const page = (await response.json()) as { auditEntries: Json[]; nextPageToken?: string };
      pages.push(page.auditEntries.flatMap(resourcesOf));
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '' && pages.length < 3);
    assert.deepEqual(pages.flat().slice(0, 5), ids.toReversed());
    assert.ok(pages.every((page) => page.length <= 2));
    const since = new Date(api().clock.now() - 1_000).toISOString();
    const recent = await listed({ filter: `create_time >= "${since}"`, orderBy: 'create_time' });
    assert.deepEqual(recent.flatMap(resourcesOf), ['f4', 'f5']);
    const [one, ...others] = await listed({ filter: 'resource_ids:f3' });
    assert.deepEqual([resourcesOf(one ?? {}), others], [['f3'], []]);
    const wrong = await ask(listAuditEntries, { filter: 'colour = red', orderBy: 'colour' });
    const { details } = (await wrong.json()) as { details: { debug?: { fieldViolations?: Json[] } }[] };
    assert.equal(wrong.status, 400);
    assert.deepEqual(
      details.flatMap(({ debug }) => debug?.fieldViolations ?? []).map(({ field }) => field),
      ['filter', 'order_by'],
    );
  });

  it('has no value of any field, and says who calls over native gRPC too', async () => {
    await using native = await startGrpc(api().api.services);
    const baseUrl = `http://${native.address.host}:${native.address.port}`;
    const client = createClient(WebhookService, createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 1 }));
    const headers = { authorization: `Bearer ${admin.key}` };
    const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const webhook = {
      id: 'native',
      name: 'sparrow-name',
      destination: 'http://127.0.0.1:9999/sparrow?token=sparrow',
      labels: { a: 'sparrow' },
      signing: { secret },
      secretHeaders: { 'x-key': { value: 'sparrow' } },
    };
    await client.register({ webhook }, { headers });
    await client.update({ webhook: { id: 'native', labels: { b: 'sparrow' } } }, { headers });
    const entries = await listed({ filter: 'resource_ids:native' });
    assert.equal(entries.length, 2);
    for (const { caller, address } of entries) {
      assert.deepEqual([caller, address], [admin.apiKey.id, '127.0.0.1']);
    }
    const told = JSON.stringify([entries, api().lines.filter(({ fields }) => 'auditId' in fields)]);
    assert.ok(!told.includes('sparrow') && !told.includes(secret));
  });

  it('says of a caller without a key that it is anonymous', async () => {
    await using open = await startApi();
    await open.webhooks.register({ webhook: { name: 'a', destination } });
    const [entry] = await entriesOf(open);
    assert.deepEqual(entry?.caller, { kind: 'ANONYMOUS', id: '', address: '127.0.0.1' });
    assert.deepEqual(callerOf({ kind: 'ANONYMOUS', role: 'ADMIN', namespace: undefined }, undefined), {
      kind: 'ANONYMOUS',
      id: '',
      address: '',
    });
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Expectation = Step | typeof none | typeof published;

function declared<Service extends DescService>(
  { method }: Service,
  table: Readonly<Record<keyof Service['method'], Expectation>>,
): [DescMethod, Expectation][] {
  return Object.entries<Expectation>(table).map(([name, step]) => [method[name]!, step]);
}

function worldOf(api: RunningApi): World {
  async function webhook(id: string): Promise<string> {
    await api.webhooks.register(
      { webhook: { id, name: id, destination, eventTypes: ['a'] } },
      await bearer(api),
    );
    return id;
  }
  return {
    api,
    webhook,
    async delivery(state) {
      const stored = aWebhook();
      await api.store.createWebhooks([stored]);
      const fate =
        state === 'FAILED' ? { status: 500, to: { to: 'FAILED', reason: 'EXHAUSTED' } as const } : {};
      return aDeliveryThat(api.store, stored.id, fate);
    },
  };
}

async function namespace({ api }: World, name: string): Promise<string> {
  await createClient(AdminService, api.transports.connect).createNamespace({ name }, await bearer(api));
  return name;
}

async function bearer(api: RunningApi): Promise<{ headers: Record<string, string> }> {
  return { headers: { authorization: `Bearer ${(await api.makeKey({ role: 'ADMIN' })).key}` } };
}

function call({ url }: RunningApi, method: DescMethod, request: Json, { key }: NewKey): Promise<Response> {
  return fetch(`${url}/${method.parent.typeName}/${method.name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(request),
  });
}

async function entriesOf({ store }: RunningApi): Promise<readonly AuditEntry[]> {
  const query = { namespace: undefined, descending: false, limit: 1_000 };
  return (await store.scanAuditEntries(query)).rows;
}

/** A change in words. Where an id that is drawn is expected as `…`, it is. */
function textOf(change: AuditChange, expected = ''): string {
  const { kind, type, id, fields = [], before, after } = change;
  const ids = before && after ? [`${before.length}→${after.length}`] : [];
  const named = expected.endsWith('…') && /^(?:(?:msg|key)_\w{26}|[0-9a-f]{16})$/.test(id) ? '…' : id;
  return [kind, type, named, ...(fields.length > 0 ? [fields.toSorted().join(',')] : []), ...ids].join(' ');
}
