import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../../src/domain/clock.ts';
import type { Outcome } from '../../../src/domain/delivery/attempt.ts';
import { LOOPBACK } from '../../../src/domain/webhook/address.ts';
import { parseDestinationRules } from '../../../src/domain/webhook/destination-rule.ts';
import { grantOf } from '../../../src/domain/webhook/grant.ts';
import type { OAuth2 } from '../../../src/domain/webhook/oauth2.ts';
import type { SenderOptions } from '../../../src/outbound/sender.ts';
import { createLettingIn } from '../../../src/outbound/token/letting-in.ts';
import { settableClock } from '../../support/clock.ts';
import { until } from '../../support/pipeline.ts';
import { openProxy } from '../../support/proxy.ts';
import {
  type Answer,
  endless,
  garbage,
  hang,
  huge,
  openReceiver,
  type Receiver,
  receiverCertificate,
  redirect,
  reset,
  resetMidBody,
  status,
} from '../../support/receiver.ts';
import { aLookup, aRequest, aSender, told } from '../../support/sender.ts';
import { anOAuth2, json, openTokenEndpoint } from '../../support/token-endpoint.ts';

/** A sender that gets tokens, and is closed at the end of the scope. */
function aLettingIn({
  clock = settableClock(),
  ...options
}: Partial<SenderOptions> & { clock?: Clock } = {}) {
  const sender = aSender({ ...options, clock });
  const lettingIn = createLettingIn({ sender, clock, userAgent: 'Carillon/test' });
  return { ...lettingIn, [Symbol.asyncDispose]: sender.close };
}

/** A POST of a webhook that needs a token. */
function aPost(destination: string, oauth2: OAuth2, rest: { webhookId?: string; timeoutMs?: number } = {}) {
  const { webhookId = 'wh_1', timeoutMs = 10_000 } = rest;
  const headers = ['content-type', 'text/plain', 'authorization', '***', 'x-test', '1'];
  return aRequest(destination, { headers, grant: { webhookId, oauth2 }, timeoutMs });
}

const shownTo = ({ requests }: Receiver) => requests.map(({ headers }) => headers.authorization);

describe('a request that needs a token', () => {
  it('gets one, and shows it in place of what stood for it', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    const oauth2 = anOAuth2(`${endpoint.url}/token?p=1`, { parameters: { audience: 'a' } });
    const outcome = await lettingIn.send(aPost(receiver.url, oauth2));
    assert.equal(told(outcome), 'answered 200');
    assert.deepEqual(shownTo(receiver), ['Bearer token-number-1']);
    assert.equal(receiver.requests[0]?.headers['x-test'], '1');
    const [{ method, path, headers } = assert.fail()] = endpoint.requests;
    assert.deepEqual([method, path], ['POST', '/token?p=1']);
    assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(headers['user-agent'], 'Carillon/test');
    assert.match(headers.authorization ?? '', /^Basic /);
    assert.deepEqual(endpoint.forms(), [
      { grant_type: 'client_credentials', scope: 'events:write events:read', audience: 'a' },
    ]);
  });

  it('shows the same for as long as it is good', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    for (let i = 0; i < 5; i++) await lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    assert.equal(endpoint.requests.length, 1);
    assert.deepEqual(new Set(shownTo(receiver)), new Set(['Bearer token-number-1']));
  });

  it('waits with all others for one that is being asked for, which is asked for once', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    endpoint.answer(endpoint.giving({ delayMs: 100 }));
    const oauth2 = anOAuth2(endpoint.url);
    await Promise.all(Array.from({ length: 20 }, () => lettingIn.send(aPost(receiver.url, oauth2))));
    assert.equal(endpoint.requests.length, 1);
    assert.deepEqual(shownTo(receiver), Array(20).fill('Bearer token-number-1'));
  });

  it('shares none with another webhook, nor with what the same webhook had before', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    const oauth2 = anOAuth2(endpoint.url);
    await lettingIn.send(aPost(receiver.url, oauth2));
    await lettingIn.send(aPost(receiver.url, oauth2, { webhookId: 'wh_2' }));
    for (const changed of [{ secret: 'another' }, { scopes: [] }, { parameters: { audience: 'b' } }]) {
      await lettingIn.send(aPost(receiver.url, { ...oauth2, ...changed }));
    }
    assert.deepEqual(
      shownTo(receiver),
      [1, 2, 3, 4, 5].map((n) => `Bearer token-number-${n}`),
    );
  });

  it('counts the time for it, and says where the rest went when that was not enough', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    endpoint.answer(endpoint.giving({ delayMs: 200 }));
    receiver.answer(hang());
    const outcome = await lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url), { timeoutMs: 400 }));
    const words =
      /^TIMEOUT: no answer from 127\.0\.0\.1:\d+ within (\d+) ms, after (\d+) ms in which a token was got$/;
    const [, within, after] = words.exec(told(outcome)) ?? assert.fail(told(outcome));
    assert.equal(Number(within) + Number(after), 400);
    assert.ok(Number(after) >= 195, `it took ${after} ms`);
    assert.ok(outcome.durationMs >= 395, `it says ${outcome.durationMs} ms`);
    // The next one has all of its time.
    const next = await lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url), { timeoutMs: 100 }));
    assert.match(told(next), /within 100 ms$/);
  });

  it('has no token in what is kept of an answer that repeats it', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    receiver.answer(({ request, response }) => {
      response.writeHead(403, { 'x-echo': String(request.headers.authorization) });
      response.end(JSON.stringify(request.headers));
    });
    const outcome = await lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    assert.ok(outcome.kind === 'answered');
    assert.equal(outcome.headers['x-echo'], '***');
    assert.match(Buffer.from(outcome.body).toString(), /"authorization":"\*\*\*"/);
  });

  it('is not sent with more headers than receivers take, though each fits', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    endpoint.answer(endpoint.giving({ token: 'x'.repeat(4_000) }));
    const post = aPost(receiver.url, anOAuth2(endpoint.url));
    assert.equal(told(await lettingIn.send(post)), 'answered 200');
    const more = {
      ...post,
      headers: [...post.headers, 'x-one', 'y'.repeat(4_000), 'x-two', 'z'.repeat(200)],
    };
    assert.match(told(await lettingIn.send(more)), /^OAUTH: the token is too long: .* receivers take 8192$/);
    assert.equal(receiver.requests.length, 1);
  });

  it('leaves others alone that need none', async () => {
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    assert.equal(told(await lettingIn.send(aRequest(receiver.url))), 'answered 200');
    assert.deepEqual(shownTo(receiver), [undefined]);
  });
});

