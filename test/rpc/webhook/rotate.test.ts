import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import type { Webhook } from '../../../gen/carillon/v1/webhook_pb.ts';
import { formatSecret, openSecret } from '../../../src/domain/webhook/secret.ts';
import { type RunningApi, refusal, sharedApi, startApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const HOUR = 3_600_000;
const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;

/** The secrets that a webhook has in the store, newest first, and when each ends. */
async function secretsIn(
  api: RunningApi,
  id: string,
): Promise<[secret: string, expiresAt: number | undefined][]> {
  const [webhook] = await api.store.resolveWebhooks([{ namespace: 'default', id }]);
  return webhook!.secrets.map(({ sealed, expiresAt }) => [
    formatSecret(openSecret(api.sealKey, sealed, webhook!)),
    expiresAt,
  ]);
}

const endsOf = (webhook: Webhook | undefined) =>
  webhook?.signingSecrets.map(({ expireTime }) => expireTime && Number(expireTime.seconds) * 1000);

describe('RotateSecret', () => {
  const api = sharedApi();
  let hooks = 0;
  const aHook = async (secret = secretOf(1)) => {
    const webhook = { name: `rotated-${++hooks}`, destination: DESTINATION, signing: { secret } };
    return (await api().webhooks.register({ webhook })).webhook!.id;
  };

  it('answers a new secret once, and lets the one before it sign for a day more', async () => {
    const id = await aHook();
    const now = api().clock.now();
    const { secret, webhook } = await api().webhooks.rotateSecret({ id });
    assert.match(secret, /^whsec_/);
    assert.deepEqual(await secretsIn(api(), id), [
      [secret, undefined],
      [secretOf(1), now + 24 * HOUR],
    ]);
    assert.deepEqual(endsOf(webhook), [undefined, now + 24 * HOUR]);
    const [newest, old] = webhook!.signingSecrets;
    for (const each of [newest!, old!]) {
      assert.match(each.id, /^sec_[0-9A-HJKMNP-TV-Z]{26}$/);
      assert.equal(Number(each.createTime?.seconds) * 1000, now);
    }
    const got = await api().webhooks.get({ id });
    assert.deepEqual(got.webhook?.signingSecrets, webhook?.signingSecrets);
    const shown = JSON.stringify([got, await api().webhooks.list({}), api().lines], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const each of [secret, secretOf(1)]) assert.ok(!shown.includes(each.slice('whsec_'.length)));
  });

  it('takes a secret and an overlap from the caller, and none for the secret to end at once', async () => {
    const id = await aHook();
    const week = { seconds: 604_800n };
    const first = await api().webhooks.rotateSecret({ id, secret: secretOf(2), overlap: week });
    assert.equal(first.secret, secretOf(2));
    assert.deepEqual(endsOf(first.webhook), [undefined, api().clock.now() + 168 * HOUR]);
    await api().webhooks.rotateSecret({ id, secret: secretOf(3), overlap: { seconds: 0n } });
    assert.deepEqual(await secretsIn(api(), id), [[secretOf(3), undefined]]);
  });

  it('changes nothing when the secret signs first already, and puts one before the others that signs beside it', async () => {
    const id = await aHook();
    const { webhook } = await api().webhooks.rotateSecret({ id, secret: secretOf(2) });
    const same = await api().webhooks.rotateSecret({ id, secret: secretOf(2) });
    assert.deepEqual([same.secret, same.webhook], ['', webhook]);
    const back = await api().webhooks.rotateSecret({ id, secret: secretOf(1) });
    assert.deepEqual(
      (await secretsIn(api(), id)).map(([secret]) => secret),
      [secretOf(1), secretOf(2)],
    );
    const [newest, old] = webhook!.signingSecrets;
    assert.deepEqual(
      back.webhook?.signingSecrets.map((each) => each.id),
      [old!.id, newest!.id],
    );
  });

  it('ends none sooner when the secret that signs first is given again without an overlap', async () => {
    const id = await aHook();
    const order = { id, secret: secretOf(2) };
    const { webhook } = await api().webhooks.rotateSecret({ ...order, overlap: { seconds: 604_800n } });
    assert.deepEqual((await api().webhooks.rotateSecret(order)).webhook, webhook);
    const { name, destination } = webhook!;
    const again = { name, destination, signing: { secret: secretOf(2) } };
    assert.deepEqual(endsOf((await api().webhooks.register({ webhook: again })).webhook), endsOf(webhook));
  });

  it('ends those before it sooner when the secret that signs first is given again with a shorter overlap', async () => {
    const id = await aHook();
    await api().webhooks.rotateSecret({ id, secret: secretOf(2) });
    const order = { id, secret: secretOf(2), overlap: { seconds: 3_600n } };
    const sooner = await api().webhooks.rotateSecret(order);
    const endAt = api().clock.now() + HOUR;
    assert.deepEqual([sooner.secret, endsOf(sooner.webhook)], ['', [undefined, endAt]]);
    const longer = await api().webhooks.rotateSecret({ ...order, overlap: { seconds: 7_200n } });
    assert.deepEqual(longer.webhook, sooner.webhook);
    await api().webhooks.rotateSecret({ ...order, overlap: { seconds: 0n } });
    assert.deepEqual(await secretsIn(api(), id), [[secretOf(2), undefined]]);
  });

  it('is refused with the field that is wrong, and changes nothing then', async () => {
    const id = await aHook();
    const cases: [request: object, field: string, rule: RegExp][] = [
      [{ secret: 'hello' }, 'secret', /must begin with whsec_/],
      [{ secret: `whsec_${Buffer.alloc(23).toString('base64')}` }, 'secret', /holds 23 bytes.*24 to 64/],
      [{ secret: `whsec_${Buffer.alloc(65).toString('base64')}` }, 'secret', /holds 65 bytes/],
      [{ secret: `${secretOf(1)}\n` }, 'secret', /base64/],
      [{ overlap: { seconds: -1n } }, 'overlap', /greater than or equal to 0s/],
      [{ overlap: { seconds: 2_592_001n } }, 'overlap', /30 days|720h|2592000s|less than or equal/],
      [{ overlap: { nanos: 1 } }, 'overlap', /whole number of milliseconds/],
    ];
    for (const [request, field, rule] of cases) {
      const found = await violations(api().webhooks.rotateSecret({ id, ...request }));
      assert.deepEqual(Object.keys(found), [field]);
      assert.match(found[field]!, rule);
      assert.ok(!JSON.stringify(found).includes(Buffer.alloc(20).toString('base64')));
    }
    assert.equal((await refusal(api().webhooks.rotateSecret({ id: 'none' }))).code, Code.NotFound);
    const stale = await refusal(api().webhooks.rotateSecret({ id, etag: 'stale' }));
    assert.equal(stale.code, Code.Aborted);
    assert.deepEqual(await secretsIn(api(), id), [[secretOf(1), undefined]]);
  });

  it('has no more than ten secrets sign beside the newest, also when they are given to Register', async () => {
    const id = await aHook();
    for (let i = 0; i < 10; i++) await api().webhooks.rotateSecret({ id });
    const before = await secretsIn(api(), id);
    assert.equal(before.length, 11);
    const { webhook } = await api().webhooks.get({ id });
    const { name, destination } = webhook!;
    const register = { name, destination, signing: { secret: secretOf(9) } };
    for (const call of [
      () => api().webhooks.rotateSecret({ id }),
      () => api().webhooks.register({ webhook: register }),
    ]) {
      const { code, rawMessage } = await refusal(call());
      assert.equal(code, Code.FailedPrecondition);
      assert.match(rawMessage, /10 signing secrets .* overlap of 0/);
    }
    assert.deepEqual(await secretsIn(api(), id), before);
    await api().webhooks.rotateSecret({ id, overlap: { seconds: 0n } });
    assert.equal((await secretsIn(api(), id)).length, 1);
  });

  it('makes one secret of a call with a name, however often it is made', async () => {
    const id = await aHook();
    const order = { id, requestId: 'rotation-1' };
    const first = await api().webhooks.rotateSecret(order);
    assert.deepEqual(await api().webhooks.rotateSecret(order), first);
    assert.equal((await secretsIn(api(), id)).length, 2);
  });

  it('makes one secret of a call whose answer was lost, and answers with it', async () => {
    const answers: unknown[] = [];
    await using losing = await startApi({
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          answerRequests: async (batch) => {
            answers.push(batch);
            if (answers.length > 1) await deps.store.answerRequests(batch);
          },
        },
      }),
    });
    const webhook = { name: 'lost', destination: DESTINATION };
    const { webhook: made } = await losing.webhooks.register({ webhook });
    const { id, etag } = made!;
    const order = { id, etag, requestId: 'rotation-2' };
    const first = await losing.webhooks.rotateSecret(order);
    assert.deepEqual(await losing.webhooks.rotateSecret(order), first);
    assert.equal((await secretsIn(losing, id)).length, 2);
  });

  it('is what Register does with another secret, so that receivers do not break; Update names it', async () => {
    const id = await aHook();
    const { webhook } = await api().webhooks.get({ id });
    const { name, destination } = webhook!;
    const other = { name, destination, signing: { secret: secretOf(2) } };
    const asked = await api().webhooks.register({ webhook: other, validateOnly: true });
    assert.deepEqual(asked.webhook?.signingSecrets, webhook?.signingSecrets);
    assert.notEqual(asked.webhook?.etag, webhook?.etag);
    await api().webhooks.register({ webhook: other });
    assert.deepEqual(await secretsIn(api(), id), [
      [secretOf(2), undefined],
      [secretOf(1), api().clock.now() + 24 * HOUR],
    ]);
    const refused = await violations(
      api().webhooks.update({ webhook: { id, signing: { secret: secretOf(3) } } }),
    );
    assert.match(refused['webhook.signing'] ?? '', /RotateSecret/);
  });
});

