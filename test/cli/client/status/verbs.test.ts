import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Webhook_State } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { HealthCheckResponse_ServingStatus as Serving } from '../../../../gen/grpc/health/v1/health_pb.ts';
import type { Connection } from '../../../../src/cli/client/connect.ts';
import { paperOf } from '../../../../src/cli/client/job.ts';
import { LONE_COMMANDS } from '../../../../src/cli/client/lone.ts';
import { parse } from '../../../../src/cli/client/parse.ts';
import { status } from '../../../../src/cli/client/status/verbs.ts';
import { runCli } from '../../../support/cli.ts';
import { aDeliveryThat, waitingDelivery } from '../../../support/deliveries.ts';
import { sharedApi, startApi } from '../../../support/rpc.ts';
import { aWebhook } from '../../../support/store.ts';
import { testWorld } from '../../../support/world.ts';

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
      aWebhook({ spec: { name: 'd' }, state: 'DISABLED' }),
    ];
    await store.createWebhooks(webhooks);
    const waiting = await aDeliveryThat(store, webhooks[0]!.id, {});
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
        'webhooks    4: 2 active, 1 paused, 1 disabled, 1 failing',
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
      webhooks: { count: 4, more: false, active: 2, paused: 1, disabled: 1, failing: 1 },
      waiting: { count: 1, more: false },
    });
    // What counts them is a call that cancels.
    assert.equal((await waitingDelivery(store, webhooks[0]!.id, waiting)).ending, undefined);
  });

  it('counts up to a bound what is in the namespace, and says that there is more', async () => {
    const world = testWorld();
    const webhooks = Array.from({ length: 1_000 }, () => ({ state: Webhook_State.ACTIVE }));
    const namespaces = new Set<string>();
    const answering = (answer: object) => async (request: { namespace: string }) => {
      namespaces.add(request.namespace);
      return { ...answer, nextPageToken: 'more' };
    };
    const connection = {
      address: 'http://127.0.0.1:9',
      health: { list: async () => ({ statuses: { '': { status: Serving.SERVING } } }) },
      webhooks: { list: answering({ webhooks }) },
      deliveries: { cancelDeliveries: answering({ count: 9_000 }) },
      admin: { getStandby: async () => ({}) },
    } as unknown as Connection;
    const invocation = parse('', LONE_COMMANDS.status, ['--namespace', 'other']);
    assert.equal(await status({ invocation, connection, world, paper: paperOf(world) }), 0);
    assert.match(
      world.printed.out,
      /\nwebhooks +at least 10000: 10000 active\nwaiting +at least 180000 deliveries\n/,
    );
    assert.deepEqual([...namespaces], ['other']);
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