describe('a token', () => {
  it('is replaced before it expires, and shown while the next one is got', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    const clock = settableClock();
    await using lettingIn = aLettingIn({ clock });
    const post = () => lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    endpoint.script(endpoint.giving({ expiresIn: 300 }), endpoint.giving({ expiresIn: 300, delayMs: 100 }));
    await post();
    clock.advance(239_000);
    await post();
    assert.equal(endpoint.requests.length, 1);
    clock.advance(1_500);
    await Promise.all([post(), post(), post()]);
    await endpoint.received(2);
    assert.deepEqual(shownTo(receiver), Array(5).fill('Bearer token-number-1'));
    await until(async () => {
      await post();
      return shownTo(receiver).at(-1) === 'Bearer token-number-2' ? true : undefined;
    });
    assert.equal(endpoint.requests.length, 2);
  });

  it('is not shown when it could expire on its way, nor after the machine slept', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    const clock = settableClock();
    await using lettingIn = aLettingIn({ clock });
    const post = () => lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    endpoint.answer(endpoint.giving({ expiresIn: 300 }));
    await post();
    clock.advance(291_000);
    await post();
    // The wall clock alone.
    clock.jump(291_000);
    await post();
    assert.deepEqual(
      shownTo(receiver),
      [1, 2, 3].map((n) => `Bearer token-number-${n}`),
    );
  });

  it('is shown on while the next one cannot be had, which is tried once a second', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    const clock = settableClock();
    await using lettingIn = aLettingIn({ clock });
    const post = () => lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    endpoint.script(endpoint.giving({ expiresIn: 300 }));
    endpoint.answer(status(503));
    await post();
    clock.advance(250_000);
    for (let i = 0; i < 5; i++) assert.equal(told(await post()), 'answered 200');
    await endpoint.received(2);
    assert.equal(endpoint.requests.length, 2);
    clock.advance(1_100);
    await post();
    await endpoint.received(3);
    clock.advance(45_000);
    assert.match(told(await post()), /^OAUTH: no token from 127\.0\.0\.1:\d+: it answered 503$/);
  });

  it('that a destination refuses is shown no more', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    const post = () => lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    receiver.script(status(200), status(401), status(403));
    for (let i = 0; i < 4; i++) await post();
    assert.deepEqual(
      shownTo(receiver),
      [1, 1, 2, 2].map((n) => `Bearer token-number-${n}`),
    );
  });

  it('that is refused several times over is asked for once', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    const post = () => lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    receiver.script(status(401, { delayMs: 50 }), status(401, { delayMs: 100 }));
    await Promise.all([post(), post()]);
    await Promise.all([post(), post()]);
    assert.equal(endpoint.requests.length, 2);
  });

  it('is not asked for with every request of a destination that refuses each', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    const clock = settableClock();
    await using lettingIn = aLettingIn({ clock });
    const post = () => lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url)));
    receiver.answer(status(401));
    for (let i = 0; i < 20; i++) await post();
    assert.equal(endpoint.requests.length, 4);
    clock.advance(31_000);
    // The one that is refused now is old enough.
    for (let i = 0; i < 5; i++) await post();
    assert.equal(endpoint.requests.length, 5);
    // One that is taken is replaced at once when it is refused later.
    receiver.script(status(200), status(401));
    for (let i = 0; i < 3; i++) await post();
    assert.equal(endpoint.requests.length, 6);
  });
});

