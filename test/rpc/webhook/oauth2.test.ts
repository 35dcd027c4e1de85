import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  OAuth2Auth_ClientAuthentication as ClientAuthentication,
  type OAuth2AuthSchema,
} from '../../../gen/carillon/v1/credentials_pb.ts';
import type { WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { credentialsWith } from '../../../src/domain/webhook/credentials.ts';
import type { OAuth2 } from '../../../src/domain/webhook/oauth2.ts';
import { sharedApi, violations } from '../../support/rpc.ts';

type Init<T> = Exclude<T, { $typeName: string }>;
type WebhookInit = Init<MessageInitShape<typeof WebhookSchema>>;
type OAuth2Init = Init<MessageInitShape<typeof OAuth2AuthSchema>>;

const SECRET = 'a-secret-made-in-2026';
const FULL = {
  tokenUrl: 'https://auth.example.com/oauth/token',
  clientId: 'carillon',
  clientSecret: { value: SECRET },
  scopes: ['events:write'],
  parameters: { audience: 'https://api.example.com/', constructor: 'x' },
  clientAuthentication: ClientAuthentication.POST,
  tokenLifetime: durationFromMs(300_000),
} as const satisfies OAuth2Init;

describe('how a webhook gets tokens', () => {
  const api = sharedApi();
  let count = 0;

  const auth = (value: OAuth2Init) => ({ method: { case: 'oauth2', value } }) as const;
  async function register(value: OAuth2Init, rest: WebhookInit = {}) {
    const name = `let-in-${++count}`;
    const destination = `http://127.0.0.1:9999/${name}`;
    return (await api().webhooks.register({ webhook: { name, destination, auth: auth(value), ...rest } }))
      .webhook!;
  }
  const update = async (webhook: WebhookInit, ...paths: string[]) =>
    (await api().webhooks.update({ webhook, updateMask: { paths } })).webhook!;
  async function held(id: string): Promise<OAuth2> {
    const [webhook] = await api().store.resolveWebhooks([{ namespace: 'default', id }]);
    const { auth } = credentialsWith(api().sealKey)(webhook!);
    assert.ok(auth?.kind === 'oauth2');
    return auth;
  }

  it('comes back as it was given, but for the secret', async () => {
    const { id, auth: answered } = await register(FULL);
    assert.ok(answered?.method.case === 'oauth2');
    const { clientSecret, ...rest } = answered.method.value;
    const { clientSecret: _, ...given } = FULL;
    assert.deepEqual(
      { ...rest, tokenLifetime: { ...rest.tokenLifetime } },
      {
        ...given,
        $typeName: 'carillon.v1.OAuth2Auth',
        tokenLifetime: { ...FULL.tokenLifetime },
      },
    );
    assert.deepEqual(
      [clientSecret?.value, clientSecret?.hint, clientSecret?.digest.length],
      ['', '2026', 12],
    );
    assert.deepEqual(await held(id), {
      kind: 'oauth2',
      tokenUrl: FULL.tokenUrl,
      clientId: 'carillon',
      secret: SECRET,
      scopes: ['events:write'],
      parameters: FULL.parameters,
      clientAuthentication: 'POST',
      tokenLifetimeMs: 300_000,
    });
  });

  it('is no change when it is given again, or without its secret', async () => {
    const { clientSecret: _, ...without } = FULL;
    const before = await register(FULL);
    const { name, destination } = before;
    for (const again of [auth(FULL), auth(without), before.auth!]) {
      const { webhook } = await api().webhooks.register({ webhook: { name, destination, auth: again } });
      assert.deepEqual(webhook, before);
    }
  });

  it('is changed by a mask in each part, and the rest stays', async () => {
    const { id } = await register(FULL);
    await update({ id, auth: auth({ clientSecret: { value: 'another' } }) }, 'auth.oauth2.client_secret');
    await update({ id, auth: auth({ parameters: { audience: 'b' } }) }, 'auth.oauth2.parameters.audience');
    await update({ id, auth: auth({ scopes: ['a', 'b'] }) }, 'auth.oauth2.scopes');
    const { secret, scopes, parameters, clientId } = await held(id);
    assert.deepEqual([secret, scopes, clientId], ['another', ['a', 'b'], 'carillon']);
    assert.deepEqual(parameters, { audience: 'b', constructor: 'x' });
    // Another way to be let in has its own secret.
    const basic = { method: { case: 'basic', value: { username: 'ann' } } } as const;
    const refused = await violations(update({ id, auth: basic }, 'auth'));
    assert.deepEqual(Object.keys(refused), ['webhook.auth.basic.password.value']);
    await update({ id }, 'auth');
    assert.equal((await api().webhooks.get({ id })).webhook?.auth, undefined);
  });

  const wrong: readonly (readonly [string, OAuth2Init, string, RegExp])[] = [
    ['without a token endpoint', { tokenUrl: '' }, 'token_url', /at least 1 character|empty/],
    ['with one inside', { tokenUrl: 'http://10.0.0.1/token' }, 'token_url', /points inside/],
    ['with a user in its URL', { tokenUrl: 'https://a:hidden@b.example/' }, 'token_url', /user info/],
    ['without a client id', { clientId: '' }, 'client_id', /at least 1 character|empty/],
    ['without a secret', { clientSecret: {} }, 'client_secret.value', /is not given.*give it/],
    ['with a line break', { clientSecret: { value: 'hidden\n' } }, 'client_secret.value', /line break/],
    ['with two scopes in one', { scopes: ['a b'] }, 'scopes[0]', /one scope/],
    [
      'with a secret among its parameters',
      { parameters: { client_secret: 'hidden' } },
      'parameters["client_secret"]',
      /other fields/,
    ],
    ['with a lifetime of nothing', { tokenLifetime: durationFromMs(1_000) }, 'token_lifetime', /10s|range/],
    [
      'with a way to show itself that is none',
      { clientAuthentication: 7 as never },
      'client_authentication',
      /./,
    ],
  ];
  for (const [what, given, field, words] of wrong) {
    it(`is refused ${what}, and without a word of what is secret`, async () => {
      const refused = await violations(register({ ...FULL, ...given }));
      assert.deepEqual(Object.keys(refused), [`webhook.auth.oauth2.${field}`]);
      assert.match(refused[`webhook.auth.oauth2.${field}`]!, words);
      assert.doesNotMatch(JSON.stringify(refused), /hidden/);
    });
  }

  it('is refused beside the header that is made of it', async () => {
    const refused = await violations(register(FULL, { headers: { Authorization: 'x' } }));
    assert.match(refused['webhook.auth'] ?? '', /give one of them/);
    const signed = { compatibilitySignature: { header: 'authorization', secret: 'x' } };
    assert.deepEqual(Object.keys(await violations(register(FULL, signed))), [
      'webhook.compatibility_signature.header',
    ]);
  });
});
