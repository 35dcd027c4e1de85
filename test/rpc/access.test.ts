import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { create, type DescMessage, type DescMethod, type Message } from '@bufbuild/protobuf';
import { anyUnpack, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { block, FLAG, frame, PREFACE, settings, TYPE } from '../../bench/hostile/callers/frames.ts';
import { AdminService, Role as RoleMessage } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import type { NewKey } from '../../src/control/keys.ts';
import { mayDo, ROLES, type Role } from '../../src/domain/access/role.ts';
import { accessTo } from '../../src/rpc/roles.ts';
import { type RunningGrpc, startGrpc } from '../support/grpc.ts';
import { refusal, sharedApi } from '../support/rpc.ts';

/** Who may call what: every method of every service that is mounted, for every role, in their namespace and another. */

const FOREIGN = 'acme';

describe('A method', () => {
  it('that only reads needs the role READ; one that makes webhooks ring PUBLISH; others MANAGE; and those about keys and namespaces ADMIN', () => {
    const ringing = ['Publish', 'PublishBatch', 'PublishStream', 'Trigger'];
    for (const { methods } of [WebhookService, EventService, DeliveryService]) {
      for (const method of methods) {
        const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
        const needed = reads ? 'READ' : ringing.includes(method.name) ? 'PUBLISH' : 'MANAGE';
        assert.equal(accessTo(method), needed, method.name);
      }
    }
    for (const method of AdminService.methods) {
      const needed = ['GetNamespace', 'GetStandby'].includes(method.name) ? 'READ' : 'ADMIN';
      assert.equal(accessTo(method), needed, method.name);
    }
  });
});

/** What is about the server, and no namespace's affair. */
const OF_ALL: ReadonlySet<DescMethod> = new Set([
  AdminService.method.getSealKeyRotation,
  AdminService.method.takeOver,
]);

describe('A key of one namespace', () => {
  const api = sharedApi({ locked: true });
  const methods = () => api().api.services.mounted.flatMap(({ service }) => service.methods);
  const keys = new Map<Role, string>();
  let native: RunningGrpc;

  before(async () => {
    for (const role of ROLES) keys.set(role, (await api().makeKey({ role, namespace: 'default' })).key);
    native = await startGrpc(api().api.services);
  });
  after(() => native[Symbol.asyncDispose]());

  for (const port of ['shared', 'native'] as const) {
    const transport = () => {
      const { host, port: at } = native.address;
      const baseUrl = port === 'native' ? `http://${host}:${at}` : api().url2;
      return createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 1 });
    };
    for (const role of ROLES) {
      it(`that has the role ${role} may call what needs no more, in its namespace, on the ${port} port`, async () => {
        for (const method of methods()) {
          const told = await call(transport(), method, messageFor(method, 'default'), keys.get(role));
          const access = accessTo(method);
          if (OF_ALL.has(method) && mayDo(role, 'ADMIN')) assert.equal(told.reason, 'NAMESPACE_NOT_ALLOWED');
          else if (access === 'OPEN' || mayDo(role, access)) {
            assert.ok(!isDenied(told), `${method.name}: ${told.reason}`);
          } else {
            assert.deepEqual(
              [told.code, told.reason, told.metadata],
              [Code.PermissionDenied, 'ROLE_TOO_SMALL', { role: access.toLowerCase() }],
              method.name,
            );
          }
        }
      });

      it(`that has the role ${role} may not name another namespace, whether or not it exists, on the ${port} port`, async () => {
        let judged = 0;
        for (const method of methods()) {
          const access = accessTo(method);
          const message = messageFor(method, FOREIGN);
          if (!names(message, FOREIGN) || access === 'OPEN' || !mayDo(role, access)) continue;
          judged++;
          const told = await call(transport(), method, message, keys.get(role));
          assert.deepEqual(
            [told.code, told.reason, told.metadata],
            [Code.PermissionDenied, 'NAMESPACE_NOT_ALLOWED', { namespace: 'default' }],
            method.name,
          );
        }
        assert.ok(judged >= 9, `only ${judged} methods name a namespace`);
      });
    }

    it(`is needed for every method but health, on the ${port} port`, async () => {
      for (const method of methods()) {
        const told = await call(transport(), method, messageFor(method, 'default'), undefined);
        const isOpen = method.parent.typeName === Health.typeName;
        assert.equal(
          told.code === Code.Unauthenticated || told.reason === 'TOO_MANY_WRONG_KEYS',
          !isOpen,
          method.name,
        );
      }
    });
  }

  it('is refused only the items of a batch or a stream that name another namespace', async () => {
    const headers = { authorization: `Bearer ${keys.get('MANAGE')}` };
    const { events, webhooks, transports } = api();
    const items = ['', FOREIGN, 'default'].map((namespace) => ({ event: { type: 'a', namespace } }));
    const expected = ['response', 'error', 'response'];
    const batch = await events.publishBatch({ requests: items }, { headers });
    assert.deepEqual(
      batch.results.map(({ result }) => result.case),
      expected,
    );
    const requests = (async function* () {
      for (const request of items) yield { request };
    })();
    const streamed: unknown[] = [];
    for await (const { result } of createClient(EventService, transports.grpc).publishStream(requests, {
      headers,
    })) {
      streamed.push(result?.result.case);
    }
    assert.deepEqual(streamed, expected);
    const hooks = ['', FOREIGN].map((namespace) => ({
      webhook: { name: 'a', destination: 'http://127.0.0.1:9999/hook', namespace },
    }));
    const registered = await webhooks.batchRegister({ requests: hooks }, { headers });
    assert.deepEqual(
      registered.results.map(({ result }) => result.case),
      ['response', 'error'],
    );
  });

  it('may neither make a key for all namespaces nor list those of all', async () => {
    const { createApiKey, listApiKeys } = AdminService.method;
    const { grpc } = api().transports;
    for (const [method, message] of [
      [createApiKey, create(createApiKey.input, { role: RoleMessage.READ, allNamespaces: true })],
      [listApiKeys, create(listApiKeys.input, { allNamespaces: true })],
    ] as const) {
      const told = await call(grpc, method, message, keys.get('ADMIN'));
      assert.deepEqual([told.code, told.reason], [Code.PermissionDenied, 'NAMESPACE_NOT_ALLOWED']);
    }
  });
});

