import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { AdminService } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import type { Random } from '../../src/domain/random.ts';
import { type Carriers, insideBody, type Outcome, openCarriers } from '../support/carriers.ts';
import { bindingsOf } from '../support/rest.ts';
import { type RunningApi, startApi } from '../support/rpc.ts';

const CARRIERS = ['connect', 'connectJson', 'grpc', 'grpcWeb', 'nativeGrpc', 'rest'] as const;

interface Step {
  readonly what: string;
  readonly method: DescMethod;
  readonly request: JsonObject | ((said: Said) => JsonObject);
  /** What its answer is called by the requests that follow. */
  readonly as?: string;
}

/** The answer that a step was given a name for. */
// biome-ignore lint/suspicious/noExplicitAny: requests take what they need of whatever came.
type Said = (name: string) => any;

const {
  register,
  batchRegister,
  get,
  batchGet,
  list,
  update,
  remove,
  pause,
  resume,
  trigger,
  backfill,
  rotateSecret,
  withdrawSecret,
  previewSchedule,
} = WebhookService.method;
const { publish, publishBatch, getEvent, listEvents, replayEvents, purgeEvent } = EventService.method;
const {
  listDeliveries,
  getDelivery,
  watchDeliveries,
  retryDelivery,
  retryDeliveries,
  cancelDelivery,
  cancelDeliveries,
} = DeliveryService.method;
const {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  createNamespace,
  getNamespace,
  listNamespaces,
  updateNamespace,
  suspendNamespace,
  resumeNamespace,
  deleteNamespace,
  rotateSealKey,
  getSealKeyRotation,
  getStandby,
  takeOver,
  listAuditEntries,
} = AdminService.method;
const destination = 'http://127.0.0.1:9999/hook';
const orders = { name: 'orders', destination, eventTypes: ['order.*'], labels: { team: 'a' } };
const hook: Step['request'] = (said) => ({ id: said('registered').webhook.id });
const none = { id: 'none' };
const pastWeek: Step['request'] = (said) => ({
  id: said('registered').webhook.id,
  startTime: '2025-12-20T00:00:00Z',
  endTime: '2025-12-27T00:00:00Z',
});
const named = { requestId: 'ring-1' };

