import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { create, fromBinary, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { type ErrorInfo, ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { createCertificateHolders } from '../../src/control/certificate-holders.ts';
import type { ClientCertificate } from '../../src/domain/access/client-certificate.ts';
import type { Principal } from '../../src/domain/access/principal.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/error.ts';
import { API_REASONS } from '../../src/domain/reason.ts';
import type { ReasonEntry } from '../../src/domain/reason-entry.ts';
import { writeResumeToken } from '../../src/rpc/delivery/watch-token.ts';
import { CODES } from '../../src/rpc/error-info.ts';
import { aDeliveryThat } from '../support/deliveries.ts';
import { doorAs, doorFor } from '../support/door.ts';
import { framed, pathOf, type RawHttp2, type RunningGrpc, rawHttp2, startGrpc } from '../support/grpc.ts';
import { type ApiOptions, type RunningApi, startApi } from '../support/rpc.ts';
import { T0, testId } from '../support/store.ts';

type ApiReason = keyof typeof API_REASONS;

/** What a call was told: its code, as Connect names it, and why. */
interface Told {
  readonly code: string;
  readonly info: Pick<ErrorInfo, 'reason' | 'domain' | 'metadata'>;
}

/** Held by tests of their own: they take half a minute, a crash, or thousands of calls, or have nobody to tell. */
const ELSEWHERE: ReadonlySet<ApiReason> = new Set([
  'REQUEST_TOO_SLOW',
  'CALL_CANCELLED',
  'TOO_MANY_MATCHES',
  'RENDERED_TOO_LARGE',
  'REQUEST_BROKEN_OFF',
  'TOO_MANY_REQUEST_IDS',
  'SERVER_BUSY',
  'ANSWER_TOO_LARGE',
]);

const MESSAGE_BYTES_MAX = 70_000;
const HOOK = { name: 'joe', destination: 'http://127.0.0.1:9999/hook' };
const NOTE = framed(toBinary(WebhookService.method.get.input, create(WebhookService.method.get.input)));

describe('The reason', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  let h2: RawHttp2;
  let h2native: RawHttp2;
  const seen = new Set<string>();

  before(async () => {
    const settings = { messageBytesMax: MESSAGE_BYTES_MAX };
    api = await startApi({ settings });
    native = await startGrpc(api.api.services, { settings });
    const { hostname, port } = new URL(api.url2);
    h2 = rawHttp2({ host: hostname, port: Number(port) });
    h2native = rawHttp2(native.address);
  });
  after(async () => {
    for (const each of [h2, h2native, native, api]) await each[Symbol.asyncDispose]();
  });

  const rest = async (verb: string, path: string, init: RequestInit | JsonObject = {}, at = api.url) => {
    const isInit = 'body' in init || 'headers' in init;
    const response = await fetch(at + path, {
      method: verb,
      ...(isInit
        ? (init as RequestInit)
        : verb !== 'GET' && { headers: JSON_TYPE, body: JSON.stringify(init) }),
    });
    const text = await response.text();
    const json: RestErrorJson | ConnectErrorJson = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text);
    return 'error' in json ? fromRest(json) : fromConnect(json);
  };
  const connect = (method: string, request: JsonObject, at?: string) =>
    rest('POST', `/carillon.v1.${method}`, request, at);
  const json = (body: string | Uint8Array<ArrayBuffer>, headers = {}) =>
    rest('POST', '/v1/events', { headers: { ...JSON_TYPE, ...headers }, body });
  const id = async (method: string, request: JsonObject) =>
    ((await (await post(`/carillon.v1.${method}`, request)).json()) as Registered).webhook.id;
  const post = (path: string, request: JsonObject) =>
    fetch(api.url + path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(request) });
  const delivery = async (fate: Parameters<typeof aDeliveryThat>[2]) => {
    const hook = await id('WebhookService/Register', {
      webhook: { ...HOOK, name: testId('webhook'), eventTypes: ['a'] },
    });
    return aDeliveryThat(api.store, hook, fate);
  };

  const WAYS: Readonly<Partial<Record<ApiReason, () => Promise<Told>>>> = {
    INVALID_FIELD: () => rest('POST', '/v1/webhooks', { ...HOOK, name: '' }),
    UNKNOWN_FIELD: () => rest('POST', '/v1/webhooks', { ...HOOK, nmae: 'x' }),
    PAGE_TOKEN_INVALID: () => connect('WebhookService/List', { pageToken: 'none' }),
    RESUME_TOKEN_INVALID: () => rest('GET', '/v1/deliveries:watch?resume_token=none'),
    async TEMPLATE_FAILED() {
      const headerTemplates = {
        'x-long': '{% if webhook.id != "" %}{% for i in (1..5000) %}x{% endfor %}{% endif %}',
      };
      const hook = await id('WebhookService/Register', {
        webhook: { ...HOOK, name: 'templates', payload: { headerTemplates } },
      });
      return rest('POST', `/v1/webhooks/${hook}:trigger`);
    },
    MALFORMED_JSON: () => json('{"type": }'),
    JSON_TOO_COMPLEX: () => json('['.repeat(100)),
    TOO_MUCH_IN_FIELD: () =>
      json(JSON.stringify({ headers: Object.fromEntries(Array.from({ length: 99 }, (_, i) => [i, ''])) })),
    MALFORMED_MESSAGE: () => json(new Uint8Array([0x22, 0xc3, 0x28, 0x22])),
    MALFORMED_REQUEST: () =>
      rest('POST', '/v1/webhooks/x:pause', { headers: { ...JSON_TYPE, 'if-match': 'bare' }, body: '{}' }),
    COMPRESSION_BROKEN: () => json('none', { 'content-encoding': 'gzip' }),
    COMPRESSION_UNSUPPORTED: () => json('none', { 'content-encoding': 'zstd' }),
    CONTENT_TYPE_UNSUPPORTED: () =>
      grpc(h2, pathOf(WebhookService.method.get), NOTE, { 'content-type': 'application/grpc+thrift' }),
    WRONG_MESSAGE_COUNT: () => grpc(h2, pathOf(WebhookService.method.get)),
    METHOD_NOT_FOUND: () => connect('WebhookService/Registre', {}),
    VERB_NOT_ALLOWED: () => rest('PUT', '/v1/webhooks'),
    HTTP2_REQUIRED: () =>
      rest('POST', pathOf(EventService.method.publishStream), {
        headers: { 'content-type': 'application/connect+json' },
      }),
    PATH_NOT_FOUND: () => rest('GET', '/v1/nothing'),
    MESSAGE_TOO_LARGE: () => json(' '.repeat(MESSAGE_BYTES_MAX + 1)),
    DEADLINE_PASSED: () =>
      grpc(h2, pathOf(Health.method.watch), framed(new Uint8Array(0)), { 'grpc-timeout': '20m' }),
    HOST_NOT_ALLOWED: () =>
      grpc(h2, pathOf(WebhookService.method.get), NOTE, { ':authority': 'evil.example' }),
    ORIGIN_NOT_ALLOWED: () =>
      grpc(h2, pathOf(WebhookService.method.get), NOTE, { origin: 'http://evil.example' }),
    API_KEY_MISSING: () => withKeys(async (at) => rest('GET', '/v1/webhooks', {}, at)),
    API_KEY_INVALID: () => withKeys(async (at) => bearing('ck_of_another_server_altogether', at)),
    API_KEY_EXPIRED: () =>
      withKeys(async (at, { makeKey, clock }) => {
        const { key } = await makeKey({ expiresAt: clock.now() + 1 });
        clock.advance(1);
        return bearing(key, at);
      }),
    API_KEY_REVOKED: () =>
      withKeys(async (at, { makeKey, control }) => {
        const { key, apiKey } = await makeKey();
        await control.keys.revoke(apiKey.id, undefined);
        return bearing(key, at);
      }),
    CERTIFICATE_INVALID: () =>
      withCertificate({ names: ['uri:a'], expiresAt: 0, fault: 'has expired' }, (at) =>
        rest('GET', '/v1/webhooks', {}, at),
      ),
    CERTIFICATE_WITHOUT_ROLE: () =>
      withCertificate({ names: ['uri:a'], expiresAt: 0, fault: undefined }, (at) =>
        rest('GET', '/v1/webhooks', {}, at),
      ),
    TOO_MANY_WRONG_KEYS: () =>
      withKeys(async (at) => {
        for (let i = 0; i < 20; i++) await fetch(`${at}/v1/webhooks`);
        return rest('GET', '/v1/webhooks', {}, at);
      }),
    TOO_MANY_CALLS: () =>
      withKeys(async (at, { makeKey }) => {
        const { key } = await makeKey({ callsPerSecond: 1 });
        await bearing(key, at).catch(() => {});
        return bearing(key, at);
      }),
    ROLE_TOO_SMALL: () =>
      withCaller({ kind: 'KEY', keyId: 'key_1', role: 'READ', namespace: undefined }, (at) =>
        rest('POST', '/v1/webhooks', HOOK, at),
      ),
    NAMESPACE_NOT_ALLOWED: () =>
      withCaller({ kind: 'KEY', keyId: 'key_1', role: 'READ', namespace: 'shop' }, (at) =>
        rest('GET', '/v1/webhooks?namespace=default', {}, at),
      ),
    WEBHOOK_NOT_FOUND: () => rest('GET', '/v1/webhooks/none'),
    EVENT_NOT_FOUND: () => rest('GET', '/v1/events/none'),
    DELIVERY_NOT_FOUND: () => rest('GET', '/v1/deliveries/none'),
    FIRST_KEY_NOT_ADMIN: () =>
      withApi({ locked: true }, (at) => rest('POST', '/v1/apiKeys', { role: 'READ' }, at)),
    API_KEY_NOT_FOUND: () => rest('POST', '/v1/apiKeys/none:revoke'),
    NAMESPACE_NOT_FOUND: () => rest('GET', '/v1/webhooks?namespace=none'),
    SERVICE_NOT_FOUND: () => rest('GET', '/v1/health?service=none'),
    async WEBHOOK_ALREADY_EXISTS() {
      await id('WebhookService/Register', { webhook: { ...HOOK, name: 'first' } });
      const second = await id('WebhookService/Register', { webhook: { ...HOOK, name: 'second' } });
      return connect('WebhookService/Update', { webhook: { id: second, name: 'first' } });
    },
    NAMESPACE_ALREADY_EXISTS: () => rest('POST', '/v1/namespaces', { name: 'default' }),
    async EVENT_ID_TAKEN() {
      await post('/v1/events', { id: 'twice', type: 'a' });
      return rest('POST', '/v1/events', { id: 'twice', type: 'b' });
    },
    async ETAG_MISMATCH() {
      const hook = await id('WebhookService/Register', { webhook: { ...HOOK, name: 'etags' } });
      return rest('POST', `/v1/webhooks/${hook}:pause`, { etag: 'stale' });
    },
    async CONTENDED() {
      return away({ updateWebhooks: async () => ['STALE'] }, async (at) => {
        const made = await fetch(`${at}/v1/webhooks`, {
          method: 'POST',
          headers: JSON_TYPE,
          body: JSON.stringify(HOOK),
        });
        const { webhook } = (await made.json()) as Registered;
        return rest('POST', `/v1/webhooks/${webhook.id}:pause`, {}, at);
      });
    },
    async WEBHOOK_NOT_ACTIVE() {
      const hook = await id('WebhookService/Register', { webhook: { ...HOOK, name: 'pauses' } });
      await post(`/v1/webhooks/${hook}:pause`, {});
      return rest('POST', `/v1/webhooks/${hook}:trigger`);
    },
    async SECRET_NOT_FOUND() {
      const hook = await id('WebhookService/Register', { webhook: { ...HOOK, name: 'secrets' } });
      return rest('POST', `/v1/webhooks/${hook}:withdrawSecret`, { secretId: `sec_${'0'.repeat(26)}` });
    },
    async SECRET_IS_LAST() {
      const made = await post('/v1/webhooks', { ...HOOK, name: 'one secret' });
      const { webhook } = (await made.json()) as Registered;
      const [secret] = webhook.signingSecrets;
      return rest('POST', `/v1/webhooks/${webhook.id}:withdrawSecret`, { secretId: secret!.id });
    },
    async TOO_MANY_SECRETS() {
      const hook = await id('WebhookService/Register', { webhook: { ...HOOK, name: 'many secrets' } });
      for (let i = 0; i < 10; i++) await post(`/v1/webhooks/${hook}:rotateSecret`, {});
      return rest('POST', `/v1/webhooks/${hook}:rotateSecret`, {});
    },
    async NAMESPACE_SUSPENDED() {
      await post('/v1/namespaces', { name: 'suspended' });
      await post('/v1/namespaces/suspended:suspend', {});
      return rest('POST', '/v1/events', { namespace: 'suspended', type: 'a' });
    },
    async NAMESPACE_DELETING() {
      await post('/v1/namespaces', { name: 'deleted' });
      await fetch(`${api.url}/v1/namespaces/deleted`, { method: 'DELETE' });
      return rest('GET', '/v1/webhooks?namespace=deleted');
    },
    async NAMESPACE_NOT_EMPTY() {
      await post('/v1/namespaces', { name: 'full' });
      await id('WebhookService/Register', { webhook: { ...HOOK, namespace: 'full' } });
      return connect('AdminService/DeleteNamespace', { name: 'full' });
    },
    NAMESPACE_PERMANENT: () => connect('AdminService/DeleteNamespace', { name: 'default' }),
    async TOO_MANY_WEBHOOKS() {
      await post('/v1/namespaces', { name: 'small', quotas: { webhooks: 1 } });
      await id('WebhookService/Register', { webhook: { ...HOOK, namespace: 'small' } });
      return rest('POST', '/v1/webhooks', { ...HOOK, name: 'second', namespace: 'small' });
    },
    TOO_MANY_NAMESPACES: () =>
      away({ createNamespaces: async () => ['FULL'] }, (at) =>
        rest('POST', '/v1/namespaces', { name: 'a' }, at),
      ),
    async PUBLISH_RATE_EXCEEDED() {
      const quotas = { publishRate: { perSecond: 0.001 } };
      await post('/v1/namespaces', { name: 'slow', quotas });
      await post('/v1/events', { namespace: 'slow', type: 'a' });
      return rest('POST', '/v1/events', { namespace: 'slow', type: 'a' });
    },
    async WEBHOOK_WITHOUT_SCHEDULE() {
      const webhook = { ...HOOK, name: 'events only', eventTypes: ['a'] };
      const hook = await id('WebhookService/Register', { webhook });
      const span = { startTime: '2025-01-01T00:00:00Z', endTime: '2025-01-02T00:00:00Z' };
      return rest('POST', `/v1/webhooks/${hook}:backfill`, span);
    },
    async REQUEST_ID_TAKEN() {
      await post('/v1/events?request_id=once', { type: 'a' });
      return rest('POST', '/v1/events?request_id=once', { type: 'b' });
    },
    async SEVERAL_MATCHES() {
      for (const path of ['a', 'b']) {
        const webhook = { name: 'several', destination: `${HOOK.destination}/${path}` };
        await id('WebhookService/Register', { webhook });
      }
      return connect('WebhookService/Remove', { name: 'several' });
    },
    DELIVERY_NOT_PENDING: async () =>
      rest('POST', `/v1/deliveries/${await delivery({ status: 200 })}:cancel`),
    async WEBHOOK_FULL() {
      const limits = { waitingMax: 1 };
      const webhook = { ...HOOK, name: testId('webhook'), eventTypes: ['a'], limits };
      const hook = await id('WebhookService/Register', { webhook });
      const given = await aDeliveryThat(api.store, hook, {
        status: 500,
        to: { to: 'FAILED', reason: 'OVERFLOW' },
      });
      await aDeliveryThat(api.store, hook, { status: 500, to: { to: 'PENDING', dueAt: T0 } });
      return rest('POST', `/v1/deliveries/${given}:retry`);
    },
    DELIVERY_SUCCEEDED: async () => rest('POST', `/v1/deliveries/${await delivery({ status: 200 })}:retry`),
    async EVENT_DATA_ERASED() {
      const failed = await delivery({
        callerId: 'gone',
        status: 500,
        to: { to: 'FAILED', reason: 'EXHAUSTED' },
      });
      await post('/v1/events/gone:purge', {});
      return rest('POST', `/v1/deliveries/${failed}:retry`);
    },
    RESUME_TOKEN_EXPIRED: () =>
      rest('GET', `/v1/deliveries:watch?resume_token=${writeResumeToken('default', 10 ** 9)}`),
    TOO_MANY_WAITING: () =>
      withApi(
        {
          deps: (parts) => ({
            ...parts,
            publisher: {
              publish: async (drafts) => drafts.map(() => ({ kind: 'FULL', scope: 'ALL' }) as const),
            },
          }),
        },
        (at) => rest('POST', '/v1/events', { type: 'a' }, at),
      ),
    TOO_MANY_STREAMS: () =>
      withApi({ settings: { watch: { watchersMax: 0 } } }, (at) =>
        rest('GET', '/v1/deliveries:watch', {}, at),
      ),
    TOO_MANY_API_KEYS: () =>
      away({ createApiKeys: async () => ['FULL'] }, (at) =>
        rest('POST', '/v1/apiKeys', { role: 'ADMIN', allNamespaces: true }, at),
      ),
    SEAL_KEY_NOT_REPLACED: () =>
      withApi(
        {
          deps: (parts) => ({
            ...parts,
            sealRotation: {
              ...parts.sealRotation,
              rotate: () => Promise.reject(new DomainError('SEAL_KEY_NOT_REPLACED', 'it is given')),
            },
          }),
        },
        (at) => rest('POST', '/v1/sealKey:rotate', { keyId: '0123456789abcdef' }, at),
      ),
    DATABASE_BUSY: () =>
      away({ resolveWebhooks: () => Promise.reject(new DomainError('DATABASE_BUSY', 'full')) }, get),
    DATABASE_UNAVAILABLE: () =>
      away({ resolveWebhooks: () => Promise.reject(new DomainError('DATABASE_UNAVAILABLE', 'gone')) }, get),
    SERVER_STOPPING: () =>
      withApi({}, (at, running) => {
        running.api.health.stop();
        return rest('GET', '/v1/deliveries:watch', {}, at);
      }),
    INTERNAL_ERROR: () => away({ resolveWebhooks: () => Promise.reject(new Error('a bug')) }, get),
  };

  const bearing = (key: string, at: string) =>
    rest('GET', '/v1/webhooks/none', { headers: { authorization: `Bearer ${key}` } }, at);
  const get = (at: string) => rest('GET', '/v1/webhooks/x', {}, at);

  for (const [reason, call] of Object.entries(WAYS)) {
    it(`${reason} is given, with its code and the metadata that the list names`, async () => {
      const { code, info } = await call();
      const entry: ReasonEntry = API_REASONS[reason as ApiReason];
      seen.add(reason);
      assert.deepEqual([info.reason, info.domain], [reason, 'carillon.dev']);
      assert.equal(code, codeToString(CODES[entry.code]));
      const names = Object.keys(info.metadata ?? {});
      for (const name of names) assert.ok(entry.metadata?.includes(name), `${name} is not in the list`);
      assert.ok(entry.metadata === undefined || names.length > 0 || reason === 'TEMPLATE_FAILED');
    });
  }

  it('is one of the list, each of which is given here or elsewhere', () => {
    const all = Object.keys(API_REASONS) as ApiReason[];
    assert.deepEqual(
      all.filter((reason) => !ELSEWHERE.has(reason) && !seen.has(reason)),
      [],
    );
  });

  it('is given by both ports where a protocol refuses on its own account', async () => {
    const path = pathOf(WebhookService.method.get);
    const cases: readonly [string, () => Parameters<typeof grpc>][] = [
      ['METHOD_NOT_FOUND', () => [h2native, '/carillon.v1.WebhookService/Registre', NOTE]],
      ['CONTENT_TYPE_UNSUPPORTED', () => [h2native, path, NOTE, { 'content-type': 'application/grpc+json' }]],
      ['COMPRESSION_UNSUPPORTED', () => [h2native, path, framed(NOTE, 1), { 'grpc-encoding': 'zstd' }]],
      ['COMPRESSION_UNSUPPORTED', () => [h2, path, framed(NOTE, 1), { 'grpc-encoding': 'zstd' }]],
      ['MALFORMED_REQUEST', () => [h2native, path, NOTE, { 'grpc-timeout': 'soon' }]],
      ['MALFORMED_REQUEST', () => [h2, path, NOTE, { 'grpc-timeout': 'soon' }]],
      ['MALFORMED_REQUEST', () => [h2, path, NOTE.subarray(0, 3)]],
      ['MALFORMED_REQUEST', () => [h2, path, framed(NOTE, 1)]],
      ['MALFORMED_REQUEST', () => [h2, pathOf(EventService.method.publishStream), framed(NOTE, 1)]],
      ['WRONG_MESSAGE_COUNT', () => [h2native, path]],
      ['WRONG_MESSAGE_COUNT', () => [h2, path, Buffer.concat([NOTE, NOTE])]],
      ['MESSAGE_TOO_LARGE', () => [h2native, path, framed(new Uint8Array(MESSAGE_BYTES_MAX + 1))]],
      ['MESSAGE_TOO_LARGE', () => [h2, path, framed(new Uint8Array(MESSAGE_BYTES_MAX + 1))]],
    ];
    for (const [reason, given] of cases) assert.equal((await grpc(...given())).info.reason, reason);
    const zstd = { 'grpc-encoding': 'zstd', 'connect-content-encoding': 'zstd' };
    for (const type of ['application/grpc-web+proto', 'application/connect+proto']) {
      const method = type.includes('web')
        ? WebhookService.method.get
        : DeliveryService.method.watchDeliveries;
      const response = await fetch(api.url + pathOf(method), {
        method: 'POST',
        headers: { 'content-type': type, ...zstd },
        body: framed(new Uint8Array(0), 1),
      });
      const said = Buffer.from(await response.arrayBuffer()).toString();
      const details = /details-bin: (\S+)/.exec(said)?.[1] ?? /"value":"([^"]+)"/.exec(said)?.[1] ?? '';
      assert.match(Buffer.from(details, 'base64').toString(), /COMPRESSION_UNSUPPORTED/, type);
    }
    const soon = { ...JSON_TYPE, 'connect-timeout-ms': 'soon' };
    for (const path of ['/v1/webhooks/x:pause', '/carillon.v1.WebhookService/Get']) {
      const { info } = await rest('POST', path, { headers: soon, body: '{}' });
      assert.equal(info.reason, 'MALFORMED_REQUEST');
    }
    const proto = { 'content-type': 'application/proto', 'content-encoding': 'zstd' };
    const { info } = await rest('POST', path, { headers: proto, body: '' });
    assert.equal(info.reason, 'COMPRESSION_UNSUPPORTED');
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const JSON_TYPE = { 'content-type': 'application/json' };

interface Registered {
  readonly webhook: { readonly id: string; readonly signingSecrets: readonly { readonly id: string }[] };
}

interface RestErrorJson {
  readonly error: { readonly status: string; readonly details: readonly (JsonObject & ErrorInfo)[] };
}

function fromRest({ error }: RestErrorJson): Told {
  const info = error.details.find(({ '@type': type }) => String(type).endsWith('/google.rpc.ErrorInfo'));
  const code = error.status === 'CANCELLED' ? 'canceled' : error.status.toLowerCase();
  return { code, info: info ?? assert.fail('no ErrorInfo') };
}

interface ConnectErrorJson {
  readonly code: string;
  readonly details: readonly { readonly type: string; readonly value: string }[];
}

function fromConnect({ code, details }: ConnectErrorJson): Told {
  const detail = details.find(({ type }) => type === ErrorInfoSchema.typeName);
  return { code, info: fromBinary(ErrorInfoSchema, Buffer.from(detail?.value ?? '', 'base64')) };
}

async function grpc(
  port: RawHttp2,
  path: string,
  body: Uint8Array = new Uint8Array(0),
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const { grpcStatus, details } = await port.send({ ':path': path, ...headers }, body);
  const status = fromBinary(StatusSchema, details ?? assert.fail('no details'));
  const infos = status.details.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
  assert.equal(infos.length, 1);
  return { code: codeToString(grpcStatus ?? 0), info: infos[0]! };
}

/** A server that takes calls with keys only. */
async function withKeys(call: (at: string, running: RunningApi) => Promise<Told>): Promise<Told> {
  return withApi({ locked: true }, async (at, running) => {
    await running.makeKey();
    return call(at, running);
  });
}

function withCaller(principal: Principal, call: (at: string) => Promise<Told>): Promise<Told> {
  return withApi({ deps: (parts) => ({ ...parts, door: doorAs(principal) }) }, call);
}

/** A caller with a certificate, which the server gives no role to. */
function withCertificate(certificate: ClientCertificate, call: (at: string) => Promise<Told>): Promise<Told> {
  const authenticate = (clock: Clock) => () => createCertificateHolders([], clock).authenticate(certificate);
  const door = (clock: Clock) => doorFor(authenticate(clock));
  return withApi({ deps: (parts) => ({ ...parts, door: door(parts.clock) }) }, call);
}

async function withApi(
  options: ApiOptions,
  call: (url: string, running: RunningApi) => Promise<Told>,
): Promise<Told> {
  await using running = await startApi(options);
  return await call(running.url, running);
}

/** An API whose store does some things otherwise. */
function away(
  verbs: Partial<RunningApi['store']>,
  call: (url: string, running: RunningApi) => Promise<Told>,
): Promise<Told> {
  return withApi({ deps: (parts) => ({ ...parts, store: { ...parts.store, ...verbs } }) }, call);
}
