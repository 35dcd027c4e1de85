import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { AdminService, Role } from '../../../gen/carillon/v1/admin_pb.ts';
import { AuditEntry_CallerKind } from '../../../gen/carillon/v1/audit_pb.ts';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { ErrorInfoSchema, RetryInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';
import { NO_PROXIES, sourceOf } from '../../../src/domain/access/source.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import type { Handler } from '../../../src/server/listen/http-protocol.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { openTls } from '../../../src/server/tls/tls.ts';
import { createAuthority, type Pair } from '../../support/authority.ts';
import { certificateFiles } from '../../support/certificates.ts';
import { readAll } from '../../support/listener.ts';
import { recordingLog } from '../../support/log.ts';
import { ask, startWhole, type WholeServer } from '../../support/whole-server.ts';

const HOST = '127.0.0.1';
const SHOP = 'spiffe://example.org/shop';
const ROLES = [
  `uri:${SHOP}=publish@default`,
  'dns:ci.example.com=admin',
  'email:ann@example.com=read@default/2',
];
const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;

const authority = createAuthority();
const callers = createAuthority('Callers');
const [shop, ci, ann] = [`URI:${SHOP}`, 'DNS:ci.example.com', 'email:ann@example.com'].map((name) =>
  callers.client('of a test', { names: [name] }),
);

interface Started extends WholeServer {
  readonly clientCa: string;
}

/** A server that asks callers for certificates, on both ports. */
async function start(t: TestContext, ...argv: readonly string[]): Promise<Started> {
  const files = certificateFiles(t);
  const { cert, key } = files.pair(authority.server());
  const clientCa = files.write('client-ca.pem', callers.pem);
  const roles = ROLES.flatMap((role) => ['--client-roles', role]);
  const tls = ['--tls-cert', cert, '--tls-key', key, '--tls-client-ca', clientCa];
  return { ...(await startWhole(t, ...tls, ...roles, ...argv)), clientCa };
}

/** By either port, and by HTTP/1.1 and HTTP/2, as whoever has a certificate. */
function transports({ port, grpcPort }: WholeServer, pair?: Pair): Transport[] {
  const nodeOptions = { ca: authority.pem, ...pair };
  const shared = `https://${HOST}:${port}`;
  return [
    createConnectTransport({ baseUrl: shared, httpVersion: '1.1', nodeOptions }),
    createGrpcTransport({ baseUrl: shared, nodeOptions }),
    createGrpcTransport({ baseUrl: `https://${HOST}:${grpcPort}`, nodeOptions }),
  ];
}

/** What a call was refused with. */
async function refusal(call: Promise<unknown>): Promise<ConnectError & { reason: string | undefined }> {
  const error = await call.then(() => assert.fail('it was answered'), ConnectError.from);
  const [info] = error.findDetails(ErrorInfoSchema);
  return Object.assign(error, { reason: info?.reason });
}

const bearing = { headers: { authorization: `Bearer ${KEY}` } };

describe('A certificate of a caller', () => {
  it('counts as a key with the role and the namespace that its name is given', async (t) => {
    const server = await start(t);
    for (const transport of transports(server, shop)) {
      const [webhooks, events] = [WebhookService, EventService].map((service) =>
        createClient(service, transport),
      ) as [
        ReturnType<typeof createClient<typeof WebhookService>>,
        ReturnType<typeof createClient<typeof EventService>>,
      ];
      assert.deepEqual((await webhooks.list({})).webhooks, []);
      await events.publish({ event: { type: 'a' } });

      const role = await refusal(
        webhooks.register({ webhook: { name: 'a', destination: 'https://example.com/' } }),
      );
      assert.deepEqual([role.code, role.reason], [Code.PermissionDenied, 'ROLE_TOO_SMALL']);
      assert.match(role.rawMessage, /needs the role manage, and this certificate has the role publish/);

      const namespace = await refusal(webhooks.list({ namespace: 'acme' }));
      assert.deepEqual([namespace.code, namespace.reason], [Code.PermissionDenied, 'NAMESPACE_NOT_ALLOWED']);
      assert.match(namespace.rawMessage, /^this certificate is for the namespace default/);
    }
    for (const transport of transports(server, ci)) {
      const admin = createClient(AdminService, transport);
      await admin.createApiKey({ role: Role.READ, allNamespaces: true });
      assert.ok((await admin.listNamespaces({})).namespaces.length > 0);
      const { auditEntries } = await admin.listAuditEntries({ allNamespaces: true });
      const [made] = auditEntries.filter(({ method }) => method.endsWith('CreateApiKey'));
      assert.deepEqual(
        [made?.callerKind, made?.caller, made?.address],
        [AuditEntry_CallerKind.CERTIFICATE, 'dns:ci.example.com', HOST],
      );
    }
    const { fields } = await server.line(({ fields: { rpc } }) => rpc === 'carillon.v1.EventService/Publish');
    assert.deepEqual([fields.certificate, fields.address], [`uri:${SHOP}`, HOST]);
  });

  it('is needed where there is no key, but for health, and the refusal says how to call', async (t) => {
    const server = await start(t);
    for (const transport of transports(server)) {
      const missing = await refusal(createClient(WebhookService, transport).list({}));
      assert.deepEqual([missing.code, missing.reason], [Code.Unauthenticated, 'API_KEY_MISSING']);
      assert.match(missing.rawMessage, /Bearer ck_…, or connect with a certificate that has a role$/);
      await createClient(Health, transport).check({});
    }
  });

  it('stands behind a key that is sent with it', async (t) => {
    const server = await start(t, '--bootstrap-key', KEY);
    for (const transport of transports(server, ann)) {
      const webhooks = createClient(WebhookService, transport);
      const name = { webhook: { id: 'a', name: 'a', destination: 'https://example.com/' } };
      assert.equal((await refusal(webhooks.register(name))).reason, 'ROLE_TOO_SMALL');
      await webhooks.register(name, bearing);
      const wrong = { headers: { authorization: 'Bearer ck_of_another_server_altogether' } };
      assert.equal((await refusal(webhooks.list({}, wrong))).reason, 'API_KEY_INVALID');
    }
  });

  it('is refused when it is of others, over, of a server or without a role, in words that say so', async (t) => {
    const server = await start(t);
    const others = createAuthority('Callers');
    const past = new Date(Date.now() - 1000);
    const soon = new Date(Date.now() + 3_600_000);
    const names = [`URI:${SHOP}`];
    for (const [pair, reason, words] of [
      [
        others.client('of a test', { names }),
        'CERTIFICATE_INVALID',
        /was not signed by an authority that this server trusts; /,
      ],
      [
        callers.client('of a test', { names, notAfter: past }),
        'CERTIFICATE_INVALID',
        /has expired; connect with another/,
      ],
      [callers.client('of a test', { names, notBefore: soon }), 'CERTIFICATE_INVALID', /is not valid yet; /],
      [callers.server(names), 'CERTIFICATE_INVALID', /is not for clients; /],
      [
        callers.client('of a test', { names: ['DNS:x'] }),
        'CERTIFICATE_WITHOUT_ROLE',
        /has dns:x, to which .* no role; ask/,
      ],
      [callers.client('of a test'), 'CERTIFICATE_WITHOUT_ROLE', /has no name, to which .* no role; ask/],
    ] as const) {
      for (const transport of transports(server, pair)) {
        const told = await refusal(createClient(WebhookService, transport).list({}));
        assert.deepEqual([told.code, told.reason], [Code.Unauthenticated, reason]);
        assert.match(told.rawMessage, words);
      }
    }
  });

  it('has a rate limit, as a key has', async (t) => {
    const server = await start(t);
    for (const transport of transports(server, ann)) {
      const webhooks = createClient(WebhookService, transport);
      const told = await Promise.allSettled(Array.from({ length: 6 }, () => webhooks.list({})));
      const [failed] = told.flatMap((each) =>
        each.status === 'rejected' ? [ConnectError.from(each.reason)] : [],
      );
      assert.match(failed!.rawMessage, /^the certificate of email:ann@example\.com allows 2 calls a second/);
      assert.equal(failed!.code, Code.ResourceExhausted);
      assert.equal(failed!.findDetails(RetryInfoSchema).length, 1);
    }
  });

  it('is answered while others of its address are held up for calling without', async (t) => {
    const server = await start(t);
    const [stranger] = transports(server);
    const told = await Promise.all(
      Array.from({ length: 25 }, () => refusal(createClient(WebhookService, stranger!).list({}))),
    );
    assert.ok(told.some(({ reason }) => reason === 'TOO_MANY_WRONG_KEYS'));
    for (const transport of transports(server, shop)) await createClient(WebhookService, transport).list({});
  });

  it('shows the inbox to whoever may see it', async (t) => {
    const server = await start(t, '--inbox');
    const options = { ca: authority.pem };
    assert.equal((await ask(server, '/inbox', options)).status, 401);
    assert.equal((await ask(server, '/inbox', { ...options, ...ci })).status, 200);
    const own = await ask(server, '/inbox', { ...options, ...shop });
    assert.equal(own.status, 403);
    assert.match(own.body, /this certificate is for default/);
    assert.equal((await ask(server, '/inbox/hello', { ...options, method: 'POST', body: 'x' })).status, 200);
  });

  it('is known on a connection that goes on with an earlier session, until its authority is not trusted any more', async (t) => {
    const files = certificateFiles(t);
    const clientCa = files.write('client-ca.pem', callers.pem);
    const paths = { ...files.pair(authority.server()), clientCa };
    const tls = await openTls({ paths, clock: systemClock, log: recordingLog().log });
    const handler: Handler = ({ socket }, response) => {
      const { certificate } = sourceOf(socket, {}, NO_PROXIES);
      response.end(certificate === undefined ? 'nobody' : (certificate.fault ?? certificate.names.join()));
    };
    const listener = await createListener({ handler, host: HOST, port: 0, tls });
    t.after(() => listener.close(0));
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      writeFileSync(clientCa, callers.pem);
      await tls.tick();
      const options = { host: HOST, port: listener.address.port, ca: authority.pem, maxVersion };
      const first = await request({ ...options, ...shop });
      assert.deepEqual([first.body, first.isReused], [`uri:${SHOP}`, false]);
      const again = await request({ ...options, session: first.session });
      assert.deepEqual([again.body, again.isReused], [`uri:${SHOP}`, true]);

      writeFileSync(clientCa, authority.pem);
      await tls.tick();
      for (const { session } of [first, again]) {
        const late = await request({ ...options, session });
        assert.deepEqual([late.body, late.isReused], ['nobody', false]);
      }
      const shown = await request({ ...options, ...shop, session: first.session });
      assert.equal(shown.body, 'was not signed by an authority that this server trusts');
    }
  });
});

