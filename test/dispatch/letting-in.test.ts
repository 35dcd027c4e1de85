import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { noProblems } from '../../src/domain/problems.ts';
import type { AskedSpec } from '../../src/domain/webhook/asked.ts';
import type { OAuth2 } from '../../src/domain/webhook/oauth2.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { hang, openReceiver, status } from '../support/receiver.ts';
import { TOGETHER } from '../support/together.ts';
import { anOAuth2, CLIENT_SECRET, json, openTokenEndpoint } from '../support/token-endpoint.ts';

const NAMESPACE = 'default';
const HOUR = 3_600_000;

/** A webhook that gets tokens. */
async function register(
  pipeline: Pipeline,
  destination: string,
  oauth2: OAuth2,
  spec: Partial<AskedSpec> = {},
): Promise<Webhook> {
  const plain = await pipeline.register({ destination, ...spec });
  return change(pipeline, plain, oauth2);
}

function change({ control }: Pipeline, { id }: Webhook, oauth2: OAuth2): Promise<Webhook> {
  return control.webhooks.update({ namespace: NAMESPACE, id }, ({ spec }) => ({
    spec,
    credentials: { headers: {}, auth: oauth2 },
    touched: new Set(['auth']),
    problems: noProblems(),
  }));
}

describe('a delivery of a webhook that gets tokens', TOGETHER, () => {
  it('is sent again with another token after the destination has refused the one, and shows neither', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    // Receivers repeat what they did not accept.
    const { script } = receiver;
    script(({ request, response }) => response.writeHead(401).end(JSON.stringify(request.headers)));
    const webhook = await register(pipeline, receiver.url, anOAuth2(endpoint.url));
    const [id] = await pipeline.publish(webhook, ['x']);
    await pipeline.finished(webhook);
    assert.deepEqual(
      receiver.requests.map(({ headers }) => headers.authorization),
      ['Bearer token-number-1', 'Bearer token-number-2'],
    );
    const { state, attempts } = await pipeline.delivery(id!);
    assert.equal(state, 'SUCCEEDED');
    assert.equal(attempts.length, 2);
    for (const { requestHeaders } of attempts) {
      assert.equal(requestHeaders[requestHeaders.indexOf('authorization') + 1], '***');
    }
    const [{ outcome } = assert.fail()] = attempts;
    assert.match(Buffer.from(outcome.kind === 'answered' ? outcome.body : '').toString(), /"\*\*\*"/);
    const written = JSON.stringify([attempts.map(({ outcome }) => outcome), attempts, pipeline.lines]);
    const bodies = attempts.map(({ outcome }) => outcome.kind === 'answered' && Buffer.from(outcome.body));
    for (const hidden of ['token-number', CLIENT_SECRET]) {
      assert.ok(!written.includes(hidden) && !bodies.join('\n').includes(hidden), hidden);
    }
  });

  it('has an attempt with its own error when there is no token, which costs one, and is retried', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    endpoint.script(json({ error: 'invalid_client' }, { code: 401 }), status(503));
    const webhook = await register(pipeline, receiver.url, anOAuth2(endpoint.url));
    const [id] = await pipeline.publish(webhook, ['x']);
    await pipeline.finished(webhook);
    const { state, attempts } = await pipeline.delivery(id!);
    assert.equal(state, 'SUCCEEDED');
    const told = attempts.map(({ number, outcome }) =>
      outcome.kind === 'failed' ? [number, outcome.errorClass, outcome.message] : [number, outcome.status],
    );
    const from = `no token from 127.0.0.1:${endpoint.port}`;
    assert.deepEqual(told, [
      [
        1,
        'OAUTH',
        `${from}: it answered 401 with the error "invalid_client": check client_id, client_secret and client_authentication`,
      ],
      [2, 'OAUTH', `${from}: it answered 503`],
      [3, 200],
    ]);
    const [first] = attempts;
    assert.equal(first!.requestHeaders[first!.requestHeaders.indexOf('authorization') + 1], '***');
    const logged = pipeline.lines.find(({ fields }) => fields.errorClass === 'OAUTH');
    assert.match(logged?.message ?? '', /dispatched, no response: no token from .*: it answered 401/);
  });

  it('fails when its attempts are spent, and its destination was asked for nothing', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    endpoint.answer(status(500));
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 2 };
    const webhook = await register(pipeline, receiver.url, anOAuth2(endpoint.url), { retryPolicy });
    const [id] = await pipeline.publish(webhook, ['x']);
    await pipeline.finished(webhook);
    const { state, reason, attempts } = await pipeline.delivery(id!);
    assert.deepEqual([state, reason, attempts.length], ['FAILED', 'EXHAUSTED', 2]);
    assert.equal(receiver.requests.length, 0);
  });

  it('goes by the secret that its webhook has now, of what waits and of retries too', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const secrets = () => endpoint.forms().map(({ client_secret }) => client_secret);
    const oauth2 = anOAuth2(endpoint.url, { clientAuthentication: 'POST', secret: 'the old secret' });
    const held = { limits: { concurrency: 1 }, retryPolicy: { ...QUICK_RETRIES, delaysMs: [HOUR] } };
    const webhook = await register(pipeline, receiver.url, oauth2, held);
    // One fails and waits for an hour, one is in flight, and two wait for their turn.
    receiver.script(status(500), status(200, { delayMs: 200 }));
    const [retried] = await pipeline.publish(webhook, ['retried']);
    await until(async () => ((await pipeline.delivery(retried!)).attemptCount > 0 ? true : undefined));
    const rest = await pipeline.publish(webhook, ['in flight', 'waits', 'waits too']);
    await receiver.received(2);
    await change(pipeline, webhook, { ...oauth2, secret: 'the new secret' });
    await pipeline.store.retryDeliveries([{ namespace: NAMESPACE, id: retried!, now: systemClock.now() }]);
    await pipeline.finished(webhook);
    assert.deepEqual(
      receiver.requests.map(({ headers }) => headers.authorization),
      [1, 1, 2, 2, 2].map((n) => `Bearer token-number-${n}`),
    );
    assert.deepEqual(secrets(), ['the old secret', 'the new secret']);
    for (const id of [retried!, ...rest]) assert.equal((await pipeline.delivery(id)).state, 'SUCCEEDED');
  });

  it('goes at once when what its webhook gets tokens with was mended, and not only after a probe', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const health = async (id: string) =>
      (await pipeline.control.webhooks.get({ namespace: NAMESPACE, id })).health;
    endpoint.answer(json({ error: 'invalid_client' }, { code: 401 }));
    const oauth2 = anOAuth2(endpoint.url);
    const webhook = await register(pipeline, receiver.url, oauth2);
    await pipeline.publish(webhook, ['x']);
    await until(async () => ((await health(webhook.id)).openUntil === null ? undefined : true));
    endpoint.answer(endpoint.giving());
    // Something else of it mends nothing.
    await pipeline.control.webhooks.update({ namespace: NAMESPACE, id: webhook.id }, ({ spec }) => ({
      spec: { ...spec, labels: { team: 'red' } },
      touched: new Set(['labels']),
      problems: noProblems(),
    }));
    assert.notEqual((await health(webhook.id)).openUntil, null);
    const changed = await change(pipeline, webhook, { ...oauth2, secret: 'the right one' });
    assert.deepEqual([changed.health.openUntil, changed.health.failingSince], [null, null]);
    for (const { state } of await pipeline.finished(webhook)) assert.equal(state, 'SUCCEEDED');
  });

  it('holds up no other webhook while its token endpoint hangs, also of the same destination', async () => {
    await using endpoint = await openReceiver();
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ settings: { inFlightMax: 32, originInFlightMax: 32 } });
    endpoint.answer(hang());
    const spec = { timeoutMs: 60_000, limits: { concurrency: 8 } };
    for (let i = 0; i < 4; i++) {
      const stuck = await register(pipeline, `${receiver.url}/stuck/${i}`, anOAuth2(endpoint.url), spec);
      await pipeline.publish(stuck, Array(50).fill('x'));
    }
    await endpoint.received(4);
    const good = await pipeline.register({ destination: `${receiver.url}/good` });
    await pipeline.publish(good, Array(50).fill('x'));
    for (const { state } of await pipeline.finished(good)) assert.equal(state, 'SUCCEEDED');
    assert.equal(endpoint.requests.length, 4, 'each grant asks once');
    assert.equal(receiver.requests.length, 50);
  });
});
