import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  createRegistry,
  type DescMethod,
  type DescService,
  fromJson,
  type JsonObject,
  toJson,
} from '@bufbuild/protobuf';
import { ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { loadConfig } from '../../src/server/config/load.ts';
import { startServer } from '../../src/server/start.ts';
import { createAuthority } from '../support/authority.ts';
import { watchedLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver } from '../support/receiver.ts';
import { aDatabasePath } from '../support/store.ts';
import { openTokenEndpoint } from '../support/token-endpoint.ts';

/**
 * Secrets that are looked for wherever a person or a program could find them. They are told from each other and from
 * everything else by their beginnings.
 */
const CANARY = 'canary-';
const PLAIN = 'canary-in-a-plain-header-1';
const SECRET = 'canary-in-a-secret-header-2';
const ANOTHER = 'canary-in-a-secret-header-7';
const PASSWORD = 'canary-of-a-password-5';
const OTHER = 'canary-of-another-sender-6';
const CLIENT = 'canary-of-a-client-7';
const TOKEN = 'canary-as-a-token-8';
const QUERY = 'sparrow-in-a-query-3';
const REFUSED = 'canary-that-is-refused-4\n';
/** A private key has no beginning of its own: parts of it are looked for. */
const MUTUAL = createAuthority().client('carillon');
const OF_THE_KEY = MUTUAL.key.split('\n').filter((line) => /^[^-]{20,}$/.test(line));

const KEY = 'a'.repeat(64);
const SERVICES: readonly DescService[] = [WebhookService, EventService, DeliveryService, AdminService];
const REGISTRY = createRegistry(...SERVICES.map(({ file }) => file), file_google_rpc_error_details);

describe('a secret of a webhook', () => {
  it('is sent, and is in no answer of any method, no error, no log, no attempt and no file', async (t) => {
    await using receiver = await openReceiver();
    await using endpoint = await openTokenEndpoint();
    endpoint.answer(endpoint.giving({ token: TOKEN }));
    // Receivers say what was wrong, and some say all that they got.
    receiver.answer(({ request, response }) => {
      response.writeHead(401, { 'x-echo': String(request.headers['x-key']) });
      response.end(JSON.stringify(request.headers));
    });
    const db = aDatabasePath(t);
    const { log, lines } = watchedLog();
    const argv = ['--db', db, '--listen', '127.0.0.1:0', '--grpc-listen', 'off', '--secrets-key', KEY];
    const argvAll = [...argv, '--allow-destinations', '127.0.0.0/8'];
    const config = await loadConfig('serve', {
      argv: argvAll,
      env: {},
      cwd: '/',
      terminal: false,
      readFile: async () => undefined,
    });
    const server = await startServer(config, { log });
    // Also where something below fails: a server that goes on keeps the process from ending.
    await using _running = { [Symbol.asyncDispose]: server.stop };
    const baseUrl = `http://127.0.0.1:${server.address.port}`;
    const said: string[] = [];
    /** Everything that was found in a file, at any time. */
    const onDisk = () =>
      [db, `${db}-wal`]
        .filter(existsSync)
        .map((each) => readFileSync(each, 'latin1'))
        .join('');

    const webhook = {
      id: 'kept',
      name: 'kept',
      destination: `${receiver.url}/hook?token=${QUERY}`,
      eventTypes: ['order.*'],
      headers: { Authorization: `Bearer ${PLAIN}` },
      secretHeaders: { 'x-key': { value: SECRET } },
      compatibilitySignature: { header: 'x-signature', secret: OTHER },
      retryPolicy: { delays: ['0.1s'], maxAttempts: 2 },
    };
    const letIn = {
      ...webhook,
      id: 'let-in',
      name: 'let in',
      headers: {},
      auth: { basic: { username: 'ann', password: { value: PASSWORD } } },
    };
    const tokens = {
      ...letIn,
      id: 'tokens',
      name: 'tokens',
      auth: { oauth2: { tokenUrl: endpoint.url, clientId: 'carillon', clientSecret: { value: CLIENT } } },
    };
    const mutual = {
      ...{ id: 'mutual', name: 'mutual', destination: receiver.url.replace('http:', 'https:') },
      eventTypes: ['order.*'],
      tls: { clientCertificate: MUTUAL.cert, privateKey: { value: MUTUAL.key } },
      retryPolicy: { delays: ['0.1s'], maxAttempts: 2 },
    };
    const wrong = { ...webhook, id: 'wrong', secretHeaders: { 'x-key': { value: REFUSED } } };
    const event = { event: { id: 'e1', type: 'order.paid', text: 'x', headers: { cookie: 'crumb' } } };
    const method = (service: DescService, name: string) =>
      service.methods.find((each) => each.name === name)!;
    const call = (service: DescService, name: string, request: JsonObject) =>
      calling(baseUrl, method(service, name), request).then((answers) => said.push(...answers));

    for (const each of [webhook, letIn, tokens, mutual]) {
      await call(WebhookService, 'Register', { webhook: each });
    }
    await call(EventService, 'Publish', event);
    const received = [...(await receiver.received(6))];
    const shown = received.filter(({ headers }) => headers.authorization === `Bearer ${TOKEN}`);
    // One that gives no token says why, in the words of the server.
    endpoint.answer(({ request, response }) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      const { authorization } = request.headers;
      response.end(JSON.stringify({ error: 'invalid_client', error_description: authorization }));
    });
    assert.equal(shown.length, 2);
    await call(EventService, 'Publish', { event: { ...event.event, id: 'e2' } });
    const unlet = await until(() => lines.find(({ fields }) => fields.errorClass === 'OAUTH'));
    assert.match(unlet.message, /"invalid_client", \*\*\*: check client_id/);
    const unletId = String(unlet.fields.deliveryId);
    const basic = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`;
    assert.equal(received.filter(({ headers }) => headers.authorization === basic).length, 2);
    const [first, retry] = received.filter(({ headers }) => headers.authorization === `Bearer ${PLAIN}`);
    for (const { headers } of [first!, retry!]) {
      assert.deepEqual([headers.authorization, headers['x-key']], [`Bearer ${PLAIN}`, SECRET]);
      assert.match(String(headers['x-signature']), /^[0-9a-f]{64}$/);
    }
    const deliveryId = String(first!.headers['webhook-id']);
    await until(() => (lines.some(({ fields }) => fields.state === 'FAILED') ? true : undefined));

    const requests = requestsFor({ webhook, letIn, tokens, mutual, wrong, event, deliveryId, unletId });
    for (const service of SERVICES) {
      for (const { name } of service.methods) {
        const [known, ...others] = requests[`${service.name}.${name}`] ?? [];
        assert.ok(known, `${service.name}.${name} is not called here`);
        for (const request of [known, ...others]) await call(service, name, request);
      }
    }
    // So that what is looked for below was there to be found.
    assert.ok(
      said.some((text) => text.includes('"authorization":"***"')),
      'an attempt was answered',
    );
    assert.ok(
      said.some((text) => text.includes('"errorClass":"OAUTH"')),
      'and one without a token',
    );
    assert.ok(
      said.some((text) => text.includes('x-echo')),
      'and what it was answered with',
    );
    assert.ok(
      said.some((text) => text.includes('secret_headers')),
      'and an error about one',
    );
    assert.ok(
      said.some((text) => text.includes('"fields":["secret_headers"]')),
      'and what was changed of one',
    );
    assert.ok(
      lines.some(({ message }) => message.includes('/hook?***')),
      'and the destination was logged',
    );

    assert.ok(
      said.some((text) => text.includes('"subject":"CN=carillon"')),
      'and whose client certificate there is',
    );

    const alive = onDisk();
    await server.stop();
    const logged = JSON.stringify(lines);
    for (const [where, text] of [
      ['an answer or an error', said.join('\n')],
      ['the log', logged],
      ['the database or its log', alive + onDisk()],
    ] as const) {
      assert.equal(found(text), undefined, `${where} has it`);
    }
    assert.ok(!logged.includes(QUERY), 'the log has the query string of a destination');
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A secret that is in a text, as it is or in base64 or hex, with what is around it. */
function found(text: string): string | undefined {
  const forms = [...OF_THE_KEY, CANARY, Buffer.from(CANARY).toString('hex')];
  // At each of the three places that its first byte can have in base64.
  for (const before of ['', '_', '__']) {
    const whole = Buffer.from(before + CANARY).toString('base64');
    forms.push(whole.slice(before.length === 0 ? 0 : 4, -4));
  }
  for (const form of forms) {
    const at = text.indexOf(form);
    if (at !== -1) return text.slice(Math.max(0, at - 60), at + 60);
  }
  return undefined;
}

interface Parts {
  readonly webhook: JsonObject;
  readonly letIn: JsonObject;
  readonly tokens: JsonObject;
  readonly mutual: JsonObject;
  readonly wrong: JsonObject;
  readonly event: JsonObject;
  readonly deliveryId: string;
  /** Of one that had no token. */
  readonly unletId: string;
}

/** What each method is asked, so that it has much to say; and what it refuses. */
function requestsFor({
  webhook,
  letIn,
  tokens,
  mutual,
  wrong,
  event,
  deliveryId,
  unletId,
}: Parts): Readonly<Record<string, JsonObject[]>> {
  const id = 'kept';
  const past = { startTime: '2020-01-01T00:00:00Z', endTime: '2020-01-02T00:00:00Z' };
  const other = { ...webhook, id: 'other' };
  return {
    'WebhookService.Register': [
      { webhook },
      { webhook, validateOnly: true },
      { webhook: wrong },
      { webhook: other },
      { webhook: mutual },
      { webhook: { ...mutual, tls: { privateKey: { value: MUTUAL.key } } } },
      { webhook: { ...mutual, tls: { clientCertificate: MUTUAL.key } } },
      { webhook: { ...mutual, tls: { caBundle: MUTUAL.key } } },
    ],
    'WebhookService.BatchRegister': [{ requests: [{ webhook }, { webhook: wrong }] }],
    'WebhookService.Get': [{ id }],
    'WebhookService.BatchGet': [{ ids: [id], view: 'WEBHOOK_VIEW_FULL' }],
    'WebhookService.List': [{ view: 'WEBHOOK_VIEW_FULL' }],
    'WebhookService.Update': [
      { webhook, updateMask: 'headers,secretHeaders' },
      {
        webhook: { ...webhook, secretHeaders: { 'x-key': { value: ANOTHER } } },
        updateMask: 'secretHeaders',
      },
      { webhook: letIn, updateMask: 'auth' },
      { webhook: tokens, updateMask: 'auth.oauth2.clientSecret' },
      { webhook: tokens, updateMask: 'auth.oauth2.nothing' },
      { webhook: mutual, updateMask: 'tls' },
      {
        webhook: { ...mutual, tls: { privateKey: { value: `x${MUTUAL.key}` } } },
        updateMask: 'tls.privateKey',
      },
      { webhook: { ...wrong, id }, updateMask: 'secretHeaders' },
      { webhook, updateMask: 'compatibilitySignature.secret' },
    ],
    'WebhookService.RotateSecret': [{ id }, { id, secret: REFUSED }],
    'WebhookService.WithdrawSecret': [
      { id, secretId: 'none' },
      { id, secretId: SECRET },
    ],
    'WebhookService.Pause': [{ id }, { filter: 'id:*' }],
    'WebhookService.Resume': [{ id }, { filter: 'id:*' }],
    'WebhookService.Trigger': [{ id }],
    'WebhookService.Backfill': [{ id, ...past }],
    'WebhookService.PreviewSchedule': [{ id }],
    'WebhookService.Remove': [{ filter: 'id:*', validateOnly: true }],
    'EventService.Publish': [event],
    'EventService.PublishBatch': [{ requests: [event] }],
    'EventService.PublishStream': [{ request: event }],
    'EventService.GetEvent': [{ id: 'e1' }],
    'EventService.ListEvents': [{}],
    'EventService.ReplayEvents': [{ ids: { ids: ['e1'] } }],
    'EventService.PurgeEvent': [{ id: 'nobody' }],
    'DeliveryService.ListDeliveries': [{}],
    'DeliveryService.WatchDeliveries': [{}],
    'DeliveryService.RetryDelivery': [{ id: deliveryId }],
    'DeliveryService.RetryDeliveries': [{ filter: 'state = FAILED' }],
    'DeliveryService.CancelDelivery': [{ id: deliveryId }],
    'DeliveryService.CancelDeliveries': [{ filter: 'state = PENDING' }],
    'DeliveryService.GetDelivery': [{ id: deliveryId }, { id: unletId }],
    // A key that is made here would lock out what is called after it.
    'AdminService.CreateApiKey': [{}],
    'AdminService.ListApiKeys': [{}],
    'AdminService.RevokeApiKey': [{ id: 'nobody' }],
    'AdminService.CreateNamespace': [{ name: 'empty' }],
    'AdminService.GetNamespace': [{ name: 'default' }],
    'AdminService.ListNamespaces': [{}],
    'AdminService.UpdateNamespace': [
      { name: 'default', quotas: { webhooks: '9' }, updateMask: 'quotas.webhooks' },
    ],
    'AdminService.SuspendNamespace': [{ name: 'empty' }],
    'AdminService.ResumeNamespace': [{ name: 'empty' }],
    'AdminService.DeleteNamespace': [{ name: 'empty' }],
    'AdminService.RotateSealKey': [{ keyId: '0123456789abcdef' }],
    'AdminService.GetSealKeyRotation': [{}],
    'AdminService.GetStandby': [{}],
    'AdminService.TakeOver': [{}],
    'AdminService.ListAuditEntries': [{ allNamespaces: true, pageSize: 1000 }],
  };
}

/** What a method answers, all of it, as texts, or its error with its details. A stream is left after its first answers. */
async function calling(baseUrl: string, method: DescMethod, request: JsonObject): Promise<string[]> {
  const transport = createConnectTransport({ baseUrl, httpVersion: '1.1' });
  const client = createClient(method.parent, transport) as unknown as Record<
    string,
    (request: unknown, options?: object) => Promise<never> | AsyncIterable<never>
  >;
  const message = fromJson(method.input, request, { registry: REGISTRY });
  const written = (answer: never): string =>
    JSON.stringify(toJson(method.output, answer, { registry: REGISTRY }), (key, value) =>
      // Bytes are looked through as they are, too.
      /body/i.test(key) && typeof value === 'string' ? `${value} ${Buffer.from(value, 'base64')}` : value,
    );
  try {
    if (method.methodKind === 'unary')
      return [written(await (client[method.localName]!(message) as Promise<never>))];
    const given = method.methodKind === 'server_streaming' ? message : one(message);
    const answers: string[] = [];
    const ended = AbortSignal.timeout(1_000);
    for await (const answer of client[method.localName]!(given, { signal: ended }) as AsyncIterable<never>) {
      answers.push(written(answer));
    }
    return answers;
  } catch (error) {
    const refused = ConnectError.from(error);
    return [JSON.stringify([refused.message, refused.details, [...refused.metadata]])];
  }
}

async function* one(message: unknown): AsyncIterable<unknown> {
  yield message;
}
