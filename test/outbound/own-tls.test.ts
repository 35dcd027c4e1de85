import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { destinationTls } from '../../src/domain/webhook/destination-tls.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createAuthority, type Pair } from '../support/authority.ts';
import { until } from '../support/pipeline.ts';
import { openProxy } from '../support/proxy.ts';
import { type Exchange, openReceiver, receiverCertificate, status } from '../support/receiver.ts';
import { aLookup, aRequest, aSender, told } from '../support/sender.ts';

const servers = createAuthority('of servers');
const clients = createAuthority('of clients');
const ann = clients.client('ann');
const ben = clients.client('ben');

/** A destination that lets nobody in without a certificate of `clients`. */
const mutual = () =>
  openReceiver({
    tls: { ...servers.server(), ca: clients.pem, requestCert: true, rejectUnauthorized: true },
  });

/** How a webhook speaks TLS, as the dispatcher makes it of what is stored. */
function tlsOf(owner: string, { pair, ...tls }: { pair?: Pair; caBundle?: string; unverified?: true }) {
  const effective = {
    tls: { ...tls, ...(pair && { clientCertificate: pair.cert }) },
  } as Webhook['effective'];
  const secret = pair && { tls: { privateKey: pair.key } };
  return destinationTls({ id: owner, effective }, { headers: {}, ...secret })!;
}

const trusting = { caBundle: servers.pem };
const lookup = aLookup({ localhost: [['127.0.0.1']], 'other.example': [['127.0.0.1']] });
const shownTo = ({ socket }: Exchange) =>
  (socket as TLSSocket).getPeerCertificate().subject?.CN?.toString() ?? 'nobody';

describe('a webhook with a client certificate', () => {
  it('is let in by a destination that asks for one, which others are not', async () => {
    await using receiver = await mutual();
    const seen: string[] = [];
    receiver.answer((exchange) => {
      seen.push(shownTo(exchange));
      status(200)(exchange);
    });
    await using sender = aSender({ trustedCertificates: servers.pem });
    const shown = await sender.send(aRequest(receiver.url, { tls: tlsOf('a', { pair: ann }) }));
    assert.equal(told(shown), 'answered 200');
    const without = await sender.send(aRequest(receiver.url));
    assert.match(
      told(without),
      /^TLS: the destination requires a client certificate, and the webhook has none: localhost/,
    );
    assert.deepEqual(seen, ['ann']);
  });

  it('shows it alone: connections and sessions of one webhook serve no other', async () => {
    await using receiver = await mutual();
    const seen: string[] = [];
    receiver.answer((exchange) => {
      const { length } = seen;
      const { id } = exchange.request.headers;
      seen.push(`${id} as ${shownTo(exchange)}`);
      // The next have to open one, and could take up the session.
      status(200, length < 4 ? {} : { headers: { connection: 'close' } })(exchange);
    });
    await using sender = aSender();
    const ways = {
      a: tlsOf('a', { ...trusting, pair: ann }),
      b: tlsOf('b', { ...trusting, pair: ben }),
      c: tlsOf('c', { ...trusting, pair: ann }),
    };
    for (let i = 0; i < 4; i++) {
      for (const [id, tls] of Object.entries(ways)) {
        const outcome = await sender.send(aRequest(receiver.url, { headers: ['id', id], tls }));
        assert.equal(told(outcome), 'answered 200');
      }
    }
    const once = ['a as ann', 'b as ben', 'c as ann'];
    assert.deepEqual(seen, [...once, ...once, ...once, ...once]);
    const connections = new Map<string, Set<unknown>>();
    for (const { connection, headers } of receiver.requests) {
      const id = String(headers.id);
      connections.set(id, (connections.get(id) ?? new Set()).add(connection));
    }
    const all = [...connections.values()].flatMap((each) => [...each]);
    assert.equal(new Set(all).size, all.length, 'two webhooks had one connection');
  });

  it('shows the next one as soon as it has another, and closes what it had', async () => {
    await using receiver = await mutual();
    const seen: string[] = [];
    const sockets: Exchange['socket'][] = [];
    receiver.answer((exchange) => {
      seen.push(shownTo(exchange));
      sockets.push(exchange.socket);
      status(200)(exchange);
    });
    await using sender = aSender();
    for (const pair of [ann, ann, ben, ann]) {
      await sender.send(aRequest(receiver.url, { tls: tlsOf('a', { ...trusting, pair }) }));
    }
    assert.deepEqual(seen, ['ann', 'ann', 'ben', 'ann']);
    // Long before they would be closed for being idle.
    await until(() => (sockets[0]!.destroyed && sockets[2]!.destroyed) || undefined);
    assert.equal(sockets[3]!.destroyed, false);
    await until(() => sender.stats().origins === 1 || undefined);
  });

  it('keeps nothing of it when a request of the one before hangs', async () => {
    await using receiver = await mutual();
    receiver.script(() => {});
    await using sender = aSender();
    const tls = tlsOf('a', { ...trusting, pair: ann });
    const hanging = sender.send(aRequest(receiver.url, { tls, timeoutMs: 500 }));
    await receiver.received(1);
    const next = await sender.send(aRequest(receiver.url, { tls: tlsOf('a', { ...trusting, pair: ben }) }));
    assert.equal(told(next), 'answered 200');
    assert.match(told(await hanging), /^TIMEOUT: no answer from localhost/);
    await until(() => sender.stats().origins === 1 || undefined);
  });

  it('goes through an egress proxy, and is shown to the destination', async () => {
    await using receiver = await mutual();
    await using proxy = await openProxy();
    const seen: string[] = [];
    receiver.answer((exchange) => {
      seen.push(shownTo(exchange));
      status(200)(exchange);
    });
    await using sender = aSender({ policy: { allow: [] }, egressProxy: proxy });
    const url = `https://receiver.example:${receiver.port}/`;
    for (const [owner, pair] of [
      ['a', ann],
      ['b', ben],
    ] as const) {
      const outcome = await sender.send(aRequest(url, { tls: tlsOf(owner, { ...trusting, pair }) }));
      assert.equal(told(outcome), 'answered 200');
    }
    assert.deepEqual(seen, ['ann', 'ben']);
    assert.equal(proxy.asked.length, 2);
  });

  it('is not let in with one that somebody else vouches for', async () => {
    await using receiver = await mutual();
    await using sender = aSender();
    const pair = createAuthority('of strangers').client('eve');
    const outcome = await sender.send(aRequest(receiver.url, { tls: tlsOf('a', { ...trusting, pair }) }));
    // Node's server closes the connection without an alert.
    assert.match(told(outcome), /^RESET: connection closed by localhost/);
    assert.equal(receiver.requests.length, 0);
  });
});