describe('A caller with two keys', () => {
  const api = sharedApi({ locked: true });
  const path = '/carillon.v1.WebhookService/List';
  const TOLD = /authorization must be there once, with one key/;

  async function headers(): Promise<[string, string][]> {
    const { key } = await api().makeKey({ role: 'READ' });
    return [
      ['content-type', 'application/json'],
      ['authorization', `Bearer ${key}`],
      ['authorization', `Bearer ${key}`],
    ];
  }

  it('is refused over HTTP/1.1, where a proxy may have judged another than the server would', async () => {
    const all = [
      ['host', 'localhost'],
      ['connection', 'close'],
      ['content-length', '2'],
      ...(await headers()),
    ];
    const told = await sent(
      api().url,
      `POST ${path} HTTP/1.1\r\n${all.map((field) => field.join(': ')).join('\r\n')}\r\n\r\n{}`,
    );
    assert.match(told, /^HTTP\/1\.1 401 /);
    assert.match(told, TOLD);
  });

  it('is refused over HTTP/2', async () => {
    const head = block([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'localhost'],
      ...(await headers()),
    ]);
    const frames = [
      settings(),
      frame(TYPE.headers, FLAG.endHeaders, 1, head),
      frame(TYPE.data, FLAG.endStream, 1, Buffer.from('{}')),
      frame(TYPE.goaway, 0, 0, Buffer.alloc(8)),
    ];
    assert.match(await sent(api().url2, Buffer.concat([Buffer.from(PREFACE), ...frames])), TOLD);
  });

  /** What is answered until the connection is closed, or the answer has been told. */
  async function sent(url: string, bytes: string | Buffer): Promise<string> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(bytes);
    let told = '';
    for await (const chunk of socket.setTimeout(5000, () => socket.destroy())) {
      told += chunk;
      if (told.includes('"code"')) break;
    }
    return told;
  }
});

