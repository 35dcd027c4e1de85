import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AccessToken,
  readToken,
  renewalMs,
  shownMs,
  type TokenAnswer,
} from '../../../src/domain/webhook/access-token.ts';
import type { OAuth2 } from '../../../src/domain/webhook/oauth2.ts';
import { anOAuth2, CLIENT_SECRET } from '../../support/token-endpoint.ts';

const URL_ = 'https://auth.example.com/token';

function read(body: unknown, rest: Partial<TokenAnswer> = {}, oauth2: Partial<OAuth2> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = { status: 200, headers: {}, body: Buffer.from(text), truncated: false, ...rest };
  return readToken(answer, anOAuth2(URL_, oauth2));
}

function good(body: unknown, oauth2: Partial<OAuth2> = {}): AccessToken {
  const token = read(body, {}, oauth2);
  assert.ok(!('fault' in token), JSON.stringify(token));
  return token;
}

function fault(...given: Parameters<typeof read>): string {
  const token = read(...given);
  assert.ok('fault' in token, 'it was taken');
  return token.fault;
}

const given = (rest: object = {}) => ({ access_token: 'abc', token_type: 'bearer', expires_in: 60, ...rest });

describe('the answer of a token endpoint', () => {
  it('has a token and how long it is good, also as a text, and for a day at most', () => {
    assert.deepEqual(good(given()), { value: 'abc', lifetimeMs: 60_000 });
    assert.deepEqual(good(given({ expires_in: '3600' })).lifetimeMs, 3_600_000);
    assert.deepEqual(good(given({ expires_in: 31_536_000 })).lifetimeMs, 86_400_000);
    assert.deepEqual(good(given({ expires_in: 60 }), { tokenLifetimeMs: 10_000 }).lifetimeMs, 60_000);
    // What RFC 6749, 5.1 asks for, and some leave out.
    assert.equal(good(given({ token_type: undefined })).value, 'abc');
    assert.equal(good(given({ token_type: 'BEARER' })).value, 'abc');
  });

  it('says how long the token is good, or else the webhook does', () => {
    for (const expires_in of [undefined, null]) {
      assert.match(fault(given({ expires_in })), /\(expires_in\): give auth\.oauth2\.token_lifetime$/);
      assert.equal(good(given({ expires_in }), { tokenLifetimeMs: 300_000 }).lifetimeMs, 300_000);
    }
    for (const expires_in of [0, -1, 'soon', '1e3', {}, true, '']) {
      assert.equal(fault(given({ expires_in })), 'its expires_in is no number of seconds above 0');
    }
  });

  it('is an error in words where it is no such thing', () => {
    const html = { 'content-type': 'text/html; charset=utf-8' };
    for (const [body, rest, words] of [
      ['<html>', { headers: html }, 'it answered 200 with "text/html" and no JSON object: check token_url'],
      ['<html>', {}, 'it answered 200 with no content type and no JSON object: check token_url'],
      ['[1]', { headers: html }, 'it answered 200 with "text/html" and no JSON object: check token_url'],
      ['{"access_', { truncated: true }, 'its answer is longer than 16384 bytes: check token_url'],
      [
        given(),
        { bodyFault: { errorClass: 'RESET', message: 'connection reset by x:1' } },
        'its answer did not come whole: connection reset by x:1',
      ],
      ['', { status: 503 }, 'it answered 503'],
      [given(), { status: 400 }, 'it answered 400'],
      ['', { status: 302 }, 'it answered 302, and redirects are not followed: check token_url'],
      [{ expires_in: 60 }, {}, 'its answer has no access_token'],
      [given({ access_token: 7 }), {}, 'its answer has no access_token'],
      [given({ access_token: '' }), {}, 'its answer has no access_token'],
      [given({ token_type: 'mac' }), {}, 'its token_type is "mac", and Carillon sends Bearer only'],
      [
        given({ token_type: 7 }),
        {},
        'its token_type is something that is no text, and Carillon sends Bearer only',
      ],
    ] as const) {
      assert.equal(fault(body, rest), words);
    }
  });

  it('has no token that would be two headers, or too long for one, and nobody is shown it', () => {
    for (const access_token of [
      'hidden\r\nx-evil: 1',
      'hidden\n',
      'hidden hidden',
      'hidden\u00e9',
      'hidden\0',
    ]) {
      const words = fault(given({ access_token }));
      assert.equal(
        words,
        'its access_token has a character that a header cannot carry, such as a line break',
      );
    }
    const long = fault(given({ access_token: 'hidden'.repeat(1000) }));
    assert.equal(long, 'its access_token has 6000 characters: at most 4089 can be sent');
  });

  it('says why there is none, in the words of the server and with what to do', () => {
    const error = { error: 'invalid_client', error_description: 'Unknown client\r\n' };
    const remedy = ': check client_id, client_secret and client_authentication';
    const told = `it answered 401 with the error "invalid_client", "Unknown client\\r\\n"${remedy}`;
    assert.equal(fault(error, { status: 401 }), told);
    // Some say so with 200.
    assert.equal(fault({ error: 'slow_down' }), 'it answered 200 with the error "slow_down"');
    assert.equal(fault({ error: 'constructor' }), 'it answered 200 with the error "constructor"');
    assert.equal(fault({ error: 7 }), 'it answered 200 with the error something that is no text');
    assert.equal(good(given({ error: null })).value, 'abc');
    const long = fault({ error: 'x', error_description: 'y'.repeat(5000) });
    assert.ok(long.length < 300);
  });

  it('is not told where it repeats the secret, in whatever form that was sent', () => {
    const encoded = 'the+client%2Fsecret%3A+of+2026%26more';
    const base64 = Buffer.from(`carillon%3Aeu:${encoded}`).toString('base64');
    for (const form of [CLIENT_SECRET, encoded, encodeURIComponent(CLIENT_SECRET), base64]) {
      const answers = [{ error: `no ${form}` }, { error: 'x', error_description: form }];
      for (const answer of [...answers, given({ token_type: `mac ${form}` })]) {
        const words = fault(answer);
        assert.match(words, /\*\*\*/);
        assert.ok(!words.includes(form), words);
      }
    }
    const typed = fault(
      'x',
      { headers: { 'content-type': `${'s'.repeat(9)}/x` } },
      { secret: 's'.repeat(9) },
    );
    assert.equal(typed, 'it answered 200 with *** and no JSON object: check token_url');
    // Of a short one too: words that have it in them are left out as a whole.
    assert.equal(fault({ error: 'pin 1234' }, {}, { secret: '1234' }), 'it answered 200 with the error ***');
  });
});

describe('a token', () => {
  it('is shown until it could expire on its way, and the next one asked for before that', () => {
    for (const [lifetimeMs, renewed, shown] of [
      [3_600_000, 3_540_000, 3_590_000],
      [300_000, 240_000, 290_000],
      [60_000, 48_000, 54_000],
      [1_000, 800, 900],
    ] as const) {
      assert.deepEqual([renewalMs({ lifetimeMs }), shownMs({ lifetimeMs })], [renewed, shown]);
    }
  });
});