describe('a token endpoint that gives none', () => {
  async function outcomeOf(answer: Answer, timeoutMs = 10_000): Promise<Outcome> {
    await using endpoint = await openReceiver();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    endpoint.answer(answer);
    const outcome = await lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url), { timeoutMs }));
    assert.equal(receiver.requests.length, 0, 'nothing is sent without a token');
    assert.doesNotMatch(JSON.stringify(outcome), /the client\/secret/);
    return outcome;
  }
  const echo: Answer = ({ request, response }) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    const { authorization = '' } = request.headers;
    response.end(JSON.stringify({ error: 'invalid_client', error_description: authorization }));
  };

  for (const [what, answer, words] of [
    ['hangs', hang(), /^OAUTH: no token from \S+ within 300 ms$/],
    ['drips', endless(), /^OAUTH: no token from \S+ within 300 ms$/],
    ['resets', reset(), /^OAUTH: no token: connection reset by \S+ before/],
    ['breaks off', resetMidBody(), /^OAUTH: no token from \S+: its answer did not come whole: /],
    ['is no HTTP server', garbage(), /^OAUTH: no token: the answer from \S+ is not HTTP/],
    [
      'answers with very much',
      huge(100_000),
      /^OAUTH: no token from \S+: its answer is longer than 16384 bytes/,
    ],
    [
      'answers with HTML',
      status(200, { headers: { 'content-type': 'text/html' }, body: '<html>' }),
      /^OAUTH: no token from \S+: it answered 200 with "text\/html" and no JSON object: check token_url$/,
    ],
    [
      'answers with an error',
      json({ error: 'invalid_scope' }, { code: 400 }),
      /"invalid_scope": check scopes$/,
    ],
    ['repeats what it was asked', echo, /"invalid_client", \*\*\*: check client_id/],
    [
      'does not say how long',
      json({ access_token: 'x' }),
      /\(expires_in\): give auth\.oauth2\.token_lifetime$/,
    ],
    ['gives two headers', json({ access_token: 'a\r\nb: c', expires_in: 9 }), /such as a line break$/],
  ] as const) {
    it(`that ${what} is an error in words that repeat no secret`, async () => {
      const timeoutMs = what === 'hangs' || what === 'drips' ? 300 : 10_000;
      const outcome = await outcomeOf(answer, timeoutMs);
      assert.match(told(outcome), words);
    });
  }

  it('is not followed elsewhere', async () => {
    await using elsewhere = await openTokenEndpoint();
    const outcome = await outcomeOf(redirect(elsewhere.url));
    assert.match(
      told(outcome),
      /^OAUTH: .* it answered 302, and redirects are not followed: check token_url$/,
    );
    assert.equal(elsewhere.connections, 0);
  });

  it('is not waited for beyond 10 s by a request that has longer', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await using endpoint = await openReceiver();
    await using lettingIn = aLettingIn();
    endpoint.answer(hang());
    const sent = lettingIn.send(aPost('http://127.0.0.1:9', anOAuth2(endpoint.url), { timeoutMs: 60_000 }));
    while (endpoint.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(10_001);
    assert.match(told(await sent), /^OAUTH: no token: no answer from 127\.0\.0\.1:\d+ within 10000 ms$/);
  });

  it('gives it late to those who come after', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    endpoint.answer(endpoint.giving({ delayMs: 300 }));
    const post = (timeoutMs: number) =>
      lettingIn.send(aPost(receiver.url, anOAuth2(endpoint.url), { timeoutMs }));
    assert.match(told(await post(100)), /^OAUTH: no token from \S+ within 100 ms$/);
    assert.equal(told(await post(5_000)), 'answered 200');
    assert.equal(endpoint.requests.length, 1);
  });

  it('holds up nobody who needs no token, nor one of another', async () => {
    await using hanging = await openReceiver();
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using lettingIn = aLettingIn();
    hanging.answer(hang());
    let ended = 0;
    const stuck = Array.from({ length: 50 }, async (_, i) => {
      const rest = { webhookId: `wh_${i}`, timeoutMs: 2_000 };
      const outcome = await lettingIn.send(aPost(receiver.url, anOAuth2(hanging.url), rest));
      ended++;
      return outcome;
    });
    const post = aPost(receiver.url, anOAuth2(endpoint.url), { webhookId: 'other' });
    assert.equal(told(await lettingIn.send(post)), 'answered 200');
    assert.equal(told(await lettingIn.send(aRequest(receiver.url))), 'answered 200');
    assert.equal(ended, 0);
    assert.ok(hanging.connections <= 8, 'the bound of an origin holds');
    for (const outcome of await Promise.all(stuck)) assert.match(told(outcome), /^OAUTH/);
  });
});

