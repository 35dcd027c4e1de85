import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DestinationTls, DestinationTlsSchema } from '../../../gen/carillon/v1/destination_tls_pb.ts';
import type { WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { credentialsWith } from '../../../src/domain/webhook/credentials.ts';
import { createAuthority, type Pair } from '../../support/authority.ts';
import { sharedApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

type Init<T> = Exclude<T, { $typeName: string }>;
type WebhookInit = Init<MessageInitShape<typeof WebhookSchema>>;
type TlsInit = Init<MessageInitShape<typeof DestinationTlsSchema>>;

const DAY_MS = 86_400_000;
const authority = createAuthority('of clients');
/** Valid at T0, whenever the test is run. */
const until = new Date(Math.max(T0, Date.now()) + 30 * DAY_MS);
const aPair = (name: string) => authority.client(name, { notAfter: until });
const ann = aPair('ann');
const ben = aPair('ben');
const shown = ({ cert, key }: Pair): TlsInit => ({ clientCertificate: cert, privateKey: { value: key } });
const encrypted = createPrivateKey(ann.key)
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hidden' })
  .toString();

describe('how TLS is spoken with a destination', () => {
  const api = sharedApi();
  let count = 0;

  async function register(tls: TlsInit | DestinationTls, rest: WebhookInit = {}) {
    const name = `tls-${++count}`;
    const destination = `https://127.0.0.1:9999/${name}`;
    return (await api().webhooks.register({ webhook: { name, destination, tls, ...rest } })).webhook!;
  }
  const update = async (webhook: WebhookInit, ...paths: string[]) =>
    (await api().webhooks.update({ webhook, updateMask: { paths } })).webhook!;
  async function keyOf(id: string): Promise<string | undefined> {
    const [webhook] = await api().store.resolveWebhooks([{ namespace: 'default', id }]);
    return credentialsWith(api().sealKey)(webhook!).tls?.privateKey;
  }

  it('is a certificate with its key, of which answers have whom it is for, and never the key', async () => {
    const { id, tls } = await register({ ...shown(ann), caBundle: authority.pem });
    assert.equal(await keyOf(id), ann.key);
    assert.deepEqual([tls?.clientCertificate, tls?.caBundle], [ann.cert, authority.pem]);
    const { value, hint, digest } = tls!.privateKey!;
    assert.deepEqual([value, hint, digest.length], ['', 'CN=ann', 12]);
    const { subject, issuer, sha256Fingerprint, expireTime } = tls!.identity!;
    assert.deepEqual([subject, issuer], ['CN=ann', 'CN=of clients']);
    assert.match(sha256Fingerprint, /^[0-9a-f]{64}$/);
    assert.equal(Number(expireTime!.seconds), Math.floor(until.getTime() / 1000));
  });

  it('is no change when it is given again, or as it was answered', async () => {
    const before = await register(shown(ann));
    const { name, destination } = before;
    for (const tls of [shown(ann), { clientCertificate: ann.cert }, before.tls!]) {
      assert.deepEqual(await register(tls, { name, destination }), before);
    }
    const changed = await register(shown(ben), { name, destination });
    assert.notEqual(changed.etag, before.etag);
    assert.deepEqual([await keyOf(before.id), changed.tls?.identity?.subject], [ben.key, 'CN=ben']);
  });

  it('is changed by a mask, as a whole or in a part, and taken away', async () => {
    const { id } = await register(shown(ann), { secretHeaders: { 'x-key': { value: 'k' } } });
    await update({ id, labels: { team: 'a' } }, 'labels');
    assert.equal(await keyOf(id), ann.key);
    const other = await update({ id, tls: shown(ben) }, 'tls.client_certificate', 'tls.private_key');
    assert.deepEqual([await keyOf(id), other.tls?.identity?.subject], [ben.key, 'CN=ben']);
    await update({ id, tls: { caBundle: authority.pem } }, 'tls.ca_bundle');
    assert.equal(await keyOf(id), ben.key);
    const without = await update({ id }, 'tls.client_certificate');
    assert.deepEqual([await keyOf(id), without.tls?.caBundle], [undefined, authority.pem]);
    assert.deepEqual([without.tls?.privateKey, without.tls?.identity], [undefined, undefined]);
    const after = await update({ id }, 'tls');
    assert.deepEqual([after.tls, Object.keys(after.secretHeaders)], [undefined, ['x-key']]);
  });

  it('has a chain, of which the first is the certificate of the key', async () => {
    const chain = `${ann.cert}\r\nwho vouches for it:\n${authority.pem}`;
    const { tls } = await register({ ...shown(ann), clientCertificate: chain });
    assert.equal(tls?.identity?.subject, 'CN=ann');
  });

  const cut = ann.cert.slice(0, ann.cert.indexOf('-----END'));
  const mangled = ann.cert.replace(/\n.{64}\n/, '\nhiddenAAhidden\n');
  for (const [what, tls, field, words] of [
    [
      'a certificate of another key',
      { ...shown(ann), clientCertificate: ben.cert },
      'client_certificate',
      /does not belong to the private key/,
    ],
    [
      'the certificate behind the others',
      { ...shown(ann), clientCertificate: authority.pem + ann.cert },
      'client_certificate',
      /not first/,
    ],
    ['a certificate without a key', { clientCertificate: ann.cert }, 'private_key.value', /is not given/],
    ['a key without a certificate', { privateKey: { value: ann.key } }, 'client_certificate', /give both/],
    [
      'a key that is encrypted',
      { ...shown(ann), privateKey: { value: encrypted } },
      'private_key.value',
      /encrypted: give it without its passphrase/,
    ],
    [
      'a certificate for the key',
      { ...shown(ann), privateKey: { value: ann.cert } },
      'private_key.value',
      /has no private key/,
    ],
    [
      'two keys',
      { ...shown(ann), privateKey: { value: ann.key + ben.key } },
      'private_key.value',
      /has 2 private keys/,
    ],
    [
      'a key that is no PEM',
      { ...shown(ann), privateKey: { value: 'hidden' } },
      'private_key.value',
      /-----BEGIN PRIVATE KEY-----/,
    ],
    [
      'a key of which a part is missing',
      { ...shown(ann), privateKey: { value: ann.key.replace(/\n.{20}/, '\n') } },
      'private_key.value',
      /cannot be read/,
    ],
    [
      'a key that is cut off',
      { ...shown(ann), privateKey: { value: ann.key.slice(0, 80) } },
      'private_key.value',
      /cut off/,
    ],
    [
      'a key that is too long',
      { ...shown(ann), privateKey: { value: 'hidden'.repeat(1_000) } },
      'private_key.value',
      /4096/,
    ],
    [
      'a certificate that is no PEM',
      { ...shown(ann), clientCertificate: 'hidden' },
      'client_certificate',
      /-----BEGIN CERTIFICATE-----/,
    ],
    [
      'a certificate that is cut off',
      { ...shown(ann), clientCertificate: cut },
      'client_certificate',
      /cut off/,
    ],
    [
      'a certificate of which a part is missing',
      { ...shown(ann), clientCertificate: mangled },
      'client_certificate',
      /cannot be read/,
    ],
    [
      'a certificate with its key',
      { ...shown(ann), clientCertificate: ann.cert + ann.key },
      'client_certificate',
      /holds a private key too/,
    ],
    [
      'a chain that is too long',
      { ...shown(ann), clientCertificate: ann.cert + authority.pem.repeat(8) },
      'client_certificate',
      /has 9 certificates; at most 8/,
    ],
    [
      'a certificate that is too large',
      { ...shown(ann), clientCertificate: 'hidden'.repeat(10_000) },
      'client_certificate',
      /32768/,
    ],
    ['authorities that are none', { caBundle: 'hidden' }, 'ca_bundle', /has no certificate/],
    ['authorities with a key', { caBundle: authority.pem + ann.key }, 'ca_bundle', /holds a private key too/],
    [
      'too many authorities',
      { caBundle: authority.pem.repeat(33) },
      'ca_bundle',
      /has 33 certificates; at most 32/,
    ],
    ['authorities that are too large', { caBundle: 'hidden'.repeat(20_000) }, 'ca_bundle', /65536/],
    [
      'authorities that nothing is verified against',
      { caBundle: authority.pem, insecureSkipVerify: true },
      'insecure_skip_verify',
      /give one of them/,
    ],
  ] satisfies [string, TlsInit, string, RegExp][]) {
    it(`is refused with ${what}, and without a word of it`, async () => {
      const refused = await violations(register(tls));
      assert.deepEqual(Object.keys(refused), [`webhook.tls.${field}`]);
      assert.match(refused[`webhook.tls.${field}`]!, words);
      assert.doesNotMatch(JSON.stringify(refused), /hidden|MIG/);
    });
  }

  it('is refused with a key that is too short to be worth anything', async () => {
    const short = authority.client('short', { notAfter: until, rsaBits: 1024 });
    const refused = await violations(register(shown(short)));
    assert.deepEqual(refused, {
      'webhook.tls.client_certificate': 'cannot be used for TLS: ee key too small',
    });
  });

  it('is refused with a certificate that has expired, but for one that a webhook has already', async () => {
    const at = new Date(T0 - DAY_MS);
    const old = authority.client('old', { notAfter: at });
    const refused = await violations(register(shown(old)));
    assert.deepEqual(refused, {
      'webhook.tls.client_certificate': `expired at ${at.toISOString().replace(/\.\d+/, '.000')}: give one that is still valid`,
    });

    const soon = authority.client('soon', { notAfter: new Date(T0 + DAY_MS) });
    const before = await register(shown(soon));
    api().clock.advance(2 * DAY_MS);
    const { id, name, destination } = before;
    assert.deepEqual(await register(shown(soon), { name, destination }), before);
    const trusting = await update({ id, tls: { caBundle: authority.pem } }, 'tls.ca_bundle');
    assert.equal(trusting.tls?.caBundle, authority.pem);
    assert.deepEqual(Object.keys(await violations(register(shown(soon)))), [
      'webhook.tls.client_certificate',
    ]);
  });

  it('is refused for a destination without TLS, whichever of the two changes, and nothing is changed', async () => {
    const destination = 'http://127.0.0.1:9999/plain';
    const refused = await violations(register(shown(ann), { destination }));
    assert.deepEqual(Object.keys(refused), ['webhook.tls']);
    assert.match(refused['webhook.tls']!, /the destination is http/);
    const before = await register(shown(ann));
    const { id } = before;
    assert.deepEqual(Object.keys(await violations(update({ id, destination }, 'destination'))), [
      'webhook.tls',
    ]);
    const { webhook } = await api().webhooks.get({ id });
    assert.deepEqual([webhook?.etag, await keyOf(id)], [before.etag, ann.key]);
  });

  it('is told on the webhook where nothing is verified, and such webhooks are found', async () => {
    const { id, warnings, tls } = await register({ insecureSkipVerify: true });
    assert.deepEqual([warnings, tls?.insecureSkipVerify], [['TLS_NOT_VERIFIED'], true]);
    const listed = await api().webhooks.list({ filter: 'warnings:TLS_NOT_VERIFIED' });
    assert.deepEqual(
      listed.webhooks.map((webhook) => webhook.id),
      [id],
    );
    const verified = await update({ id }, 'tls');
    assert.deepEqual([verified.warnings, verified.tls], [[], undefined]);
    assert.deepEqual((await api().webhooks.list({ filter: 'warnings:*' })).webhooks, []);
  });
});