describe('WithdrawSecret', () => {
  it('ends a secret at once; the one before the newest takes its place, and the only one stays', async () => {
    await using api = await startApi();
    const webhook = { name: 'withdrawn', destination: DESTINATION, signing: { secret: secretOf(1) } };
    const { id } = (await api.webhooks.register({ webhook })).webhook!;
    const rotation = await api.webhooks.rotateSecret({ id, secret: secretOf(2) });
    const third = await api.webhooks.rotateSecret({ id, secret: secretOf(3) });
    const [newest, second, first] = third.webhook!.signingSecrets.map((each) => each.id);
    assert.equal(rotation.webhook?.signingSecrets[0]?.id, second);

    const { webhook: without } = await api.webhooks.withdrawSecret({ id, secretId: second! });
    assert.deepEqual(
      without?.signingSecrets.map((each) => each.id),
      [newest, first],
    );
    assert.notEqual(without?.etag, third.webhook?.etag);
    const gone = await refusal(api.webhooks.withdrawSecret({ id, secretId: second! }));
    assert.deepEqual(
      [gone.code, gone.rawMessage],
      [Code.NotFound, `webhook ${id} has no signing secret ${second} that signs`],
    );

    const { etag } = third.webhook!;
    const pasted = await refusal(api.webhooks.withdrawSecret({ id, secretId: secretOf(1) }));
    assert.equal(pasted.code, Code.InvalidArgument);
    assert.ok(!JSON.stringify([pasted.rawMessage, pasted.details]).includes(secretOf(1).slice(6)));
    const stale = await refusal(api.webhooks.withdrawSecret({ id, secretId: newest!, etag }));
    assert.equal(stale.code, Code.Aborted);
    await api.webhooks.withdrawSecret({ id, secretId: newest! });
    assert.deepEqual(await secretsIn(api, id), [[secretOf(1), undefined]]);
    const last = await refusal(api.webhooks.withdrawSecret({ id, secretId: first! }));
    assert.equal(last.code, Code.FailedPrecondition);
    assert.match(last.rawMessage, /overlap of 0/);
    api.clock.advance(48 * HOUR);
    assert.equal(api.clock.now(), T0 + 48 * HOUR);
    assert.deepEqual(await secretsIn(api, id), [[secretOf(1), undefined]]);
  });
});
