import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import type { Presented } from '../../src/domain/event/present.ts';
import { NO_CREDENTIALS } from '../../src/domain/webhook/credentials.ts';
import { formatSecret } from '../../src/domain/webhook/secret.ts';
import { signingKey, verify } from '../../src/domain/webhook/signature.ts';
import { buildRequest, type OutgoingRequest, type RequestParts } from '../../src/outbound/request.ts';
import { aWebhook, T0 } from '../support/store.ts';

const secret = new Uint8Array(32).fill(9);
const presented: Presented = {
  contentType: 'application/json',
  body: new TextEncoder().encode('{ "a" : 1 }\r\n'),
  headers: {},
};
const parts: RequestParts = {
  webhook: aWebhook({ spec: { destination: 'https://example.com/hook#x', timeoutMs: 1234 } }),
  delivery: { id: 'msg_1' },
  event: { id: 'evt_1' },
  presented,
  attemptNumber: 1,
  credentials: NO_CREDENTIALS,
  keys: { secrets: [{ key: signingKey(secret), until: Number.POSITIVE_INFINITY }] },
  now: T0 + 999,
  userAgent: 'Carillon/1.2.3',
};

function headersOf({ headers }: OutgoingRequest): Record<string, string> {
  const named: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    assert.equal(named[headers[i]!], undefined, `${headers[i]} comes once`);
    named[headers[i]!] = headers[i + 1]!;
  }
  return named;
}