describe('a token endpoint is called as destinations are', () => {
  it('never at an address that may not be called, whatever its name leads to', async () => {
    await using receiver = await openReceiver();
    await using endpoint = await openTokenEndpoint();
    const lookup = aLookup({ 'auth.example': [['127.0.0.1']], 'hooks.example': [['127.0.0.1']] });
    const policy = { allow: parseDestinationRules(['hooks.example'], 'allow') };
    await using lettingIn = aLettingIn({ lookup, policy });
    for (const host of ['auth.example', '127.0.0.1', '[::ffff:127.0.0.1]']) {
      const oauth2 = anOAuth2(`http://${host}:${endpoint.port}/`);
      const outcome = await lettingIn.send(aPost(`http://hooks.example:${receiver.port}/`, oauth2));
      assert.match(
        told(outcome),
        /^OAUTH: no token: .* may not be called: .* is (a loopback|an IPv4-mapped)/,
      );
    }
    assert.equal(endpoint.connections, 0);
  });

  it('through the egress proxy, whose trouble is no fault of it', async () => {
    await using endpoint = await openTokenEndpoint();
    await using receiver = await openReceiver();
    await using proxy = await openProxy();
    const policy = { allow: [] };
    const oauth2 = anOAuth2(`http://auth.example:${endpoint.port}/`);
    const post = aPost(`http://hooks.example:${receiver.port}/`, oauth2);
    await using lettingIn = aLettingIn({ policy, egressProxy: proxy });
    assert.equal(told(await lettingIn.send(post)), 'answered 200');
    assert.deepEqual(proxy.asked, [`auth.example:${endpoint.port}`, `hooks.example:${receiver.port}`]);
    await using refusing = await openProxy({
      misbehave: (socket) => socket.end('HTTP/1.1 407 No\r\n\r\n'),
    });
    await using other = aLettingIn({ policy, egressProxy: refusing });
    assert.match(
      told(await other.send(post)),
      /^PROXY: no token: the egress proxy \S+ wants other credentials/,
    );
  });

  it('with its certificate checked', async () => {
    await using endpoint = await openReceiver({ tls: true });
    await using receiver = await openReceiver();
    endpoint.answer(json({ access_token: 'got-over-tls', expires_in: 60 }));
    const post = aPost(receiver.url, anOAuth2(endpoint.url));
    await using distrustful = aLettingIn();
    assert.match(
      told(await distrustful.send(post)),
      /^OAUTH: no token: the certificate is self-signed: localhost/,
    );
    const policy = { allow: parseDestinationRules(LOOPBACK, 'allow') };
    await using trusting = aLettingIn({ policy, trustedCertificates: receiverCertificate() });
    assert.equal(told(await trusting.send(post)), 'answered 200');
    assert.deepEqual(shownTo(receiver), ['Bearer got-over-tls']);
  });

  it('with what its webhook has for TLS, where it is at the origin of the destination and nowhere else', async () => {
    await using there = await openReceiver({ tls: true });
    await using elsewhere = await openReceiver({ tls: true });
    const answer = json({ access_token: 'got-over-tls', expires_in: 60 });
    for (const each of [there, elsewhere]) each.answer(answer);
    const tls = { owner: 'wh_1', id: 'x', caBundle: receiverCertificate(), unverified: false };
    const destination = `${there.url}/hook`;
    await using lettingIn = aLettingIn();
    const send = (endpoint: Receiver) => {
      const oauth2 = anOAuth2(`${endpoint.url}/token`);
      const grant = grantOf(oauth2, 'wh_1', destination, tls);
      return lettingIn.send({ ...aPost(destination, oauth2), grant, tls });
    };
    assert.match(told(await send(elsewhere)), /^OAUTH: no token: the certificate is self-signed: localhost/);
    assert.equal(told(await send(there)), 'answered 200');
    assert.deepEqual(shownTo(there).slice(1), ['Bearer got-over-tls']);
  });

  it('and not at all when Carillon stops', async () => {
    await using endpoint = await openReceiver();
    endpoint.answer(hang());
    const lettingIn = aLettingIn();
    const sent = lettingIn.send(aPost('http://127.0.0.1:9', anOAuth2(endpoint.url)));
    await endpoint.received(1);
    await lettingIn[Symbol.asyncDispose]();
    assert.match(told(await sent), /^LOCAL: no token: Carillon/);
  });
});