describe('A server that takes only callers with a certificate', () => {
  it('tells others so, in the protocol that they speak, and serves them nothing', async (t) => {
    const server = await start(t, '--tls-client-auth', 'required', '--inbox');
    const stranger = createAuthority().client('of a test', { names: [`URI:${SHOP}`] });
    for (const [pair, words] of [
      [undefined, /this server takes only callers with a certificate .*, and this connection has none/],
      [stranger, /, and the certificate of this connection was not signed by an authority/],
    ] as const) {
      for (const path of ['/v1/health', '/', '/inbox/hello', '/v1/webhooks']) {
        const told = await ask(server, path, { ca: authority.pem, ...pair });
        assert.equal(told.status, 401);
        assert.match(told.body, words);
      }
      for (const transport of transports(server, pair)) {
        for (const call of [
          createClient(WebhookService, transport).list({}, bearing),
          createClient(Health, transport).check({}),
        ]) {
          const told = await refusal(call);
          assert.equal(told.code, Code.Unauthenticated);
          assert.match(told.rawMessage, words);
        }
      }
    }
  });

  it('serves whoever has one, by its role or by a key', async (t) => {
    const server = await start(t, '--tls-client-auth', 'required', '--bootstrap-key', KEY);
    const nameless = callers.client('of a test', { names: ['DNS:x'] });
    for (const transport of transports(server, shop)) await createClient(WebhookService, transport).list({});
    for (const transport of transports(server, nameless)) {
      const webhooks = createClient(WebhookService, transport);
      assert.equal((await refusal(webhooks.list({}))).reason, 'CERTIFICATE_WITHOUT_ROLE');
      await webhooks.list({}, bearing);
    }
  });
});

