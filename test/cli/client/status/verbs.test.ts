import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli } from '../../../support/cli.ts';
import { aDeliveryThat } from '../../../support/deliveries.ts';
import { sharedApi, startApi } from '../../../support/rpc.ts';
import { aWebhook } from '../../../support/store.ts';

describe('carillon status', () => {
  const about = { version: '1.2.3', timeZoneRules: '2026c' };
  const api = sharedApi({ settings: { about } });

  it('says that the server is well, which it is, what waits and what fails', async () => {
    const { store, clock, url } = api();
    const failing = { failingSince: clock.now(), trips: 0, openUntil: null, holdUntil: null };
    const webhooks = [
      aWebhook({ spec: { name: 'a' } }),
      aWebhook({ spec: { name: 'b' }, state: 'PAUSED' }),
      aWebhook({ spec: { name: 'c' }, health: failing }),
    ];
    await store.createWebhooks(webhooks);
    await aDeliveryThat(store, webhooks[0]!.id, {});
    await aDeliveryThat(store, webhooks[0]!.id, { status: 200 });
    const { code, out, err } = await runCli(url, ['status']);
    assert.deepEqual([code, err], [0, '']);
    assert.equal(
      out,
      [
        'SERVING',
        '',
        `server      ${url}`,
        'version     1.2.3',
        'time zones  rules 2026c',
        'webhooks    3: 2 active, 1 paused, 1 failing',
        'waiting     1 delivery',
        '',
      ].join('\n'),
    );
    const json = JSON.parse((await runCli(url, ['health', '--json'])).out);
    assert.deepEqual(json, {
      address: url,
      health: 'SERVING',
      notServing: [],
      ...about,
      webhooks: { count: 3, more: false, active: 2, paused: 1, disabled: 0, failing: 1 },
      waiting: { count: 1, more: false },
    });
  });

  it('exits with 1 when the server does not serve, and asks it for no more', async () => {
    await using stopping = await startApi();
    stopping.api.health.stop();
    const { code, out } = await runCli(stopping.url, ['status']);
    assert.equal(code, 1);
    assert.match(out, /^NOT_SERVING\n\nserver +http\S+\nnot serving +carillon\.v1\.WebhookService, /);
    assert.doesNotMatch(out, /waiting/);
  });

  it('exits with 1 when nobody answers', async () => {
    const { code, err } = await runCli('http://127.0.0.1:9', ['status']);
    assert.equal(code, 1);
    assert.match(err, /^carillon: no server answers at/);
  });
});
