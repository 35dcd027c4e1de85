import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { AdminService, ApiKey_State, Role } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { ErrorInfoSchema, RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { aDeliveryThat } from '../support/deliveries.ts';
import { startGrpc } from '../support/grpc.ts';
import { type RunningApi, refusal, sharedApi, startApi } from '../support/rpc.ts';
import { T0 } from '../support/store.ts';

/** Keys on both ports and over every carrier, as callers see them. */

const DESTINATION = 'http://127.0.0.1:9999/hook';
const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const NEVER = { authorization: 'Bearer ck_of_another_server_altogether' };

async function native(api: RunningApi): Promise<Transport & AsyncDisposable> {
  const running = await startGrpc(api.api.services);
  const { host, port } = running.address;
  const transport = createGrpcTransport({ baseUrl: `http://${host}:${port}`, idleConnectionTimeoutMs: 1 });
  return { ...transport, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

function reasonOf(error: unknown): string | undefined {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason;
}

describe('A call to a server that has keys', () => {
  const headers: readonly [what: string, headers: Record<string, string>, reason: string][] = [
    ['without a key', {}, 'API_KEY_MISSING'],
    ['with a key of another server', NEVER, 'API_KEY_INVALID'],
    ['with another scheme', { authorization: 'Basic eDp5' }, 'API_KEY_INVALID'],
    ['with white space in its key', { authorization: 'Bearer ck_a b' }, 'API_KEY_INVALID'],
  ];
  for (const [what, given, reason] of headers) {
    it(`is UNAUTHENTICATED ${what}, over every carrier`, async () => {
      await using api = await startApi({ locked: true });
      await api.makeKey();
      await using nativeGrpc = await native(api);
      for (const [name, transport] of Object.entries({ ...api.transports, nativeGrpc })) {
        const error = await refusal(createClient(WebhookService, transport).list({}, { headers: given }));
        assert.deepEqual([error.code, reasonOf(error)], [Code.Unauthenticated, reason], name);
      }
      for (const path of ['/v1/webhooks', '/webhooks', '/events', '/v1/deliveries:watch']) {
        const isAlias = !path.startsWith('/v1');
        const response = await fetch(api.url + path, {
          headers: { ...given, ...(isAlias && { 'content-type': 'application/json' }) },
          ...(isAlias && { method: 'POST', body: '{}' }),
        });
        assert.equal(response.status, 401, path);
        assert.match(await response.text(), new RegExp(reason), path);
      }
    });
  }

  it('is told how to do better, and of nothing else, in an answer of HTTP', async () => {
    await using api = await startApi({ locked: true });
    await api.makeKey();
    for (const path of ['/v1/webhooks', '/carillon.v1.WebhookService/List']) {
      const response = await fetch(api.url + path, {
        method: path.startsWith('/v1') ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        ...(!path.startsWith('/v1') && { body: '{"filter": "nonsense ("}' }),
      });
      assert.deepEqual(
        [response.status, response.headers.get('www-authenticate')],
        [401, 'Bearer realm="carillon"'],
      );
    }
  });

  it('is answered with a good key, over every carrier', async () => {
    await using api = await startApi({ locked: true });
    const { key, apiKey } = await api.makeKey();
    await using nativeGrpc = await native(api);
    for (const [name, transport] of Object.entries({ ...api.transports, nativeGrpc })) {
      assert.deepEqual(
        (await createClient(WebhookService, transport).list({}, bearer(key))).webhooks,
        [],
        name,
      );
    }
    assert.equal((await fetch(`${api.url}/v1/webhooks`, bearer(key))).status, 200);
    // Whose key it was stands in the log, and the key does not.
    const line = await api.line(({ fields }) => fields.keyId === apiKey.id);
    assert.ok(!JSON.stringify(line).includes(key.slice(0, 11)));
  });

  it('needs none to ask how the server is, and any to ask what there is to call', async () => {
    await using api = await startApi({ locked: true });
    const { key } = await api.makeKey();
    await using nativeGrpc = await native(api);
    for (const transport of [api.transports.grpc, nativeGrpc]) {
      const health = createClient(Health, transport);
      await health.check({});
      for await (const _ of health.watch({})) break;
      const ask = async (headers: Record<string, string>) => {
        const asking = (async function* () {
          yield { messageRequest: { case: 'listServices', value: '' } } as const;
        })();
        for await (const answer of createClient(ServerReflection, transport).serverReflectionInfo(asking, {
          headers,
        })) {
          return answer.messageResponse.case;
        }
        return undefined;
      };
      await assert.rejects(ask({}), { code: Code.Unauthenticated });
      assert.equal(await ask(bearer(key).headers), 'listServicesResponse');
    }
    for (const path of ['/v1/health', '/docs', '/openapi.json']) {
      assert.equal((await fetch(api.url + path)).status, 200, path);
    }
  });
});

describe('A key', () => {
  const api = sharedApi({ locked: true });

  it('is made by an admin, shown once, and used, listed and revoked', async () => {
    const admin = bearer((await api().makeKey({ role: 'ADMIN' })).key);
    const client = createClient(AdminService, api().transports.connect);
    const made = await client.createApiKey({ role: Role.MANAGE, note: 'shop', callsPerSecond: 9 }, admin);
    assert.match(made.key, /^ck_[\w-]{43}$/);
    const { id } = made.apiKey!;
    assert.deepEqual(
      [made.apiKey?.namespace, made.apiKey?.allNamespaces, made.apiKey?.role, made.apiKey?.state],
      ['default', false, Role.MANAGE, ApiKey_State.ACTIVE],
    );
    assert.ok(made.key.startsWith(made.apiKey!.prefix) && made.apiKey!.prefix.length < 12);
    const { webhook } = await api().webhooks.register(
      { webhook: { name: 'a', destination: DESTINATION } },
      bearer(made.key),
    );
    assert.equal(webhook?.name, 'a');
    const listed = await client.listApiKeys({ allNamespaces: true }, admin);
    assert.ok(listed.apiKeys.some((key) => key.id === id));
    // The other is for all namespaces.
    assert.deepEqual(
      (await client.listApiKeys({}, admin)).apiKeys.map((key) => key.id),
      [id],
    );
    assert.ok(!JSON.stringify(listed, bigintsToo).includes(made.key.slice(11)));
    const revoked = await client.revokeApiKey({ id }, admin);
    assert.equal(revoked.apiKey?.state, ApiKey_State.REVOKED);
    const error = await refusal(api().webhooks.list({}, bearer(made.key)));
    assert.deepEqual([error.code, reasonOf(error)], [Code.Unauthenticated, 'API_KEY_REVOKED']);
  });

  it('that comes first can make others, so that nobody is locked out', async () => {
    await using fresh = await startApi({ locked: true });
    const client = createClient(AdminService, fresh.transports.connect);
    for (const request of [{ role: Role.PUBLISH, allNamespaces: true }, { role: Role.ADMIN }]) {
      const error = await refusal(client.createApiKey(request));
      assert.deepEqual([error.code, reasonOf(error)], [Code.FailedPrecondition, 'FIRST_KEY_NOT_ADMIN']);
    }
    const { key } = await client.createApiKey({ role: Role.ADMIN, allNamespaces: true });
    assert.equal((await refusal(client.createApiKey({ role: Role.READ }))).code, Code.Unauthenticated);
    await client.createApiKey({ role: Role.READ }, bearer(key));
  });

  it('that is over is refused in words that say so', async () => {
    const { key } = await api().makeKey({ expiresAt: T0 + 1000 });
    await api().webhooks.list({}, bearer(key));
    api().clock.advance(1000);
    const error = await refusal(api().webhooks.list({}, bearer(key)));
    assert.deepEqual([error.code, reasonOf(error)], [Code.Unauthenticated, 'API_KEY_EXPIRED']);
    assert.match(error.rawMessage, /expired at 2026-/);
  });

  it('cannot be made for the past, for no role, or for one that there is not', async () => {
    const admin = bearer((await api().makeKey({ role: 'ADMIN' })).key);
    const bad: readonly [field: string, request: JsonObject][] = [
      ['expire_time', { role: 'ROLE_READ', expireTime: '2020-01-01T00:00:00Z' }],
      ['role', {}],
      ['role', { role: 99 }],
      ['calls_per_second', { role: 'ROLE_READ', callsPerSecond: 1_000_001 }],
      ['note', { role: 'ROLE_READ', note: 'x'.repeat(257) }],
    ];
    const before = await api().store.listApiKeys({ namespace: undefined, from: undefined, limit: 1000 });
    const post = (request: JsonObject) =>
      fetch(`${api().url}/v1/apiKeys`, {
        method: 'POST',
        headers: { ...admin.headers, 'content-type': 'application/json' },
        body: JSON.stringify(request),
      });
    for (const [field, request] of bad) {
      const response = await post(request);
      assert.deepEqual(
        [response.status, (await response.text()).includes(`"field":"${field}"`)],
        [400, true],
        field,
      );
    }
    const named = await post({ role: 'ROLE_OWNER' });
    assert.equal(named.status, 400);
    assert.match(await named.text(), /ROLE_OWNER/);
    const after = await api().store.listApiKeys({ namespace: undefined, from: undefined, limit: 1000 });
    assert.deepEqual(
      after.map(({ id }) => id),
      before.map(({ id }) => id),
    );
  });

  it('of a namespace is found and revoked by its own admins, and by those of all, only', async () => {
    const { apiKey: own } = await api().makeKey({ namespace: 'default' });
    const { apiKey: general } = await api().makeKey();
    const other = bearer((await api().makeKey({ role: 'ADMIN', namespace: 'shop' })).key);
    const mine = bearer((await api().makeKey({ role: 'ADMIN', namespace: 'default' })).key);
    const client = createClient(AdminService, api().transports.grpc);
    for (const [id, caller] of [
      [own.id, other],
      [general.id, mine],
      ['key_none', mine],
    ] as const) {
      const error = await refusal(client.revokeApiKey({ id }, caller));
      assert.deepEqual([error.code, reasonOf(error)], [Code.NotFound, 'API_KEY_NOT_FOUND']);
    }
    await client.revokeApiKey({ id: own.id }, mine);
  });

  it('is held to its rate: a call is refused with the time to wait, over gRPC and over HTTP', async () => {
    const { key } = await api().makeKey({ callsPerSecond: 2 });
    await api().webhooks.list({}, bearer(key));
    await api().webhooks.list({}, bearer(key));
    const error = await refusal(createClient(WebhookService, api().transports.grpc).list({}, bearer(key)));
    assert.deepEqual([error.code, reasonOf(error)], [Code.ResourceExhausted, 'TOO_MANY_CALLS']);
    const [retry] = error.findDetails(RetryInfoSchema);
    assert.deepEqual([retry?.retryDelay?.seconds, retry?.retryDelay?.nanos], [0n, 500_000_000]);
    const response = await fetch(`${api().url}/v1/webhooks`, bearer(key));
    assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '1']);
  });
});

describe('A stream that was begun with a key', () => {
  it('takes no message after the key was revoked, on both ports', async () => {
    await using api = await startApi({ locked: true });
    await using nativeGrpc = await native(api);
    for (const transport of [api.transports.grpc, nativeGrpc]) {
      const { key, apiKey } = await api.makeKey({ role: 'PUBLISH' });
      const revoked = Promise.withResolvers<void>();
      const requests = (async function* () {
        yield { request: { event: { type: 'before' } } };
        await revoked.promise;
        yield { request: { event: { type: 'after' } } };
      })();
      const answers = createClient(EventService, transport).publishStream(requests, bearer(key));
      const taken: (string | undefined)[] = [];
      const error = await refusal(
        (async () => {
          for await (const { result } of answers) {
            taken.push(result?.result.case);
            await api.control.keys.revoke(apiKey.id, undefined);
            revoked.resolve();
          }
        })(),
      );
      assert.deepEqual(
        [taken, error.code, reasonOf(error)],
        [['response'], Code.Unauthenticated, 'API_KEY_REVOKED'],
      );
    }
  });

  it('gives nothing more after the key was revoked, on both ports and as Server-Sent Events', async () => {
    await using api = await startApi({ locked: true });
    await using nativeGrpc = await native(api);
    const manage = bearer((await api.makeKey({ role: 'MANAGE' })).key);
    const { webhook } = await api.webhooks.register(
      { webhook: { name: 'a', destination: DESTINATION } },
      manage,
    );
    const happen = () => aDeliveryThat(api.store, webhook!.id, { status: 200 });
    for (const transport of [api.transports.grpc, nativeGrpc]) {
      const { key, apiKey } = await api.makeKey();
      const watching = createClient(DeliveryService, transport).watchDeliveries({}, bearer(key));
      const changes = watching[Symbol.asyncIterator]();
      let heard = changes.next();
      await happen();
      assert.ok((await heard).value);
      heard = changes.next();
      await api.control.keys.revoke(apiKey.id, undefined);
      await happen();
      const error = await refusal(untilEnd(heard, changes));
      assert.deepEqual([error.code, reasonOf(error)], [Code.Unauthenticated, 'API_KEY_REVOKED']);
    }
    const { key, apiKey } = await api.makeKey();
    const stream = await fetch(`${api.url}/v1/deliveries:watch`, bearer(key));
    await api.control.keys.revoke(apiKey.id, undefined);
    await happen();
    assert.match(await stream.text(), /API_KEY_REVOKED/);
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const bigintsToo = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

/** What came before the end may still be under way; the end must not wait for more than a few messages. */
async function untilEnd<T>(first: Promise<IteratorResult<T>>, rest: AsyncIterator<T>): Promise<void> {
  let next = await first;
  for (let i = 0; i < 3 && next.done !== true; i++) next = await rest.next();
}