describe('A server', () => {
  it('does not start with roles or with a demand for certificates that nobody signs, or files that are none', async (t) => {
    const files = certificateFiles(t);
    const { cert, key } = files.pair(authority.server());
    const tls = ['--tls-cert', cert, '--tls-key', key];
    const text = files.write('text.pem', 'what is this');
    for (const [argv, words] of [
      [[...tls, '--client-roles', ROLES[0]!], /^client-roles is about .* tls-client-ca; give that too$/],
      [
        [...tls, '--tls-client-auth', 'required'],
        /^tls-client-auth is about .* tls-client-ca; give that too$/,
      ],
      [['--tls-client-ca', text], /^tls-client-ca is set without tls-cert; give that too$/],
      [[...tls, '--tls-client-ca', text], /text\.pem holds no certificate in PEM/],
      [[...tls, '--tls-client-ca', `${text}x`], /^--tls-client-ca: .* cannot be read: there is no such file/],
      [
        [...tls, '--client-roles', 'uri:a=owner'],
        /^--client-roles: "uri:a=owner" is not allowed; give a name of a cert/,
      ],
    ] as const) {
      await assert.rejects(startWhole(t, ...argv), { message: words });
    }
  });
});

/** One request over HTTP/1.1 on a connection of its own, whose session is kept. */
async function request(
  options: SecureContextOptions & { host: string; port: number; session?: Buffer | undefined },
) {
  const socket = connectTls({ ...options, ALPNProtocols: ['http/1.1'] });
  let session: Buffer | undefined;
  socket.on('session', (given: Buffer) => {
    session = given;
  });
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const [, body] = (await readAll(socket)).split('\r\n\r\n');
  return { body, session, isReused };
}