describe('the POST of an attempt', () => {
  it('carries the delivery, the attempt and who sends it', () => {
    const request = buildRequest(parts);
    const { 'webhook-signature': signature, ...rest } = headersOf(request);
    assert.match(signature ?? '', /^v1,[A-Za-z0-9+/]{43}=$/);
    assert.deepEqual(rest, {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(T0 / 1000),
      'content-type': 'application/json',
      'user-agent': 'Carillon/1.2.3',
      'accept-encoding': 'identity',
      'carillon-attempt': '1',
      'carillon-event-id': 'evt_1',
    });
    assert.equal(request.destination, 'https://example.com/hook#x');
    assert.equal(request.timeoutMs, 1234);
  });

  it('has the bytes of what is presented, the very same', () => {
    assert.equal(buildRequest(parts).body, presented.body);
  });

  it('carries the id that the publisher gave the event, and in a replay the delivery that it repeats', () => {
    const event = { id: 'evt_1', callerId: 'order-7' };
    const first = headersOf(buildRequest({ ...parts, event }));
    assert.deepEqual([first['carillon-event-id'], first['carillon-replay-of']], ['order-7', undefined]);
    const replay = headersOf(buildRequest({ ...parts, event, delivery: { id: 'msg_2', replayOf: 'msg_1' } }));
    assert.deepEqual([replay['carillon-event-id'], replay['carillon-replay-of']], ['order-7', 'msg_1']);
  });

  it('carries the nominal time of a scheduled run, in RFC 3339', () => {
    const at = (nominalAt: number) =>
      headersOf(buildRequest({ ...parts, event: { id: 'evt_1', nominalAt } }))['carillon-scheduled-at'];
    assert.equal(at(T0), '2026-01-01T00:00:00Z');
    assert.equal(at(T0 + 250), '2026-01-01T00:00:00.250Z');
  });

  it("carries the webhook's own headers beside them", () => {
    const webhook = aWebhook({ spec: { headers: { authorization: 'Bearer x', 'x-empty': '' } } });
    const headers = headersOf(buildRequest({ ...parts, webhook }));
    assert.equal(headers.authorization, 'Bearer x');
    assert.equal(headers['x-empty'], '');
  });

  it('carries the headers of its event before those of the webhook with the same name, once each', () => {
    const webhook = aWebhook({ spec: { headers: { 'x-team': 'webhook', 'x-own': '1' } } });
    const headers = { 'x-team': 'event', 'ce-id': 'e1' };
    const sent = headersOf(buildRequest({ ...parts, webhook, presented: { ...presented, headers } }));
    assert.equal(sent['x-team'], 'event');
    assert.equal(sent['ce-id'], 'e1');
    assert.equal(sent['x-own'], '1');
  });

  it('lets nothing replace or double what Carillon sets', () => {
    const headers = { 'webhook-id': 'other', 'content-type': 'text/html', 'user-agent': 'x' };
    const webhook = aWebhook({ spec: { headers: { 'webhook-signature': 'v1,x', 'carillon-attempt': '7' } } });
    const sent = headersOf(buildRequest({ ...parts, webhook, presented: { ...presented, headers } }));
    assert.deepEqual(sent, headersOf(buildRequest(parts)));
  });

  it('passes the check of a receiver, ours and the one of standardwebhooks', () => {
    const now = Date.now();
    const headers = headersOf(buildRequest({ ...parts, now }));
    assert.equal(verify({ secrets: [secret], headers, body: presented.body, now }), 'valid');
    const received = new StandardWebhook(formatSecret(secret)).verify(Buffer.from(presented.body), headers);
    assert.deepEqual(received, { a: 1 });
  });

  it('of a retry has the same id and bytes, and a timestamp and signature of its own time', () => {
    const first = headersOf(buildRequest(parts));
    const later = { ...parts, attemptNumber: 2, now: T0 + 3_600_000 };
    const retry = headersOf(buildRequest(later));
    assert.equal(retry['webhook-id'], first['webhook-id']);
    assert.equal(retry['carillon-attempt'], '2');
    assert.equal(retry['webhook-timestamp'], String(T0 / 1000 + 3600));
    assert.notEqual(retry['webhook-signature'], first['webhook-signature']);
    const checked = { secrets: [secret], headers: retry, body: presented.body, now: later.now };
    assert.equal(verify(checked), 'valid');
  });

  it('is signed with every key while a secret is rotated, the newest first, and with none that has ended', () => {
    const [old, ended] = [3, 4].map((byte) => new Uint8Array(24).fill(byte)) as [Uint8Array, Uint8Array];
    const keys = [
      ...parts.keys.secrets,
      { key: signingKey(old), until: parts.now + 1 },
      { key: signingKey(ended), until: parts.now },
    ];
    const headers = headersOf(buildRequest({ ...parts, keys: { secrets: keys } }));
    const alone = [secret, old].map((one) => {
      const key = { key: signingKey(one), until: Number.POSITIVE_INFINITY };
      return headersOf(buildRequest({ ...parts, keys: { secrets: [key] } }))['webhook-signature'];
    });
    assert.equal(headers['webhook-signature'], alone.join(' '));
    for (const [one, verdict] of [
      [secret, 'valid'],
      [old, 'valid'],
      [ended, 'no signature matches: the secret is another, or id, timestamp or body were changed'],
    ] as const) {
      const judged = verify({ secrets: [one], headers, body: presented.body, now: T0 });
      assert.equal(judged === 'valid' ? judged : judged.invalid, verdict);
    }
  });

  it('carries secret headers before those of the same name, and is to be written down without their values', () => {
    const request = buildRequest({
      ...parts,
      webhook: aWebhook({ spec: { headers: { 'x-plain': 'p', 'x-key': 'of the webhook' } } }),
      credentials: { headers: { 'x-key': 'secret', authorization: 'Bearer secret' } },
      presented: {
        ...presented,
        headers: { authorization: 'Bearer event', cookie: 'of=event', 'x-event': 'e' },
      },
    });
    const { authorization, cookie, ...rest } = headersOf(request);
    assert.deepEqual([authorization, cookie], ['Bearer secret', 'of=event']);
    assert.deepEqual([rest['x-key'], rest['x-plain'], rest['x-event']], ['secret', 'p', 'e']);
    const recorded = headersOf({ ...request, headers: [...request.recordedHeaders!] });
    assert.deepEqual([recorded.authorization, recorded.cookie, recorded['x-key']], ['***', '***', '***']);
    assert.deepEqual([recorded['x-plain'], recorded['x-event']], ['p', 'e']);
    assert.deepEqual(Object.keys(recorded), Object.keys(headersOf(request)));
  });

  it('is written down as it is when nothing in it is secret', () => {
    assert.equal(buildRequest(parts).recordedHeaders, undefined);
  });

  it('carries a name and a password, and says that each is not to be kept of an answer', () => {
    const request = buildRequest({
      ...parts,
      credentials: { headers: {}, auth: { kind: 'basic', username: 'ann', secret: 'p' } },
    });
    const sent = 'Basic YW5uOnA=';
    assert.equal(headersOf(request).authorization, sent);
    assert.deepEqual(request.secrets, [sent, 'p']);
  });
});
