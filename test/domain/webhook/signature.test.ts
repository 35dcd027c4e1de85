import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { systemRandom } from '../../../src/domain/random.ts';
import { parseSecret, sealSecret } from '../../../src/domain/webhook/secret.ts';
import { keysWith, sign, signingKey, verify } from '../../../src/domain/webhook/signature.ts';
import { aSecret, aWebhook, T0 } from '../../support/store.ts';

interface Vectors {
  signing: {
    name: string;
    secret: string;
    id: string;
    timestamp: number;
    body_base64?: string;
    body_repeat?: { utf8: string; count: number };
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
  readFileSync(new URL('../../testdata/standard-webhooks-vectors.json', import.meta.url), 'utf8'),
) as Vectors;
const secret = 'whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=';
const noKey = () => undefined;
const keyOf = (text: string) => signingKey(parseSecret(text));

describe('the signing keys of a webhook', () => {
  const random = systemRandom();
  const sealingKey = random.bytes(32);
  const { new_secret, old_secret } = vectors.rotation;
  const owner = aWebhook();
  const secrets = [new_secret, old_secret].map((text, i) =>
    aSecret({
      sealed: sealSecret(sealingKey, parseSecret(text), owner, random),
      ...(i > 0 && { expiresAt: T0 }),
    }),
  );

  it('are those of its sealed secrets, in their order', () => {
    const keys = keysWith(sealingKey, noKey)({ ...owner, secrets }).secrets;
    assert.deepEqual(
      keys.map(({ key }) => key.export()),
      [new_secret, old_secret].map((text) => Buffer.from(parseSecret(text))),
    );
  });

  it('are not to be had with another key than the secrets were sealed with', () => {
    assert.throws(() => keysWith(random.bytes(32), noKey)({ ...owner, secrets }), {
      code: 'FAILED_PRECONDITION',
    });
  });
});

describe('a signature', () => {
  for (const vector of vectors.signing) {
    it(`is the published one for ${vector.name}`, () => {
      const body = vector.body_repeat
        ? Buffer.from(vector.body_repeat.utf8.repeat(vector.body_repeat.count))
        : Buffer.from(vector.body_base64 ?? '', 'base64');
      const made = sign([keyOf(vector.secret)], vector.id, vector.timestamp, body);
      assert.equal(made, vector.expected_signature);
    });
  }

  it('is there for each key, in their order, while a secret is rotated', () => {
    const { id, timestamp, body_utf8: body, new_secret, old_secret, header } = vectors.rotation;
    const made = sign([keyOf(new_secret), keyOf(old_secret)], id, timestamp, Buffer.from(body));
    assert.equal(made, header);
  });

  it('covers bytes that are not text', () => {
    const body = Uint8Array.of(0, 255, 254, 13, 10, 128);
    const headers = {
      'webhook-id': 'msg_bytes',
      'webhook-timestamp': '1700000000',
      'webhook-signature': sign([keyOf(secret)], 'msg_bytes', 1_700_000_000, body),
    };
    const request = { secrets: [parseSecret(secret)], headers, now: 1_700_000_000_000 };
    assert.equal(verify({ ...request, body }), 'valid');
    // The same bytes read as UTF-8 and written again are others: nothing may do that on the way.
    const asText = Buffer.from(Buffer.from(body).toString('utf8'));
    assert.notEqual(verify({ ...request, body: asText }), 'valid');
  });

  it('is taken by the npm package standardwebhooks', () => {
    const body = '{"a": 1}\r\n ';
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = {
      'webhook-id': 'msg_npm',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign([keyOf(secret)], 'msg_npm', timestamp, Buffer.from(body)),
    };
    assert.deepEqual(new Webhook(secret).verify(body, headers), { a: 1 });
    assert.throws(() => new Webhook(secret).verify('{"a":1}', headers));
  });
});

describe('verifying a request', () => {
  for (const vector of vectors.verification) {
    it(`${vector.expect_valid ? 'passes' : 'fails'} with ${vector.name}`, () => {
      const verdict = verify({
        secrets: [parseSecret(vector.secret)],
        headers: vector.headers,
        body: Buffer.from(vector.body_utf8),
        now: vector.now * 1000,
      });
      assert.equal(verdict === 'valid', vector.expect_valid, JSON.stringify(verdict));
    });
  }

  const now = 1_700_000_000_000;
  const body = Buffer.from('{"a":1}\n');
  const headersAt = (timestamp: number | string) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': sign([keyOf(secret)], 'msg_1', Number(timestamp), body),
  });
  const base = { secrets: [parseSecret(secret)], body, now };
  const reasonOf = (request: Parameters<typeof verify>[0]) => {
    const verdict = verify(request);
    return verdict === 'valid' ? 'valid' : verdict.invalid;
  };

  it('takes a timestamp at either end of the tolerance and none beyond', () => {
    assert.equal(verify({ ...base, headers: headersAt(1_699_999_700) }), 'valid');
    assert.equal(verify({ ...base, headers: headersAt(1_700_000_300) }), 'valid');
    assert.match(reasonOf({ ...base, headers: headersAt(1_699_999_699) }), /301 s old/);
    assert.match(reasonOf({ ...base, headers: headersAt(1_700_000_301) }), /301 s in the future/);
    assert.match(
      reasonOf({ ...base, headers: headersAt(1_699_999_989), toleranceSeconds: 10 }),
      /more than 10 s/,
    );
  });

  it('takes any one of several secrets, as bytes or as a key', () => {
    const other = parseSecret(vectors.rotation.old_secret);
    assert.equal(
      verify({ ...base, secrets: [other, keyOf(secret)], headers: headersAt(1_700_000_000) }),
      'valid',
    );
    assert.match(
      reasonOf({ ...base, secrets: [other], headers: headersAt(1_700_000_000) }),
      /no signature matches/,
    );
    assert.match(reasonOf({ ...base, secrets: [], headers: headersAt(1_700_000_000) }), /no secret/);
  });

  it('refuses a timestamp in any spelling but plain digits', () => {
    for (const text of ['1.7e9', '+1700000000', '01700000000', '1700000000.0', ' 1700000000', '0x6553f100']) {
      const headers = { ...headersAt(1_700_000_000), 'webhook-timestamp': text };
      assert.match(reasonOf({ ...base, headers }), /whole number of seconds/, text);
    }
  });

  it('refuses headers that came twice', () => {
    const headers = { ...headersAt(1_700_000_000), 'webhook-id': ['msg_1', 'msg_2'] };
    assert.match(reasonOf({ ...base, headers }), /no webhook-id/);
  });

  it('says when there is no signature of a version it knows', () => {
    const headers = { ...headersAt(1_700_000_000), 'webhook-signature': 'v1a,AAAA v2,AAAA' };
    assert.match(reasonOf({ ...base, headers }), /no v1 signature/);
  });
});
