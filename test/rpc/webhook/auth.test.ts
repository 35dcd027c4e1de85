import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AuthSchema } from '../../../gen/carillon/v1/credentials_pb.ts';
import type { WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { credentialHeaders, credentialsWith } from '../../../src/domain/webhook/credentials.ts';
import { sharedApi, violations } from '../../support/rpc.ts';

type Init<T> = Exclude<T, { $typeName: string }>;
type WebhookInit = Init<MessageInitShape<typeof WebhookSchema>>;
type AuthInit = Init<MessageInitShape<typeof AuthSchema>>;

const bearer = (value = ''): AuthInit => ({ method: { case: 'bearer', value: { token: { value } } } });
const basic = (username: string, value = ''): AuthInit => ({
  method: { case: 'basic', value: { username, password: { value } } },
});
const TOKEN = 'a-token-made-in-2026';

describe('how a webhook is let in', () => {
  const api = sharedApi();
  let count = 0;

  async function register(webhook: WebhookInit = {}) {
    const name = `let-in-${++count}`;
    const destination = `http://127.0.0.1:9999/${name}`;
    return (await api().webhooks.register({ webhook: { name, destination, ...webhook } })).webhook!;
  }
  const update = async (webhook: WebhookInit, ...paths: string[]) =>
    (await api().webhooks.update({ webhook, updateMask: { paths } })).webhook!;
  async function sent(id: string): Promise<string | undefined> {
    const [webhook] = await api().store.resolveWebhooks([{ namespace: 'default', id }]);
    return credentialHeaders(credentialsWith(api().sealKey)(webhook!)).authorization;
  }

  it('is a token, which is answered with a hint and a digest', async () => {
    const { id, auth } = await register({ auth: bearer(TOKEN) });
    assert.equal(await sent(id), `Bearer ${TOKEN}`);
    assert.ok(auth?.method.case === 'bearer');
    const { value, hint, digest } = auth.method.value.token!;
    assert.deepEqual([value, hint, digest.length], ['', '2026', 12]);
  });

  it('is a name and a password, in UTF-8 (RFC 7617, 2.1)', async () => {
    const { id, auth } = await register({ auth: basic('test', '123\u00a3') });
    assert.equal(await sent(id), 'Basic dGVzdDoxMjPCow==');
    assert.ok(auth?.method.case === 'basic');
    assert.deepEqual([auth.method.value.username, auth.method.value.password?.value], ['test', '']);
  });

  it('is no change when it is given again, or without its secret', async () => {
    const before = await register({ auth: bearer(TOKEN) });
    const { name, destination } = before;
    for (const auth of [bearer(TOKEN), bearer(), before.auth!]) {
      assert.deepEqual(await register({ name, destination, auth }), before);
    }
    const changed = await register({ name, destination, auth: bearer(`x${TOKEN}`) });
    assert.notEqual(changed.etag, before.etag);
    assert.equal(await sent(before.id), `Bearer x${TOKEN}`);
  });

  it('is changed by a mask, as a whole or in a part, and taken away', async () => {
    const { id } = await register({ auth: basic('ann', 'p'), secretHeaders: { 'x-key': { value: 'k' } } });
    await update({ id, auth: basic('ben') }, 'auth.basic.username');
    assert.equal(await sent(id), `Basic ${Buffer.from('ben:p').toString('base64')}`);
    await update({ id, auth: basic('', 'q') }, 'auth.basic.password');
    assert.equal(await sent(id), `Basic ${Buffer.from('ben:q').toString('base64')}`);
    await update({ id, labels: { team: 'a' } }, 'labels');
    assert.equal(await sent(id), `Basic ${Buffer.from('ben:q').toString('base64')}`);
    await update({ id, auth: bearer(TOKEN) }, 'auth');
    assert.equal(await sent(id), `Bearer ${TOKEN}`);
    const after = await update({ id }, 'auth');
    assert.deepEqual([after.auth, await sent(id)], [undefined, undefined]);
    assert.deepEqual(Object.keys(after.secretHeaders), ['x-key']);
  });

  it('is no token for a password, when one is to be kept', async () => {
    const { id } = await register({ auth: bearer(TOKEN) });
    const refused = await violations(update({ id, auth: basic('ann') }, 'auth'));
    assert.deepEqual(Object.keys(refused), ['webhook.auth.basic.password.value']);
    assert.equal(await sent(id), `Bearer ${TOKEN}`);
  });

  for (const [what, auth, field, words] of [
    ['a name with a colon', basic('a:b', 'p'), 'basic.username', /colon/],
    ['a password with a line break', basic('a', 'hidden\n'), 'basic.password.value', /line break at its end/],
    ['a password that is too long', basic('a', 'hidden'.repeat(600)), 'basic.password.value', /4096/],
    ['a token with its scheme', bearer('Bearer hidden'), 'bearer.token.value', /leave out Bearer/],
    ['a token with a line break', bearer('hidden\n'), 'bearer.token.value', /remove spaces and line breaks/],
    ['no method', {}, 'method', /required/],
  ] as const) {
    it(`is refused with ${what}, and without a word of it`, async () => {
      const refused = await violations(register({ auth }));
      assert.deepEqual(Object.keys(refused), [`webhook.auth.${field}`]);
      assert.match(refused[`webhook.auth.${field}`]!, words);
      assert.doesNotMatch(JSON.stringify(refused), /hidden/);
    });
  }

  it('is refused with all that is wrong with it at once', async () => {
    const refused = await violations(register({ auth: basic('a:b', 'hidden\n') }));
    const fields = ['webhook.auth.basic.username', 'webhook.auth.basic.password.value'];
    assert.deepEqual(Object.keys(refused), fields);
  });

  it('is one thing: it is refused beside the header that is made of it, in whichever field', async () => {
    for (const headers of [
      { headers: { Authorization: 'x' } },
      { secretHeaders: { authorization: { value: 'x' } } },
    ]) {
      const refused = await violations(register({ auth: bearer(TOKEN), ...headers }));
      assert.match(refused['webhook.auth'] ?? '', /give one of them/);
    }
    const { id } = await register({ headers: { authorization: 'x' } });
    assert.deepEqual(Object.keys(await violations(update({ id, auth: bearer(TOKEN) }, 'auth'))), [
      'webhook.auth',
    ]);
    await update({ id, auth: bearer(TOKEN) }, 'auth', 'secret_headers.authorization');
    assert.equal(await sent(id), `Bearer ${TOKEN}`);
  });
});