/** One after the other, to a server that has seen nothing else: a good and a bad one of each method. */
const STEPS: readonly Step[] = [
  { what: 'a registration', method: register, request: { webhook: orders }, as: 'registered' },
  { what: 'the same again', method: register, request: { webhook: orders } },
  { what: 'one with mistakes', method: register, request: { webhook: { name: '', destination: 'ftp://x' } } },
  {
    what: 'registrations, some with mistakes',
    method: batchRegister,
    request: {
      requests: [{ webhook: { ...orders, id: 'orders', destination: 'http://127.0.0.1:9999/b' } }, {}],
    },
  },
  { what: 'no registrations', method: batchRegister, request: {} },
  { what: 'webhooks', method: batchGet, request: { ids: ['orders'], view: 'WEBHOOK_VIEW_FULL' } },
  { what: 'some that there are not', method: batchGet, request: { ids: ['orders', 'none'] } },
  { what: 'a webhook', method: get, request: hook },
  { what: 'none', method: get, request: none },
  { what: 'a namespace that is none', method: get, request: { ...none, namespace: 'acme' } },
  { what: 'a page', method: list, request: { pageSize: 1, filter: 'state = ACTIVE AND labels.team = a' } },
  { what: 'a page in full', method: list, request: { filter: 'labels.team = a', view: 'WEBHOOK_VIEW_FULL' } },
  { what: 'a token that is none', method: list, request: { pageToken: 'none' } },
  { what: 'an order', method: list, request: { orderBy: 'name desc', filter: 'name:*' } },
  { what: 'an order that is none', method: list, request: { orderBy: 'colour', filter: 'name' } },
  {
    what: 'a change',
    method: update,
    request: (said) => ({
      webhook: { id: said('registered').webhook.id, limits: { concurrency: 3 } },
      updateMask: 'limits.concurrency',
    }),
  },
  { what: 'a change of nothing', method: update, request: { webhook: { id: 'none', labels: { a: 'b' } } } },
  {
    what: 'a mask of nothing',
    method: update,
    request: (said) => ({ webhook: { id: said('registered').webhook.id }, updateMask: 'nonsense' }),
  },
  { what: 'a pause', method: pause, request: hook },
  {
    what: 'a pause with a stale etag',
    method: pause,
    request: (said) => ({ ...(hook as (said: Said) => JsonObject)(said), etag: 'stale' }),
  },
  { what: 'a ring of what is paused', method: trigger, request: hook },
  { what: 'a resumption', method: resume, request: hook },
  { what: 'one of nothing', method: resume, request: none },
  { what: 'all of a filter', method: pause, request: { filter: 'name = orders', validateOnly: true } },
  { what: 'all of another', method: resume, request: { filter: 'labels.team = a' } },
  { what: 'an id and a filter', method: pause, request: { id: 'orders', filter: 'id:*' } },
  { what: 'a new secret', method: rotateSecret, request: hook, as: 'rotated' },
  {
    what: 'a secret that is none, with too long an overlap',
    method: rotateSecret,
    request: (said) => ({ ...(hook as (said: Said) => JsonObject)(said), secret: 'x', overlap: '2592001s' }),
  },
  {
    what: 'the secret before',
    method: withdrawSecret,
    request: (said) => ({
      id: said('registered').webhook.id,
      secretId: said('rotated').webhook.signingSecrets[1].id,
    }),
  },
  {
    what: 'a secret that is not there',
    method: withdrawSecret,
    request: (said) => ({ ...(hook as (said: Said) => JsonObject)(said), secretId: 'none' }),
  },
  { what: 'a ring', method: trigger, request: hook, as: 'rung' },
  {
    what: 'a webhook with a schedule',
    method: register,
    request: {
      webhook: {
        name: 'rich',
        destination,
        schedule: {
          crons: { expressions: ['0 9 * * *', '0 10 * * SAT'] },
          exceptions: { dates: ['2026-12-24'], crons: ['* * * 8 *'] },
          overlapPolicy: 'OVERLAP_POLICY_BUFFER',
        },
      },
    },
    as: 'scheduled',
  },
  {
    what: 'a past week',
    method: backfill,
    request: (said) => ({
      id: said('scheduled').webhook.id,
      startTime: '2025-12-20T00:00:00Z',
      endTime: '2025-12-27T00:00:00Z',
    }),
  },
  {
    what: 'a span of the future, by a policy that there is not',
    method: backfill,
    request: (said) => ({
      id: said('scheduled').webhook.id,
      startTime: '2025-12-20T00:00:00Z',
      endTime: '2099-12-27T00:00:00Z',
      overlapPolicy: 'OVERLAP_POLICY_SKIP',
    }),
  },
  { what: 'a past week of what only events ring', method: backfill, request: pastWeek },
  {
    what: 'a ring with a name',
    method: trigger,
    request: (said) => ({ id: said('registered').webhook.id, ...named }),
  },
  {
    what: 'the same once more',
    method: trigger,
    request: (said) => ({ id: said('registered').webhook.id, ...named }),
  },
  { what: 'the name of another call', method: register, request: { webhook: orders, ...named } },
  {
    what: 'a preview',
    method: previewSchedule,
    request: { schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Vienna' }, count: 2 },
  },
  { what: 'a preview of what is registered', method: previewSchedule, request: hook },
  { what: 'a schedule that is none', method: previewSchedule, request: { schedule: { cron: '0 99 * * *' } } },
  {
    what: 'an event',
    method: publish,
    request: { event: { id: 'e:1', type: 'order.paid', json: { a: [1, 'b', null] } }, delay: '3600s' },
  },
  {
    what: 'an event with mistakes',
    method: publish,
    request: { event: { type: 'carillon.own', id: 'a b' } },
  },
  {
    what: 'its id with another content',
    method: publish,
    request: { event: { id: 'e:1', type: 'order.paid' } },
  },
  {
    what: 'events, some with mistakes',
    method: publishBatch,
    request: { requests: [{ event: { id: 'e2', type: 'order.made', text: 'x' } }, { event: { type: '' } }] },
  },
  { what: 'no events', method: publishBatch, request: {} },
  { what: 'an event that there is', method: getEvent, request: { id: 'e:1' } },
  { what: 'one that there is not', method: getEvent, request: none },
  { what: 'a page of events', method: listEvents, request: { filter: 'type = order.*', pageSize: 1 } },
  { what: 'a type that is none', method: listEvents, request: { filter: 'type = "a b"' } },
  { what: 'a replay', method: replayEvents, request: { ids: { ids: ['e2'] } } },
  { what: 'a replay of nothing', method: replayEvents, request: {} },
  { what: 'a page of deliveries', method: listDeliveries, request: { pageSize: 2 }, as: 'deliveries' },
  { what: 'a filter that is none', method: listDeliveries, request: { filter: 'state = = "x"' } },
  { what: 'a delivery', method: getDelivery, request: (said) => ({ id: said('rung').deliveryId }) },
  { what: 'a delivery that there is not', method: getDelivery, request: none },
  { what: 'a watch', method: watchDeliveries, request: { filter: 'state = FAILED' } },
  { what: 'a watch that makes no sense', method: watchDeliveries, request: { filter: 'nonsense' } },
  { what: 'a cancellation', method: cancelDelivery, request: (said) => ({ id: said('rung').deliveryId }) },
  { what: 'one of nothing', method: cancelDelivery, request: none },
  { what: 'a retry', method: retryDelivery, request: (said) => ({ id: said('rung').deliveryId }) },
  { what: 'a retry of nothing', method: retryDelivery, request: none },
  { what: 'all that failed', method: retryDeliveries, request: { filter: 'state = FAILED' } },
  { what: 'what is not said', method: retryDeliveries, request: {} },
  { what: 'all that waits', method: cancelDeliveries, request: { filter: 'id:*', validateOnly: true } },
  { what: 'a filter that is none', method: cancelDeliveries, request: { filter: 'id' } },
  { what: 'an erasure', method: purgeEvent, request: { id: 'e:1' } },
  { what: 'one of nothing', method: purgeEvent, request: none },
  { what: 'a removal of several', method: remove, request: { name: 'orders' } },
  { what: 'a removal', method: remove, request: hook },
  { what: 'a removal by filter', method: remove, request: { filter: 'id = orders', force: true } },
  { what: 'a removal by name', method: remove, request: { name: 'nobody' } },
  { what: 'a first key that can make no other', method: createApiKey, request: { role: 'ROLE_READ' } },
  {
    what: 'a first key',
    method: createApiKey,
    request: { role: 'ROLE_ADMIN', allNamespaces: true },
  },
  {
    what: 'a key',
    method: createApiKey,
    request: { role: 'ROLE_PUBLISH', note: 'shop', callsPerSecond: 5 },
    as: 'key',
  },
  {
    what: 'a key that is over, of no role',
    method: createApiKey,
    request: { expireTime: '2025-01-01T00:00:00Z' },
  },
  {
    what: 'a key of one namespace and all',
    method: createApiKey,
    request: { role: 'ROLE_READ', namespace: 'default', allNamespaces: true },
  },
  { what: 'a namespace', method: createNamespace, request: { name: 'shop', quotas: { webhooks: 3 } } },
  { what: 'the same again', method: createNamespace, request: { name: 'shop' } },
  { what: 'a page of namespaces', method: listNamespaces, request: { pageSize: 1 } },
  { what: 'a token that is none', method: listNamespaces, request: { pageToken: 'x' } },
  { what: 'a namespace', method: getNamespace, request: { name: 'shop' } },
  { what: 'a namespace that there is not', method: getNamespace, request: { name: 'none' } },
  { what: 'quotas', method: updateNamespace, request: { name: 'shop', quotas: { waiting: 9 } } },
  {
    what: 'a quota that is none',
    method: updateNamespace,
    request: { name: 'shop', updateMask: 'colour' },
  },
  { what: 'a suspension', method: suspendNamespace, request: { name: 'shop' } },
  { what: 'one of nothing', method: suspendNamespace, request: { name: 'none' } },
  { what: 'a namespace that goes on', method: resumeNamespace, request: { name: 'shop' } },
  { what: 'one that there is not', method: resumeNamespace, request: { name: 'none' } },
  { what: 'a namespace that goes', method: deleteNamespace, request: { name: 'shop' } },
  { what: 'the one that stays', method: deleteNamespace, request: { name: 'default', force: true } },
  { what: 'the key that seals', method: getSealKeyRotation, request: {}, as: 'sealing' },
  {
    what: 'the key that seals',
    method: rotateSealKey,
    request: (said) => ({ keyId: said('sealing').rotation.keyId, requestId: 'seal-1' }),
  },
  { what: 'no key of this server', method: rotateSealKey, request: { keyId: '0123456789abcdef' } },
  { what: 'whether it sends', method: getStandby, request: {} },
  { what: 'that it sends', method: takeOver, request: { requestId: 'over-1' } },
  { what: 'that it sends, by a long name', method: takeOver, request: { requestId: 'x'.repeat(65) } },
  { what: 'the keys of all namespaces', method: listApiKeys, request: { allNamespaces: true } },
  { what: 'the keys of a namespace that is none', method: listApiKeys, request: { namespace: 'acme' } },
  {
    what: 'an end of a key',
    method: revokeApiKey,
    request: (said) => ({ id: said('key').apiKey.id, requestId: 'end-1' }),
  },
  { what: 'an end of none', method: revokeApiKey, request: none },
  { what: 'what was changed', method: listAuditEntries, request: { filter: 'resource_types:Event' } },
  { what: 'what was changed, by no field', method: listAuditEntries, request: { filter: 'colour = red' } },
  { what: 'the health of all', method: Health.method.check, request: {} },
  { what: 'the health of nothing', method: Health.method.check, request: { service: 'none' } },
  { what: 'all healths', method: Health.method.list, request: {} },
  { what: 'a watch of health', method: Health.method.watch, request: {} },
];

/** Nothing that could be asked of them is refused. */
const NEVER_REFUSED: ReadonlySet<DescMethod> = new Set([
  Health.method.list,
  Health.method.watch,
  getSealKeyRotation,
  getStandby,
]);

describe('A call comes to the same over', () => {
  const outcomes = new Map<string, readonly Outcome[]>();
  const open: AsyncDisposable[] = [];

  before(async () => {
    await Promise.all(
      CARRIERS.map(async (name) => {
        const api = await startApi({ random: countedRandom() });
        const carriers = await openCarriers(api);
        open.push(carriers, api);
        outcomes.set(name, await walk(carriers, name));
      }),
    );
  });
  after(async () => {
    for (const each of open) await each[Symbol.asyncDispose]();
  });

  for (const [index, { what, method }] of STEPS.entries()) {
    it(`every carrier: ${method.name} of ${what}`, () => {
      const expected = outcomes.get('connect')?.[index];
      assert.ok(expected);
      for (const name of CARRIERS) {
        const there: Outcome | undefined =
          name === 'rest' ? insideBody(expected, bindingsOf(method)[0]?.body ?? '') : expected;
        assert.deepEqual(outcomes.get(name)?.[index], there, name);
      }
    });
  }

  it('every carrier, for each method: one that is answered and one that is refused', () => {
    const all = outcomes.get('connect') ?? [];
    const of = (method: DescMethod, kind: 'answer' | 'error') =>
      all.some((outcome, index) => STEPS[index]?.method === method && kind in outcome);
    for (const method of METHODS) {
      assert.ok(of(method, 'answer'), `${method.name} was never answered`);
      assert.ok(of(method, 'error') || NEVER_REFUSED.has(method), `${method.name} was never refused`);
    }
  });
});

describe('REST', () => {
  it('has every method that is unary or streams, each at a place of its own', () => {
    const places = METHODS.flatMap((method) => {
      const bindings = bindingsOf(method);
      assert.ok(bindings.length > 0, `${method.name} needs a google.api.http in its proto file`);
      return bindings.map(({ verb, path }) => `${verb} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`);
    });
    assert.equal(new Set(places).size, places.length);
  });
});

/** Those with one request, of every service that the API has but reflection, which streams both ways. */
const METHODS: readonly DescMethod[] = await methodsOfApi();

async function methodsOfApi(): Promise<DescMethod[]> {
  await using api: RunningApi = await startApi();
  return api.api.services.mounted.flatMap(({ service }) =>
    service.methods.filter(({ methodKind }) => methodKind === 'unary' || methodKind === 'server_streaming'),
  );
}

async function walk(carriers: Carriers, name: string): Promise<Outcome[]> {
  const call = carriers.byName[name]!;
  const said = new Map<string, unknown>();
  const seen: Outcome[] = [];
  for (const { method, request, as } of STEPS) {
    const asked = typeof request === 'function' ? request((about) => said.get(about)) : request;
    const outcome = await call(method, asked);
    if (as !== undefined && 'answer' in outcome) said.set(as, outcome.answer);
    seen.push(outcome);
  }
  return seen;
}

/** The same ids and secrets for everybody who asks in the same order. */
function countedRandom(): Random {
  let count = 0;
  return {
    unit: () => 0.5,
    bytes: (length) => Uint8Array.from({ length }, () => (count = (count * 167 + 13) % 251)),
  };
}
