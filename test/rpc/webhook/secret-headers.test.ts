import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import type { WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { credentialsWith } from '../../../src/domain/webhook/credentials.ts';
import { sharedApi, violations } from '../../support/rpc.ts';

type WebhookInit = Exclude<MessageInitShape<typeof WebhookSchema>, { $typeName: string }>;

const TOKEN = 'Bearer a-token-of-2026';

describe('secret headers', () => {
  const api = sharedApi();
  let count = 0;

  async function register(webhook: WebhookInit = {}) {
    const name = `hook-${++count}`;
    const destination = `http://127.0.0.1:9999/${name}`;
    const { webhook: made } = await api().webhooks.register({ webhook: { name, destination, ...webhook } });
    return made!;
  }
  const update = async (webhook: WebhookInit, ...paths: string[]) => {
    const updateMask = paths.length > 0 ? { updateMask: { paths } } : {};
    return (await api().webhooks.update({ webhook, ...updateMask })).webhook!;
  };
  /** What is sent to the destination. */
  async function sent(id: string): Promise<Readonly<Record<string, string>>> {
    const [webhook] = await api().store.resolveWebhooks([{ namespace: 'default', id }]);
    return credentialsWith(api().sealKey)(webhook!).headers;
  }

  it('are answered with a hint and a digest, and never with their values', async () => {
    const { id, secretHeaders } = await register({ secretHeaders: { 'X-Key': { value: TOKEN } } });
    assert.deepEqual(Object.keys(secretHeaders), ['x-key']);
    const { value, hint, digest } = secretHeaders['x-key']!;
    assert.deepEqual([value, hint], ['', '2026']);
    assert.match(digest, /^[\w-]{12}$/);
    assert.deepEqual(await sent(id), { 'x-key': TOKEN });
    assert.ok(!JSON.stringify(api().lines).includes(TOKEN));
  });

  it('have no hint when four characters were much of them', async () => {
    const { secretHeaders } = await register({ secretHeaders: { 'x-pin': { value: '123456789012345' } } });
    assert.equal(secretHeaders['x-pin']?.hint, '');
  });

  for (const name of [
    'Authorization',
    'cookie',
    'X-API-Key',
    'apikey',
    'x-my-token',
    'Client-Secret',
    'x-password',
  ]) {
    it(`are those of the plain ones too that are called ${name}`, async () => {
      const { id, headers, secretHeaders } = await register({ headers: { [name]: TOKEN, 'x-plain': 'p' } });
      assert.deepEqual(headers, { 'x-plain': 'p' });
      assert.deepEqual(Object.keys(secretHeaders), [name.toLowerCase()]);
      assert.deepEqual(await sent(id), { [name.toLowerCase()]: TOKEN });
    });
  }

  it('are no change when they are given again, in either field', async () => {
    const before = await register({ secretHeaders: { authorization: { value: TOKEN } } });
    const { name, destination } = before;
    for (const given of [
      { secretHeaders: { authorization: { value: TOKEN } } },
      { headers: { Authorization: TOKEN } },
      { secretHeaders: { Authorization: {} } },
      { secretHeaders: before.secretHeaders },
    ]) {
      assert.deepEqual(await register({ name, destination, ...given }), before);
    }
  });

  it('change with their values alone, the etag and the digest too, and are gone when they are left out', async () => {
    const before = await register({ secretHeaders: { 'x-key': { value: TOKEN } } });
    const { name, destination } = before;
    const changed = await register({
      name,
      destination,
      secretHeaders: { 'x-key': { value: `other ${TOKEN}` } },
    });
    assert.notEqual(changed.etag, before.etag);
    assert.equal(changed.secretHeaders['x-key']?.hint, before.secretHeaders['x-key']?.hint);
    assert.notEqual(changed.secretHeaders['x-key']?.digest, before.secretHeaders['x-key']?.digest);
    assert.deepEqual(await sent(before.id), { 'x-key': `other ${TOKEN}` });
    const gone = await register({ name, destination });
    assert.deepEqual([gone.secretHeaders, await sent(before.id)], [{}, {}]);
  });

  it('have another digest for another webhook, so that nobody sees who has the same', async () => {
    const [one, other] = [
      await register({ secretHeaders: { 'x-key': { value: TOKEN } } }),
      await register({ secretHeaders: { 'x-key': { value: TOKEN } } }),
    ];
    assert.notEqual(one.secretHeaders['x-key']?.digest, other.secretHeaders['x-key']?.digest);
  });

  it('are changed and removed one by one by a mask, whichever field they are given in', async () => {
    const { id } = await register({
      headers: { authorization: TOKEN, 'x-plain': 'p' },
      secretHeaders: { 'x-key': { value: 'k' } },
    });
    await update({ id, secretHeaders: { 'X-Key': { value: 'l' } } }, 'secret_headers.X-Key');
    assert.deepEqual(await sent(id), { authorization: TOKEN, 'x-key': 'l' });
    await update({ id, headers: { Authorization: 'new' } }, 'headers.Authorization');
    assert.deepEqual(await sent(id), { authorization: 'new', 'x-key': 'l' });
    await update({ id }, 'secret_headers.x-key');
    assert.deepEqual(await sent(id), { authorization: 'new' });
    const after = await update({ id }, 'headers.Authorization');
    assert.deepEqual([after.headers, await sent(id)], [{ 'x-plain': 'p' }, {}]);
  });

  it('are not silently left as they are by a mask of JSON that cannot say their names', async () => {
    const { id } = await register({ secretHeaders: { 'x-key': { value: 'k' } } });
    const patch = async (updateMask: string, body: object) => {
      const response = await fetch(`${api().url}/v1/webhooks/${id}?updateMask=${updateMask}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    };
    for (const [mask, name, body] of [
      ['secretHeaders.X-Key', 'X-Key', { secretHeaders: { 'X-Key': { value: 'l' } } }],
      ['timeout,secretHeaders.`X-Key`', 'X-Key', { secretHeaders: { 'X-Key': { value: 'l' } } }],
      ['headers.Authorization', 'Authorization', { headers: { Authorization: TOKEN } }],
      ['labels.x-Team', 'Team', { labels: { 'x-Team': 'a' } }],
    ] as const) {
      const { status, text } = await patch(mask, body);
      assert.equal(status, 400, mask);
      assert.match(text, new RegExp(`update_mask: cannot name .+${name}.+lower case`));
    }
    const { status } = await patch('secretHeaders.x-key', { secretHeaders: { 'X-Key': { value: 'l' } } });
    assert.deepEqual([status, await sent(id)], [200, { 'x-key': 'l' }]);
  });

  it('stay when other fields are changed, all headers among them', async () => {
    const { id } = await register({ headers: { authorization: TOKEN, 'x-plain': 'p' } });
    const after = await update({ id, headers: { 'x-other': 'o' }, labels: { team: 'a' } });
    assert.deepEqual([after.headers, await sent(id)], [{ 'x-other': 'o' }, { authorization: TOKEN }]);
    await update({ id, headers: { cookie: 'c' } }, 'headers');
    assert.deepEqual(await sent(id), { authorization: TOKEN, cookie: 'c' });
    await update({ id, name: 'all', destination: 'http://127.0.0.1:9999/all' }, '*');
    assert.deepEqual(await sent(id), {});
  });

  it('are taken back as they were answered, by Update and by Register', async () => {
    const { id } = await register({ secretHeaders: { 'x-key': { value: TOKEN } } });
    const { webhook } = await api().webhooks.get({ id });
    const { $typeName: _, ...read } = webhook!;
    const timeout = (seconds: bigint) => create(DurationSchema, { seconds });
    await update({ ...read, timeout: timeout(3n) }, '*');
    assert.deepEqual(await sent(id), { 'x-key': TOKEN });
    await api().webhooks.register({ webhook: { ...read, id, etag: '', timeout: timeout(4n) } });
    assert.deepEqual(await sent(id), { 'x-key': TOKEN });
  });

  it('cannot be kept where there are none', async () => {
    const refused = await violations(register({ secretHeaders: { 'x-key': {} } }));
    assert.deepEqual(Object.keys(refused), ['webhook.secret_headers["x-key"].value']);
    assert.match(refused['webhook.secret_headers["x-key"].value']!, /none that could be kept: give it/);
    const { id } = await register();
    const also = await violations(update({ id, secretHeaders: { 'x-key': {} } }, 'secret_headers.x-key'));
    assert.deepEqual(also, refused);
  });

  it('can be named like what every object has, and then are none that could be kept', async () => {
    for (const name of ['__proto__', 'constructor']) {
      const secretHeaders = Object.fromEntries([[name, {}]]);
      const refused = await violations(register({ secretHeaders }));
      assert.deepEqual(Object.keys(refused), [`webhook.secret_headers["${name}"].value`]);
      const { id } = await register({ secretHeaders: Object.fromEntries([[name, { value: 'v' }]]) });
      assert.deepEqual(Object.entries(await sent(id)), [[name, 'v']]);
    }
  });

  it('are judged as headers are, without a word of their values', async () => {
    const value = 'a\nvalue-to-be-kept';
    const refused = await violations(
      register({
        headers: { Cookie: value, token: 'once' },
        secretHeaders: {
          host: { value: 'x' },
          'x-key': { value },
          token: { value: 'twice' },
          'X-Long': { value: 'l'.repeat(4097) },
          a: { value: 'a' },
          A: { value: 'b' },
        },
      }),
    );
    assert.deepEqual(
      Object.keys(refused).sort(),
      [
        'webhook.headers["Cookie"]',
        'webhook.headers["token"]',
        'webhook.secret_headers["X-Long"].value',
        'webhook.secret_headers["host"]',
        'webhook.secret_headers["x-key"]',
        'webhook.secret_headers["x-long"]',
        'webhook.secret_headers["A"]',
      ].sort(),
    );
    assert.doesNotMatch(JSON.stringify(refused), /value-to-be-kept|llll/);
  });

  it('count with all headers of a request, those that are kept too', async () => {
    const long = 'x'.repeat(4000);
    const { id } = await register({ secretHeaders: { 'x-key': { value: long } } });
    const refused = await violations(update({ id, headers: { 'x-long': long } }, 'headers'));
    assert.match(refused['webhook.headers'] ?? '', /are too many/);
  });
});