describe('a webhook with an authority of its own', () => {
  it('trusts that in place of the usual ones, and the name still has to be right', async () => {
    await using receiver = await openReceiver({ tls: servers.server() });
    await using usual = await openReceiver({ tls: true });
    await using sender = aSender({ lookup, trustedCertificates: receiverCertificate() });
    const tls = tlsOf('a', trusting);
    assert.equal(told(await sender.send(aRequest(receiver.url, { tls }))), 'answered 200');
    assert.match(
      told(await sender.send(aRequest(receiver.url))),
      /^TLS: .* authority that is not trusted|vouch/,
    );
    assert.match(
      told(await sender.send(aRequest(usual.url, { tls }))),
      /^TLS: the certificate is self-signed/,
    );
    const other = `https://other.example:${receiver.port}/`;
    assert.match(
      told(await sender.send(aRequest(other, { tls }))),
      /^TLS: the certificate is for another host/,
    );
  });

  it('can trust the certificate itself, which nobody else vouches for', async () => {
    await using receiver = await openReceiver({ tls: servers.server() });
    const leaf = servers.server();
    await using other = await openReceiver({ tls: leaf });
    await using sender = aSender();
    const tls = tlsOf('a', { caBundle: leaf.cert });
    assert.equal(told(await sender.send(aRequest(other.url, { tls }))), 'answered 200');
    assert.match(told(await sender.send(aRequest(receiver.url, { tls }))), /^TLS: /);
  });
});

describe('a webhook whose destination is not verified', () => {
  it('takes any certificate for any host, and no other webhook does after it', async () => {
    await using receiver = await openReceiver({ tls: true });
    receiver.answer(status(200, { headers: { connection: 'close' } }));
    await using sender = aSender({ lookup });
    const url = `https://other.example:${receiver.port}/`;
    const tls = tlsOf('a', { unverified: true });
    for (let i = 0; i < 2; i++) assert.equal(told(await sender.send(aRequest(url, { tls }))), 'answered 200');
    assert.match(told(await sender.send(aRequest(url))), /^TLS: the certificate is self-signed/);
    const verified = tlsOf('b', { caBundle: receiverCertificate() });
    assert.match(
      told(await sender.send(aRequest(url, { tls: verified }))),
      /^TLS: the certificate is for another host/,
    );
    assert.equal(receiver.requests.length, 2);
  });
});