describe('A caller that names no namespace', () => {
  const api = sharedApi({ locked: true });
  const destination = 'http://127.0.0.1:9999/hook';
  const bearer = ({ key }: NewKey) => ({ headers: { authorization: `Bearer ${key}` } });

  it('means its own, if it has one, and else default', async () => {
    const { webhooks } = api();
    const all = bearer(await api().makeKey({ role: 'ADMIN' }));
    await webhooks.register({ webhook: { name: 'a', destination } }, all);
    const own = bearer(await api().makeKey({ namespace: 'default' }));
    assert.equal((await webhooks.list({}, own)).webhooks.length, 1);
    const shop = bearer(await api().makeKey({ namespace: 'shop' }));
    assert.equal((await refusal(webhooks.list({}, shop))).rawMessage, 'there is no namespace shop');
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What a call, or the first item of its answer, was told. */
interface Told {
  readonly code?: number;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

function isDenied({ code }: Told): boolean {
  return code === Code.PermissionDenied || code === Code.Unauthenticated;
}

async function call(
  transport: Transport,
  method: DescMethod,
  message: Message,
  key: string | undefined,
): Promise<Told> {
  const ending = AbortSignal.timeout(10_000);
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  try {
    if (method.methodKind === 'unary') {
      const unary = method as DescMethod & { methodKind: 'unary' };
      const { message: answer } = await transport.unary(unary, ending, undefined, headers, message as never);
      return itemOf(answer);
    }
    const leaving = new AbortController();
    const signal = AbortSignal.any([ending, leaving.signal]);
    const stream = async function* () {
      yield message as never;
    };
    // A watch tells nothing until something happens: that it has begun is enough.
    if (method.methodKind === 'server_streaming') setTimeout(() => leaving.abort(), 100);
    const { message: answers } = await transport.stream(
      method as never,
      signal,
      undefined,
      headers,
      stream(),
    );
    for await (const answer of answers) {
      leaving.abort();
      return itemOf(answer as Message);
    }
    return {};
  } catch (error) {
    return toldBy(ConnectError.from(error));
  }
}

function toldBy(error: ConnectError): Told {
  const [info] = error.findDetails(ErrorInfoSchema);
  return { code: error.code, ...(info && { reason: info.reason, metadata: info.metadata }) };
}

/** What the first item of a batch was told, if it was refused. */
function itemOf(answer: Message): Told {
  const [result] = (answer as Message & { results?: Message[]; result?: Message }).results ?? [
    (answer as Message & { result?: Message }).result,
  ];
  const { case: kind, value } =
    (result as { result?: { case: string; value: Status } } | undefined)?.result ?? {};
  if (kind !== 'error' || value?.$typeName !== StatusSchema.typeName) return {};
  const [info] = value.details.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
  return { code: value.code, ...(info && { reason: info.reason, metadata: info.metadata }) };
}

/** A message of the method with a namespace wherever there is one, and nothing else. */
function messageFor({ input }: DescMethod, namespace: string): Message {
  return create(input, shapeOf(input, namespace));
}

/** Fields that name a namespace, or hold what does. */
const HOLDS = /^(namespace|webhook|event|requests?)$/;

function shapeOf({ fields }: DescMessage, namespace: string): Record<string, unknown> {
  const holding = fields.filter(({ name }) => HOLDS.test(name));
  return Object.fromEntries(
    holding.map((field) => {
      if (field.message === undefined) return [field.localName, namespace];
      const inside = shapeOf(field.message, namespace);
      return [field.localName, field.fieldKind === 'list' ? [inside] : inside];
    }),
  );
}

function names(message: Message, namespace: string): boolean {
  return JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes(
    `"${namespace}"`,
  );
}
