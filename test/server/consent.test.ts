import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/server/config/load.ts';
import { startServer } from '../../src/server/start.ts';
import { watchedLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';
import { type Answer, openReceiver, type Receiver, status } from '../support/receiver.ts';
import { aDatabasePath } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

const ORIGIN = 'hooks.example.com';

/** What of an answer is looked at. */
interface Said {
  readonly webhook: Shown;
  readonly deliveries: readonly { readonly id: string }[];
}

interface Shown {
  readonly consentStanding: {
    readonly state: string;
    readonly reason?: string;
    readonly allowedRate: number;
    readonly nextAskTime?: string;
  };
  readonly holdReason?: string;
  readonly holdEndTime?: string;
}

async function aServer(db: string) {
  const argv = [
    '--db',
    db,
    '--listen',
    '127.0.0.1:0',
    '--grpc-listen',
    'off',
    '--secrets-key',
    'a'.repeat(64),
  ];
  const config = await loadConfig('serve', {
    argv: [...argv, '--allow-destinations', '127.0.0.0/8'],
    env: {},
    cwd: '/',
    terminal: false,
    readFile: async () => undefined,
  });
  const { log, lines, line } = watchedLog();
  const server = await startServer(config, { log });
  async function call(method: string, path: string, body?: object): Promise<Said> {
    const response = await fetch(`http://127.0.0.1:${server.address.port}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Said;
  }
  /** Waits until the destination of a webhook has said so. */
  const standing = (id: string, state: string) =>
    until(async () => {
      const { webhook } = await call('GET', `/v1/webhooks/${id}`);
      return webhook.consentStanding?.state === `STATE_${state}` ? webhook : undefined;
    });
  return { call, standing, lines, line, [Symbol.asyncDispose]: server.stop };
}

const consents = (headers: Record<string, string>, code = 200): Answer => status(code, { headers });
const YES = { 'WebHook-Allowed-Origin': ORIGIN, 'WebHook-Allowed-Rate': '*' };
const asks = ({ requests }: Receiver) => requests.filter(({ method }) => method === 'OPTIONS');
const posts = ({ requests }: Receiver) => requests.filter(({ method }) => method === 'POST');
/** Answers questions so, and takes what is sent. */
const answering =
  (answer: Answer): Answer =>
  (exchange) =>
    (exchange.request.method === 'OPTIONS' ? answer : status(204))(exchange);

describe('a webhook whose destination is asked first', TOGETHER, () => {
  it('sends what waits once it consents, with the origin, and tells so', async (t) => {
    await using receiver = await openReceiver();
    await using ops = await openReceiver();
    const held = Promise.withResolvers<void>();
    receiver.answer(answering((exchange) => void held.promise.then(() => consents(YES)(exchange))));
    await using server = await aServer(aDatabasePath(t));
    const news = { id: 'ops', name: 'ops', destination: ops.url, eventTypes: ['carillon.webhook.*'] };
    await server.call('POST', '/v1/webhooks', news);
    const registered = await server.call('POST', '/v1/webhooks', {
      ...{ id: 'asked', name: 'asked', destination: `${receiver.url}/hook?a=b`, eventTypes: ['order.*'] },
      ...{ headers: { 'x-team': 'shop' }, auth: { bearer: { token: { value: 'the-token-of-2026' } } } },
      consent: { origin: ORIGIN, requestRate: 120 },
    });
    assert.equal(registered.webhook.consentStanding.state, 'STATE_PENDING');
    assert.equal(registered.webhook.holdReason, 'NO_CONSENT');
    await server.call('POST', '/v1/events', { type: 'order.paid', text: 'x' });
    const [question] = await receiver.received(1);
    assert.deepEqual([question?.method, question?.path], ['OPTIONS', '/hook?a=b']);
    const { headers } = question!;
    assert.equal(headers['webhook-request-origin'], ORIGIN);
    assert.equal(headers['webhook-request-rate'], '120');
    assert.equal(headers.authorization, 'Bearer the-token-of-2026');
    assert.equal(headers['x-team'], 'shop');
    assert.match(headers['user-agent'] ?? '', /^Carillon\//);
    assert.deepEqual([headers['content-length'], headers['content-type']], [undefined, undefined]);
    assert.equal(receiver.requests.length, 1, 'nothing is sent before the answer');

    held.resolve();
    const [, post] = await receiver.received(2);
    assert.equal(post?.method, 'POST');
    assert.equal(post?.headers['webhook-request-origin'], ORIGIN);
    const { consentStanding, holdReason } = (await server.call('GET', '/v1/webhooks/asked')).webhook;
    assert.equal(consentStanding.state, 'STATE_GRANTED');
    // What is empty is left out over REST.
    const { reason, nextAskTime } = consentStanding;
    assert.deepEqual([reason, nextAskTime, holdReason], [undefined, undefined, undefined]);
    const [told] = await ops.received(1);
    const { type, data } = JSON.parse(String(told?.body));
    assert.deepEqual(
      [type, data.webhook.id, data.allowed_rate],
      ['carillon.webhook.consent_granted', 'asked', null],
    );
    await server.line(({ message }) => / consents to webhook asked$/.test(message));
    assert.equal(asks(receiver).length, 1);
  });

  it('sends nothing while it is refused, says why, and is asked again', async (t) => {
    await using receiver = await openReceiver();
    await using ops = await openReceiver();
    receiver.answer(answering(status(405)));
    const db = aDatabasePath(t);
    {
      await using server = await aServer(db);
      const news = { id: 'ops', name: 'ops', destination: ops.url, eventTypes: ['carillon.webhook.*'] };
      await server.call('POST', '/v1/webhooks', news);
      await server.call('POST', '/v1/webhooks', {
        ...{ id: 'asked', name: 'asked', destination: receiver.url, eventTypes: ['order.*'] },
        consent: { origin: ORIGIN },
      });
      await server.call('POST', '/v1/events', { type: 'order.paid', text: 'x' });
      const refused = await server.standing('asked', 'REFUSED');
      const { reason, nextAskTime } = refused.consentStanding;
      assert.equal(reason, 'it answered 405 without WebHook-Allowed-Origin');
      assert.deepEqual([refused.holdReason, refused.holdEndTime], ['NO_CONSENT', nextAskTime]);
      const [told] = await ops.received(1);
      const { type, data } = JSON.parse(String(told?.body));
      assert.deepEqual([type, data.reason], ['carillon.webhook.consent_refused', reason]);
      // A caller who has one sent again does not go before the destination.
      const { deliveries } = await server.call('GET', '/v1/deliveries?filter=webhook_id:asked');
      await server.call('POST', `/v1/deliveries/${deliveries[0]?.id}:retry`, {});
    }
    await using server = await aServer(db);
    assert.deepEqual(posts(receiver), []);
    receiver.answer(answering(consents(YES)));
    await server.call('POST', '/v1/webhooks/asked:resume', {});
    await server.standing('asked', 'GRANTED');
    await until(() => posts(receiver)[0]);
    assert.equal(asks(receiver).length, 2, 'a start alone asks nobody');
  });

  it('is asked again after 5 s, and anew with another destination or another question', async (t) => {
    await using receiver = await openReceiver();
    receiver.script(status(405));
    receiver.answer(answering(consents({ ...YES, 'WebHook-Allowed-Origin': '*' })));
    await using server = await aServer(aDatabasePath(t));
    const webhook = { id: 'asked', name: 'asked', destination: receiver.url, eventTypes: ['order.*'] };
    await server.call('POST', '/v1/webhooks', { ...webhook, consent: { origin: ORIGIN } });
    await server.standing('asked', 'REFUSED');
    await server.standing('asked', 'GRANTED');
    assert.equal(asks(receiver).length, 2);
    const update = (mask: string, patch: object) =>
      server.call('PATCH', `/v1/webhooks/asked?updateMask=${mask}`, patch);
    await update('labels', { labels: { a: 'b' } });
    await server.call('POST', '/v1/webhooks', { ...webhook, consent: { origin: ORIGIN } });
    const elsewhere = await update('destination', { destination: `${receiver.url}/elsewhere` });
    assert.equal(elsewhere.webhook.consentStanding.state, 'STATE_PENDING');
    await server.standing('asked', 'GRANTED');
    const other = await update('consent.requestRate', { consent: { requestRate: 60 } });
    assert.equal(other.webhook.consentStanding.state, 'STATE_PENDING');
    await server.standing('asked', 'GRANTED');
    assert.deepEqual(
      asks(receiver).map(({ path, headers }) => [path, headers['webhook-request-rate']]),
      [
        ['/', undefined],
        ['/', undefined],
        ['/elsewhere', undefined],
        ['/elsewhere', '60'],
      ],
    );
    const without = await update('consent', {});
    assert.ok(!('consentStanding' in without.webhook) && !('holdReason' in without.webhook));
    await server.call('POST', '/v1/events', { type: 'order.paid', text: 'x' });
    const post = await until(() => posts(receiver)[0]);
    assert.equal(post.headers['webhook-request-origin'], undefined);
  });

  it('sends no faster than the destination allows', async (t) => {
    await using receiver = await openReceiver();
    receiver.answer(answering(consents({ ...YES, 'WebHook-Allowed-Rate': '600' })));
    await using server = await aServer(aDatabasePath(t));
    await server.call('POST', '/v1/webhooks', {
      ...{ id: 'asked', name: 'asked', destination: receiver.url, eventTypes: ['order.*'] },
      ...{ consent: { origin: ORIGIN }, limits: { rateLimit: { perSecond: 1000, burst: 100 } } },
    });
    const { consentStanding } = await server.standing('asked', 'GRANTED');
    assert.equal(consentStanding.allowedRate, 600);
    const times: number[] = [];
    receiver.answer((exchange) => {
      times.push(performance.now());
      status(204)(exchange);
    });
    const events = Array.from({ length: 6 }, () => ({ event: { type: 'order.paid', text: 'x' } }));
    await server.call('POST', '/v1/events:publishBatch', { requests: events });
    await until(() => (times.length === 6 ? true : undefined));
    // The first uses the token that was saved up; timers come early by less than this.
    assert.ok(times[5]! - times[0]! >= 5 * 100 - 30, String(times));
  });
});
