import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oauth2Faults, tokenRequestOf } from '../../../src/domain/webhook/oauth2.ts';
import { anOAuth2, CLIENT_SECRET } from '../../support/token-endpoint.ts';

const URL_ = 'https://auth.example.com/token';

function headersOf(headers: readonly string[]): Record<string, string> {
  const named: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) named[headers[i]!] = headers[i + 1]!;
  return named;
}

describe('what a token endpoint is asked', () => {
  it('is the grant with its scopes, by a client that form-encodes its id and secret (RFC 6749, 2.3.1)', () => {
    const { headers, body } = tokenRequestOf(anOAuth2(URL_));
    const form = 'grant_type=client_credentials&scope=events%3Awrite+events%3Aread';
    assert.equal(Buffer.from(body).toString(), form);
    const { authorization = '', ...rest } = headersOf(headers);
    assert.deepEqual(rest, {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    });
    const [, base64 = ''] = /^Basic (.*)$/.exec(authorization) ?? [];
    // Of a colon in the id it is told where the id ends.
    assert.equal(
      Buffer.from(base64, 'base64').toString(),
      'carillon%3Aeu:the+client%2Fsecret%3A+of+2026%26more',
    );
  });

  it('has id and secret in its body where the server wants them there, and no header then', () => {
    const parameters = { audience: 'https://api.example.com/', constructor: 'x' };
    const oauth2 = anOAuth2(URL_, { clientAuthentication: 'POST', scopes: [], parameters });
    const { headers, body } = tokenRequestOf(oauth2);
    assert.equal(headersOf(headers).authorization, undefined);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(Buffer.from(body).toString())), {
      grant_type: 'client_credentials',
      audience: 'https://api.example.com/',
      constructor: 'x',
      client_id: 'carillon:eu',
      client_secret: CLIENT_SECRET,
    });
  });

  it('is refused with what cannot be sent or would be shown, by its field and without the secret', () => {
    const long = 'hidden'.repeat(520);
    for (const [given, field, words] of [
      [{ clientId: 'a\tb' }, 'client_id', /control character/],
      [{ secret: 'hidden\n' }, 'client_secret.value', /line break at its end/],
      [{ secret: long }, 'client_secret.value', /at most 4096.*or use client_authentication POST/],
      [{ scopes: ['a', 'b c'] }, 'scopes[1]', /must be one scope/],
      [{ scopes: ['"a"'] }, 'scopes[0]', /double quotes/],
      [{ parameters: { scope: 'a' } }, 'parameters["scope"]', /made of the other fields/],
      [{ parameters: { Password: 'a' } }, 'parameters["Password"]', /would be shown/],
    ] as const) {
      const faults = oauth2Faults(anOAuth2(URL_, given));
      assert.deepEqual(
        faults.map((fault) => fault.field),
        [`oauth2.${field}`],
      );
      assert.match(faults[0]!.description, words);
      assert.doesNotMatch(JSON.stringify(faults), /hidden/);
    }
    assert.deepEqual(oauth2Faults(anOAuth2(URL_, { secret: long, clientAuthentication: 'POST' })), []);
    assert.deepEqual(oauth2Faults(anOAuth2(URL_, { clientId: 'Zoë', parameters: { resource: 'a b' } })), []);
  });
});
