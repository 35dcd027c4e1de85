import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Client, Code, createClient } from '@connectrpc/connect';
import { MisfirePolicy, OverlapPolicy } from '../../../gen/carillon/v1/schedule_pb.ts';
import {
  RetryPolicy_ClientErrors,
  Webhook_State,
  WebhookService,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { openSecret } from '../../../src/domain/webhook/secret.ts';
import { refusal, sharedApi, startApi, violations } from '../../support/rpc.ts';
import { aTenant, T0 } from '../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const EVERY_MINUTE = { when: { case: 'every', value: { seconds: 60n } } } as const;
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

describe('Register', () => {
  const api = sharedApi();
  const register = (webhook: object, validateOnly = false) =>
    api().webhooks.register({ webhook: { destination: DESTINATION, ...webhook }, validateOnly });
  const stored = async (name: string) =>
    api().store.findWebhook({ namespace: 'default', name, destination: DESTINATION });

  it('makes a webhook of a name and a destination, leaves the rest unset and says which defaults apply', async () => {
    const { webhook, created, secret } = await register({ name: 'defaults' });
    assert.ok(webhook);
    assert.equal(created, true);
    assert.match(secret, /^whsec_/);
    assert.match(webhook.id, /^wh_[0-9A-Z]{26}$/);
    assert.equal(webhook.namespace, 'default');
    assert.equal(webhook.state, Webhook_State.ACTIVE);
    const { schedule, timeout, retryPolicy, limits, effective } = webhook;
    assert.deepEqual([schedule, timeout, retryPolicy, limits], [undefined, undefined, undefined, undefined]);
    assert.deepEqual(effective?.schedule?.when.value, {
      $typeName: 'google.protobuf.Duration',
      seconds: 5n,
      nanos: 0,
    });
    assert.equal(effective?.schedule?.misfirePolicy, MisfirePolicy.FIRE_LATEST);
    assert.equal(effective?.schedule?.overlapPolicy, OverlapPolicy.SUPERSEDE);
    assert.equal(effective?.timeout?.seconds, 15n);
    assert.equal(effective?.retryPolicy?.maxAttempts, 10);
    assert.equal(effective?.retryPolicy?.clientErrors, RetryPolicy_ClientErrors.RETRY);
    assert.equal(effective?.limits?.concurrency, 8);
    assert.equal(Number(webhook.nextRunTime?.seconds) * 1000, T0 + 5000);
    assert.equal(webhook.payload, undefined);
  });

  it('keeps a destination as it was written', async () => {
    const destination = 'HTTP://LocalHost:9999/a/../b?x=%7e#part';
    const { webhook } = await register({ name: 'as-written', destination });
    assert.equal(webhook?.destination, destination);
  });

  it('shows the secret once, and seals it at rest', async () => {
    const { secret, webhook } = await register({ name: 'sealed' });
    const [again, got, page] = await Promise.all([
      register({ name: 'sealed' }),
      api().webhooks.get({ id: webhook?.id ?? '' }),
      api().webhooks.list({ filter: 'name = sealed' }),
    ]);
    assert.equal(again.secret, '');
    assert.deepEqual([got.webhook?.signing, page.webhooks[0]?.signing], [undefined, undefined]);
    const kept = await stored('sealed');
    assert.ok(kept);
    const opened = openSecret(api().sealKey, kept.secrets[0]!.sealed, kept);
    assert.equal(`whsec_${Buffer.from(opened).toString('base64')}`, secret);
    assert.ok(!JSON.stringify(api().lines).includes(secret.slice('whsec_'.length)));
  });

  it('takes a secret from the caller', async () => {
    assert.equal((await register({ name: 'own-secret', signing: { secret: SECRET } })).secret, SECRET);
  });

  it('changes nothing when the same is registered again', async () => {
    const first = await register({ name: 'again', schedule: EVERY_MINUTE, labels: { team: 'a' } });
    api().clock.advance(1000);
    const second = await register({ name: 'again', schedule: EVERY_MINUTE, labels: { team: 'a' } });
    assert.equal(second.created, false);
    assert.deepEqual(second.webhook, first.webhook);
    assert.equal((await stored('again'))?.version, 1);
  });

  it('replaces what was asked for, and keeps id, secret and creation time', async () => {
    const first = await register({ name: 'replaced', schedule: EVERY_MINUTE, labels: { team: 'a' } });
    const before = await stored('replaced');
    const second = await register({ name: 'replaced', schedule: EVERY_MINUTE, timeout: { seconds: 3n } });
    assert.equal(second.created, false);
    assert.equal(second.webhook?.id, first.webhook?.id);
    assert.equal(second.webhook?.timeout?.seconds, 3n);
    assert.deepEqual(second.webhook?.labels, {});
    assert.notEqual(second.webhook?.etag, first.webhook?.etag);
    assert.deepEqual((await stored('replaced'))?.secrets, before?.secrets);
    assert.deepEqual(second.webhook?.createTime, first.webhook?.createTime);
  });

  it('keeps the place in a schedule that is the same, and begins another one anew', async () => {
    await register({ name: 'cursor', schedule: EVERY_MINUTE });
    const before = await stored('cursor');
    api().clock.advance(10_000);
    await register({ name: 'cursor', schedule: EVERY_MINUTE, timeout: { seconds: 3n } });
    assert.deepEqual((await stored('cursor'))?.cursor, before?.cursor);
    await register({ name: 'cursor', schedule: { when: { case: 'every', value: { seconds: 90n } } } });
    const now = api().clock.now();
    const after = (await stored('cursor'))?.cursor;
    assert.deepEqual([after?.anchorAt, after?.nominalAt], [now, now + 90_000]);
  });

  it('keeps a webhook paused', async () => {
    const { webhook } = await register({ name: 'stays-paused' });
    await api().webhooks.pause({ id: webhook?.id ?? '' });
    const again = await register({ name: 'stays-paused', timeout: { seconds: 3n } });
    assert.equal(again.webhook?.state, Webhook_State.PAUSED);
    assert.equal(again.webhook?.nextRunTime, undefined);
  });

  it('replaces the secret of a webhook when given another one, and not when given the same', async () => {
    await register({ name: 'new-secret', signing: { secret: SECRET } });
    await register({ name: 'new-secret', signing: { secret: SECRET } });
    assert.equal((await stored('new-secret'))?.version, 1);
    const changed = await register({ name: 'new-secret', signing: { secret: OTHER_SECRET } });
    assert.equal(changed.secret, '');
    const now = await stored('new-secret');
    assert.equal(now?.version, 2);
    assert.deepEqual(openSecret(api().sealKey, now.secrets[0]!.sealed, now), new Uint8Array(32).fill(2));
  });

  it('makes one webhook of 32 identical calls at once, over every protocol', async () => {
    const clients: Client<typeof WebhookService>[] = Object.values(api().transports).map((transport) =>
      createClient(WebhookService, transport),
    );
    const webhook = { name: 'at-once', destination: DESTINATION };
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, i) => clients[i % clients.length]!.register({ webhook })),
    );
    assert.equal(answers.filter(({ created }) => created).length, 1);
    assert.equal(answers.filter(({ secret }) => secret !== '').length, 1);
    assert.equal(new Set(answers.map((answer) => answer.webhook?.id)).size, 1);
    assert.equal((await api().webhooks.list({ filter: 'name = at-once' })).webhooks.length, 1);
  });

  it('lets one of many different calls at once win, and refuses none', async () => {
    await register({ name: 'contended' });
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        register({ name: 'contended', timeout: { seconds: BigInt(i + 1) } }),
      ),
    );
    assert.deepEqual(
      answers.map(({ created }) => created),
      Array(6).fill(false),
    );
  });

  it('lets one name have many destinations', async () => {
    const one = await register({ name: 'many', destination: `${DESTINATION}/1` });
    const two = await register({ name: 'many', destination: `${DESTINATION}/2` });
    assert.deepEqual([one.created, two.created], [true, true]);
    assert.equal((await api().webhooks.list({ filter: 'name = many' })).webhooks.length, 2);
  });

  it('only says what it would do when asked to validate', async () => {
    const made = await register({ name: 'would-be' }, true);
    assert.equal(made.created, true);
    assert.deepEqual([made.webhook?.id, made.webhook?.etag, made.secret], ['', '', '']);
    assert.deepEqual(made.webhook?.signingSecrets, []);
    assert.equal(await stored('would-be'), undefined);

    await register({ name: 'would-change' });
    const changed = await register({ name: 'would-change', timeout: { seconds: 3n } }, true);
    assert.deepEqual([changed.created, changed.webhook?.timeout?.seconds], [false, 3n]);
    assert.equal((await stored('would-change'))?.effective.timeoutMs, 15_000);

    assert.deepEqual(Object.keys(await violations(register({ name: '' }, true))), ['webhook.name']);
  });

  it('accepts the same `at` again after it has passed, and no other in the past', async () => {
    const at = (ms: number) =>
      ({ when: { case: 'at', value: { seconds: BigInt(Math.floor(ms / 1000)) } } }) as const;
    const time = api().clock.now() + 5000;
    await register({ name: 'once', schedule: at(time) });
    api().clock.advance(10_000);
    assert.equal((await register({ name: 'once', schedule: at(time) })).created, false);
    const other = await violations(register({ name: 'once', schedule: at(time - 2000) }));
    assert.deepEqual(Object.keys(other), ['webhook.schedule.at']);
  });

  it('registers in a namespace that there is, and in no other', async () => {
    assert.equal((await register({ name: 'ns', namespace: 'default' })).created, true);
    const error = await refusal(register({ name: 'ns', namespace: 'acme' }));
    assert.deepEqual([error.code, error.rawMessage], [Code.NotFound, 'there is no namespace acme']);
    await api().store.createNamespaces([aTenant('acme')]);
    const theirs = await register({ name: 'ns', namespace: 'acme' });
    assert.deepEqual([theirs.created, theirs.webhook?.namespace], [true, 'acme']);
  });

  it('gives up with ABORTED when others are always faster', async () => {
    await using contended = await startApi({
      deps: (deps) => ({
        ...deps,
        store: { ...deps.store, createWebhooks: async (batch) => batch.map(() => 'EXISTS' as const) },
      }),
    });
    const error = await refusal(
      contended.webhooks.register({ webhook: { name: 'x', destination: DESTINATION } }),
    );
    assert.equal(error.code, Code.Aborted);
  });
});
