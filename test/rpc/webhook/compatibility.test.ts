import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CompatibilitySignature_Algorithm as Algorithm,
  CompatibilitySignature_Content as Content,
  CompatibilitySignature_Encoding as Encoding,
  CompatibilitySignature_KeyForm as KeyForm,
} from '../../../gen/carillon/v1/credentials_pb.ts';
import { openCompatibilitySecret } from '../../../src/domain/webhook/compatibility.ts';
import { sharedApi, violations } from '../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const CANARY = 'canary-5f4dcc3b5aa765d6';

describe('compatibility_signature', () => {
  const api = sharedApi();
  let hooks = 0;
  const base = () => ({ name: `compatible-${++hooks}`, destination: DESTINATION });
  const FULL = {
    secret: CANARY,
    keyForm: KeyForm.TEXT,
    algorithm: Algorithm.HMAC_SHA1,
    encoding: Encoding.BASE64,
    content: Content.TIMESTAMP_BODY,
    header: 'X-Signature',
    value: 't={timestamp},v1={signature}',
  };
  const secretOf = async (id: string) => {
    const [webhook] = await api().store.resolveWebhooks([{ namespace: 'default', id }]);
    const sealed = webhook?.compatibilitySecret;
    return sealed && openCompatibilitySecret(api().sealKey, sealed, webhook);
  };

  it('comes back as it was asked for, but for its secret, which is nowhere to be seen', async () => {
    const { webhook, secret } = await api().webhooks.register({
      webhook: { ...base(), compatibilitySignature: FULL },
    });
    const { $typeName: _, ...shown } = webhook!.compatibilitySignature!;
    assert.deepEqual(shown, { ...FULL, secret: '' });
    assert.match(secret, /^whsec_/);
    assert.equal(await secretOf(webhook!.id), CANARY);
    const all = [await api().webhooks.get({ id: webhook!.id }), await api().webhooks.list({}), api().lines];
    const text = JSON.stringify(all, (__, value) => (typeof value === 'bigint' ? String(value) : value));
    assert.ok(!text.includes(CANARY));
    const [stored] = await api().store.resolveWebhooks([{ namespace: 'default', id: webhook!.id }]);
    assert.ok(!Buffer.from(stored!.compatibilitySecret!).includes(CANARY));
    assert.ok(!JSON.stringify(stored!.spec).includes(CANARY));
  });

  it('keeps its secret where none is given, takes another, and forgets it with the signature', async () => {
    const webhook = base();
    const { secret: _, ...without } = FULL;
    const made = await api().webhooks.register({ webhook: { ...webhook, compatibilitySignature: FULL } });
    const { id, etag } = made.webhook!;
    const again = await api().webhooks.register({ webhook: { ...webhook, compatibilitySignature: without } });
    assert.deepEqual([again.webhook?.etag, await secretOf(id)], [etag, CANARY]);
    const same = await api().webhooks.register({ webhook: { ...webhook, compatibilitySignature: FULL } });
    assert.equal(same.webhook?.etag, etag);

    const value = '{signature}';
    const changed = await api().webhooks.update({
      webhook: { id, compatibilitySignature: { header: 'X-Other', value } },
      updateMask: { paths: ['compatibility_signature.header', 'compatibility_signature.value'] },
    });
    assert.equal(changed.webhook?.compatibilitySignature?.header, 'X-Other');
    assert.equal(changed.webhook?.compatibilitySignature?.algorithm, Algorithm.HMAC_SHA1);
    assert.equal(await secretOf(id), CANARY);

    const other = { webhook: { id, compatibilitySignature: { secret: 'other' } } };
    const mask = { updateMask: { paths: ['compatibility_signature.secret'] } };
    const replaced = await api().webhooks.update({ ...other, ...mask });
    assert.notEqual(replaced.webhook?.etag, changed.webhook?.etag);
    assert.equal(await secretOf(id), 'other');
    assert.equal((await api().webhooks.update({ ...other, ...mask })).webhook?.etag, replaced.webhook?.etag);

    await api().webhooks.update({ webhook: { id }, updateMask: { paths: ['compatibility_signature'] } });
    assert.equal(await secretOf(id), undefined);
    const missing = await violations(
      api().webhooks.update({ webhook: { id, compatibilitySignature: without } }),
    );
    assert.deepEqual(Object.keys(missing), ['webhook.compatibility_signature.secret']);
  });

  it('keeps its header to itself, whatever else of the webhook is changed', async () => {
    const made = await api().webhooks.register({ webhook: { ...base(), compatibilitySignature: FULL } });
    const { id } = made.webhook!;
    for (const taken of [
      { headers: { 'x-signature': 'a' } },
      { secretHeaders: { 'x-signature': { value: 'a' } } },
      { payload: { headerTemplates: { 'x-signature': 'a' } } },
    ]) {
      const found = await violations(api().webhooks.update({ webhook: { id, ...taken } }));
      assert.match(found['webhook.compatibility_signature.header'] ?? '', /is a header of the webhook/);
    }
  });

  const REFUSED: readonly (readonly [what: string, given: object, field: string, rule: RegExp])[] = [
    ['no secret', { secret: '' }, 'secret', /is required: the webhook has none yet/],
    ['a secret that is not base64', { keyForm: KeyForm.BASE64 }, 'secret', /is not padded base64/],
    ['too long a secret', { secret: CANARY.repeat(23) }, 'secret', /512/],
    ['an algorithm that there is not', { algorithm: 9 }, 'algorithm', /defined/],
    ['no header', { header: '' }, 'header', /1 character|empty/],
    ['a header that is ours', { header: 'Webhook-Signature' }, 'header', /is set by Carillon/],
    ['another that is ours', { header: 'Carillon-Attempt' }, 'header', /is set by Carillon/],
    ['one more that is ours', { header: 'Accept-Encoding' }, 'header', /is set by Carillon/],
    ['the content type', { header: 'content-type' }, 'header', /has a field of its own/],
    ['a header of the connection', { header: 'Connection' }, 'header', /concerns the connection/],
    ['a header that is no token', { header: 'x signature' }, 'header', /is not a token/],
    ['a header that the webhook has', { header: 'x-TEAM' }, 'header', /is a header of the webhook/],
    ['a header that its templates make', { header: 'x-made' }, 'header', /is a header of the webhook/],
    ['a value without a signature', { value: 't={timestamp}' }, 'value', /must have \{signature\}/],
    [
      'a value with another name',
      { value: '{signature},{id}' },
      'value',
      /"\{id\}", which stands for nothing/,
    ],
    ['a value that no header can carry', { value: '{signature}\n' }, 'value', /cannot carry/],
  ];
  for (const [what, given, field, rule] of REFUSED) {
    it(`is refused with ${what}, naming the field, and nothing is registered`, async () => {
      const webhook = {
        ...base(),
        headers: { 'X-Team': 'a' },
        payload: { headerTemplates: { 'X-Made': 'b' } },
        compatibilitySignature: { ...FULL, ...given },
      };
      const found = await violations(api().webhooks.register({ webhook }));
      assert.deepEqual(Object.keys(found), [`webhook.compatibility_signature.${field}`]);
      assert.match(Object.values(found)[0]!, rule);
      assert.ok(!JSON.stringify(found).includes(CANARY));
      const { webhooks } = await api().webhooks.list({ filter: `name = ${webhook.name}` });
      assert.deepEqual(webhooks, []);
    });
  }
});
