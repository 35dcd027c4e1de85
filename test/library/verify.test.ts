import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { VerificationError, verify } from '../../src/library/verify.ts';

interface Vectors {
  signing: {
    name: string;
    secret: string;
    id: string;
    timestamp: number;
    body_base64?: string;
    expected_signature: string;
  }[];
  rotation: {
    id: string;
    timestamp: number;
    body_utf8: string;
    new_secret: string;
    old_secret: string;
    header: string;
  };
  verification: {
    name: string;
    secret: string;
    now: number;
    headers: Record<string, string>;
    body_utf8: string;
    expect_valid: boolean;
  }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../testdata/standard-webhooks-vectors.json', import.meta.url), 'utf8'),
) as Vectors;
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('verify, for those who receive webhooks', () => {
  for (const { name, expect_valid, now, headers, body_utf8, ...vector } of vectors.verification) {
    it(`${expect_valid ? 'takes' : 'refuses'} ${name}`, () => {
      const request = { secret: vector.secret, headers, body: body_utf8, now: now * 1000 };
      if (expect_valid) assert.equal(verify(request), new Headers(headers).get('webhook-id'));
      else assert.throws(() => verify(request), VerificationError);
    });
  }

  it('takes the bytes of every reference signature', () => {
    const whole = vectors.signing.filter(({ body_base64 }) => body_base64 !== undefined);
    assert.ok(whole.length > 3);
    for (const { id, timestamp, body_base64, expected_signature, ...vector } of whole) {
      const headers = headersOf(id, timestamp, expected_signature);
      const body = Buffer.from(body_base64!, 'base64');
      assert.equal(verify({ secret: vector.secret, headers, body, now: timestamp * 1000 }), id);
    }
  });

  it('takes both secrets, and either, while one replaces the other', () => {
    const { id, timestamp, body_utf8, new_secret, old_secret, header } = vectors.rotation;
    const request = { headers: headersOf(id, timestamp, header), body: body_utf8, now: timestamp * 1000 };
    for (const one of [new_secret, old_secret, [secret, old_secret]]) {
      assert.equal(verify({ ...request, secret: one }), id);
    }
    assert.throws(() => verify({ ...request, secret }), VerificationError);
  });

  it('takes the headers of fetch, and names in any case', () => {
    const { id, timestamp, body_utf8, new_secret, header } = vectors.rotation;
    const named = headersOf(id, timestamp, header);
    const request = { secret: new_secret, body: body_utf8, now: timestamp * 1000 };
    assert.equal(verify({ ...request, headers: new Headers(named) }), id);
    const shouted = Object.fromEntries(
      Object.entries(named).map(([name, value]) => [name.toUpperCase(), value]),
    );
    assert.equal(verify({ ...request, headers: shouted }), id);
  });

  it('returns the id that was verified when a header comes in two cases', () => {
    const { id, timestamp, body_utf8, new_secret, header } = vectors.rotation;
    const headers = { 'Webhook-Id': 'forged', ...headersOf(id, timestamp, header) };
    const request = { secret: new_secret, headers, body: body_utf8, now: timestamp * 1000 };
    assert.equal(verify(request), id);
  });

  it("goes by the machine's clock, five minutes either way, unless told otherwise", () => {
    const signedAt = (at: number) =>
      headersOf('dlv_1', Math.floor(at / 1000), new Webhook(secret).sign('dlv_1', new Date(at), 'body'));
    const now = Date.now();
    assert.equal(verify({ secret, headers: signedAt(now), body: 'body' }), 'dlv_1');
    const old = { secret, headers: signedAt(now - 600_000), body: 'body' };
    assert.throws(() => verify(old), { name: 'VerificationError', message: /s old, more than 300 s$/ });
    assert.equal(verify({ ...old, toleranceSeconds: 900 }), 'dlv_1');
  });

  it('says that a secret is none, which is no fault of the request', () => {
    const request = { secret: 'secret', headers: {}, body: '' };
    assert.throws(() => verify(request), { name: 'TypeError', message: /^secret: must begin with whsec_/ });
  });
});

function headersOf(id: string, timestamp: number, signature: string): Record<string, string> {
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
}
