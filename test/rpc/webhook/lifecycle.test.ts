import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import { Webhook_State } from '../../../gen/carillon/v1/webhook_pb.ts';
import { PreconditionFailureSchema, ResourceInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { refusal, sharedApi, startApi, violations } from '../../support/rpc.ts';
import { aPublication, aWebhook, type WebhookOverrides } from '../../support/store.ts';

const NOBODY = 'wh_00000000000000000000000000';

describe('A webhook', () => {
  const api = sharedApi();
  const webhooks = () => api().webhooks;

  async function put(overrides: WebhookOverrides = {}): Promise<Webhook> {
    const webhook = aWebhook(overrides);
    await api().store.createWebhooks([webhook]);
    return webhook;
  }
  const stored = async (id: string) => (await api().store.getWebhooks([id]))[0];

  it('can be got', async () => {
    const { id } = await put();
    assert.equal((await webhooks().get({ id })).webhook?.id, id);
  });

  it('is paused once, however often that is asked for', async () => {
    const { id } = await put();
    const first = await webhooks().pause({ id });
    const second = await webhooks().pause({ id });
    assert.equal(first.webhook?.state, Webhook_State.PAUSED);
    assert.equal(first.webhook.nextRunTime, undefined);
    assert.deepEqual(second.webhook, first.webhook);
    assert.equal((await stored(id))?.version, 2);
  });

  it('resumes once, counting what it missed as skipped', async () => {
    const { id } = await put();
    await webhooks().pause({ id });
    api().clock.advance(10 * 60_000);
    const first = await webhooks().resume({ id });
    const second = await webhooks().resume({ id });
    assert.equal(first.webhook?.state, Webhook_State.ACTIVE);
    assert.ok(first.webhook.skippedRunCount >= 9n);
    assert.ok(Number(first.webhook.nextRunTime?.seconds) * 1000 > api().clock.now());
    assert.deepEqual(second.webhook, first.webhook);
  });

  it('forgets its failures and their reason when it resumes after being disabled', async () => {
    const health = { failingSince: 1, trips: 5, openUntil: 9e12, holdUntil: null };
    const { id } = await put({ state: 'DISABLED', stateReason: 'FAILING', health });
    assert.equal((await webhooks().get({ id })).webhook?.stateReason, 'FAILING');
    const { webhook } = await webhooks().resume({ id });
    assert.deepEqual([webhook?.state, webhook?.stateReason], [Webhook_State.ACTIVE, '']);
    assert.deepEqual((await stored(id))?.health, {
      failingSince: null,
      trips: 0,
      openUntil: null,
      holdUntil: null,
    });
  });

  it('says that it fails while it is ACTIVE, until it is told that its destination is well', async () => {
    const health = { failingSince: 1_000, trips: 5, openUntil: 9_000, holdUntil: null };
    const { id } = await put({ health });
    const failing = (await webhooks().get({ id })).webhook;
    assert.deepEqual([failing?.failingSinceTime?.seconds, failing?.probeTime?.seconds], [1n, 9n]);
    const { webhook } = await webhooks().resume({ id });
    assert.deepEqual([webhook?.failingSinceTime, webhook?.probeTime], [undefined, undefined]);
    assert.notEqual(webhook?.etag, failing?.etag);
    assert.deepEqual((await stored(id))?.health, {
      failingSince: null,
      trips: 0,
      openUntil: null,
      holdUntil: null,
    });
    assert.equal((await webhooks().resume({ id })).webhook?.etag, webhook?.etag);
  });

  it('is paused, resumed and removed with its current etag only', async () => {
    const { id } = await put();
    const { etag = '' } = (await webhooks().get({ id })).webhook ?? {};
    const paused = await webhooks().pause({ id, etag });
    for (const call of [
      webhooks().resume({ id, etag }),
      webhooks().pause({ id, etag }),
      webhooks().remove({ id, etag }),
    ]) {
      assert.equal((await refusal(call)).code, Code.Aborted);
    }
    await webhooks().remove({ id, etag: paused.webhook?.etag ?? '' });
    assert.equal(await stored(id), undefined);
  });

  it('rings when triggered', async () => {
    const { id } = await put();
    const { deliveryId } = await webhooks().trigger({ id });
    assert.match(deliveryId, /^msg_/);
    const { delivery } = await api().deliveries.getDelivery({ id: deliveryId });
    assert.deepEqual([delivery?.webhookId, delivery?.scheduledTime], [id, undefined]);
  });

  it('does not ring while it is paused, and says why', async () => {
    const { id } = await put({ state: 'PAUSED' });
    const error = await refusal(webhooks().trigger({ id }));
    assert.equal(error.code, Code.FailedPrecondition);
    const [failure] = error.findDetails(PreconditionFailureSchema);
    assert.deepEqual(
      failure?.violations.map(({ type, subject, description }) => [type, subject, description]),
      [['STATE', id, 'is PAUSED; resume it first']],
    );
  });

  it('is removed by its id, and with it what waits', async () => {
    const webhook = await put();
    const publication = aPublication([webhook.id]);
    await api().store.publish([publication]);
    assert.deepEqual((await webhooks().remove({ id: webhook.id })).ids, [webhook.id]);
    assert.equal((await refusal(webhooks().remove({ id: webhook.id }))).code, Code.NotFound);
    const { delivery } = await api().deliveries.getDelivery({ id: publication.deliveries[0]?.id ?? '' });
    assert.equal(delivery?.stateReason, 'REMOVED');
  });

  it('is removed by its name and destination, leaving others of that name', async () => {
    const [one, two] = [1, 2].map((n) =>
      aWebhook({ spec: { name: 'pair', destination: `http://127.0.0.1:9/${n}` } }),
    );
    assert.ok(one && two);
    await api().store.createWebhooks([one, two]);
    const { ids } = await webhooks().remove({ name: 'pair', destination: one.spec.destination });
    assert.deepEqual(ids, [one.id]);
    assert.deepEqual(
      (await webhooks().list({ filter: 'name = pair' })).webhooks.map(({ id }) => id),
      [two.id],
    );
  });

  it('is removed with all others of its name', async () => {
    const all = Array.from({ length: 250 }, (_, n) =>
      aWebhook({ spec: { name: 'crowd', destination: `http://127.0.0.1:9/${n}` } }),
    );
    await api().store.createWebhooks(all);
    const sorted = all.map(({ id }) => id).sort();
    for (const query of [{ name: 'crowd' }, { filter: 'name = crowd' }]) {
      const refused = await refusal(webhooks().remove(query));
      assert.equal(refused.code, Code.FailedPrecondition);
      assert.ok(
        refused.rawMessage.includes(
          `250 webhooks ${'name' in query ? 'named crowd' : 'with name = crowd'}: ${sorted.slice(0, 10).join(', ')}, …`,
        ),
      );
      const dry = await webhooks().remove({ ...query, validateOnly: true });
      assert.deepEqual(dry.ids, sorted);
    }
    const { ids } = await webhooks().remove({ name: 'crowd', force: true });
    assert.deepEqual(ids, sorted);
    const error = await refusal(webhooks().remove({ name: 'crowd' }));
    assert.equal(error.code, Code.NotFound);
    assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, 'crowd');
  });

  it('alone with its name, or what a filter asks for, is removed without force', async () => {
    const [one, two] = [
      await put({ spec: { name: 'alone' } }),
      await put({ spec: { labels: { only: 'x' } } }),
    ];
    const dry = await webhooks().remove({ id: one.id, validateOnly: true });
    assert.deepEqual(dry.ids, [one.id]);
    assert.deepEqual((await webhooks().remove({ name: 'alone' })).ids, [one.id]);
    assert.deepEqual((await webhooks().remove({ filter: 'labels.only = x' })).ids, [two.id]);
    for (const query of [{ filter: 'labels.only = x' }, { name: 'alone', validateOnly: true }]) {
      assert.equal((await refusal(webhooks().remove(query))).code, Code.NotFound);
    }
    const found = await violations(webhooks().remove({ name: 'alone', filter: 'labels:only' }));
    assert.deepEqual(Object.keys(found), ['']);
    assert.deepEqual(Object.keys(await violations(webhooks().remove({ filter: 'colour = red' }))), [
      'filter',
    ]);
  });

  it('keeps back none of the others when it is changed at the same time again and again, and is named', async () => {
    let busy = '';
    await using running = await startApi({
      deps: (parts) => ({
        ...parts,
        store: {
          ...parts.store,
          updateWebhooks: async (updates) => {
            if (updates.some(({ webhook }) => webhook.id === busy))
              return updates.map(() => 'STALE' as const);
            return parts.store.updateWebhooks(updates);
          },
        },
      }),
    });
    const all = [aWebhook(), aWebhook({ callerId: 'busy' }), aWebhook({ spec: { name: 'c' } })];
    await running.store.createWebhooks(all);
    busy = all[1]!.id;
    const [first, , third] = all.map(({ id }) => id);
    const paused = await running.webhooks.pause({ filter: 'id:*' });
    assert.deepEqual([paused.ids.sort(), paused.contendedIds], [[first, third].sort(), ['busy']]);
    busy = third!;
    const resumed = await running.webhooks.resume({ filter: 'state = PAUSED' });
    assert.deepEqual([resumed.ids, resumed.contendedIds], [[first], [third]]);
  });

  it('is paused and resumed with all others that a filter lets through, and with no others', async () => {
    const team = { spec: { labels: { team: 'bulk' } } };
    const ours = [await put(team), await put(team), await put({ ...team, state: 'PAUSED' })];
    const other = await put();
    const ids = ours.map(({ id }) => id).sort();
    const filter = 'labels.team = bulk';
    const stateOf = async (id: string) => (await webhooks().get({ id })).webhook?.state;
    const dry = await webhooks().pause({ filter, validateOnly: true });
    assert.deepEqual([dry.ids, dry.count, dry.webhook], [ids, 3, undefined]);
    assert.equal(await stateOf(ours[0]!.id), Webhook_State.ACTIVE);
    assert.deepEqual((await webhooks().pause({ filter })).ids, ids);
    for (const id of ids) assert.equal(await stateOf(id), Webhook_State.PAUSED);
    assert.equal(await stateOf(other.id), Webhook_State.ACTIVE);
    const resumed = await webhooks().resume({ filter: `${filter} AND state = PAUSED` });
    assert.deepEqual([resumed.ids, resumed.nextPageToken], [ids, '']);
    for (const id of ids) assert.equal(await stateOf(id), Webhook_State.ACTIVE);
    for (const request of [
      { id: ids[0]!, filter },
      {},
      { filter, etag: 'x' },
      { id: ids[0]!, validateOnly: true },
    ]) {
      assert.deepEqual(Object.keys(await violations(webhooks().pause(request))), ['']);
      assert.deepEqual(Object.keys(await violations(webhooks().resume(request))), ['']);
    }
  });

  it('is paused with at most 1,000 others in a call, which goes on from its token', async () => {
    const all = Array.from({ length: 1_003 }, (_, n) =>
      aWebhook({ spec: { name: 'throng', destination: `http://127.0.0.1:9/${n}` } }),
    );
    await api().store.createWebhooks(all);
    const request = { filter: 'name = throng AND state = ACTIVE' };
    const first = await webhooks().pause(request);
    assert.equal(first.count, 1_000);
    const pageToken = first.nextPageToken;
    const wrong = await violations(webhooks().resume({ ...request, pageToken }));
    assert.deepEqual(Object.keys(wrong), ['page_token']);
    const second = await webhooks().pause({ ...request, pageToken });
    assert.deepEqual([second.count, second.nextPageToken], [3, '']);
  });

  it('of another namespace is NOT_FOUND to every call, exactly like one that there is not', async () => {
    const { id, spec } = await put({ namespace: 'acme' });
    const event = aPublication([id], { event: { namespace: 'acme' } });
    await api().store.publish([event]);
    const calls = (of: string, destination: string, delivery: string) => [
      webhooks().get({ id: of }),
      webhooks().update({ webhook: { id: of, labels: { a: 'b' } } }),
      webhooks().remove({ id: of }),
      webhooks().remove({ name: spec.name, destination }),
      webhooks().remove({ name: spec.name }),
      webhooks().pause({ id: of }),
      webhooks().resume({ id: of }),
      webhooks().trigger({ id: of }),
      webhooks().previewSchedule({ source: { case: 'id', value: of } }),
      api().deliveries.getDelivery({ id: delivery }),
    ];
    const [theirs, nobodys] = await Promise.all([
      Promise.all(calls(id, spec.destination, event.deliveries[0]?.id ?? '').map(refusal)),
      Promise.all(calls(NOBODY, 'http://127.0.0.1:9/none', 'msg_00000000000000000000000000').map(refusal)),
    ]);
    assert.deepEqual(
      theirs.map(({ code }) => code),
      Array(10).fill(Code.NotFound),
    );
    assert.deepEqual(
      nobodys.map(({ code }) => code),
      Array(10).fill(Code.NotFound),
    );
    assert.notEqual(await stored(id), undefined);
  });
});

describe('PreviewSchedule', () => {
  const api = sharedApi();
  const preview = async (request: Parameters<ReturnType<typeof api>['webhooks']['previewSchedule']>[0]) => {
    const { runTimes } = await api().webhooks.previewSchedule(request);
    return runTimes.map(({ seconds }) => new Date(Number(seconds) * 1000).toISOString());
  };

  it('computes the runs of a schedule that is registered nowhere', async () => {
    const times = await preview({
      source: {
        case: 'schedule',
        value: { when: { case: 'cron', value: '30 9 * * MON' }, timeZone: 'Europe/Vienna' },
      },
      count: 3,
    });
    assert.deepEqual(times, [
      '2026-01-05T08:30:00.000Z',
      '2026-01-12T08:30:00.000Z',
      '2026-01-19T08:30:00.000Z',
    ]);
  });

  it('shows 5 runs unless told otherwise, beginning after a time', async () => {
    const value = { when: { case: 'cron', value: '0 2 * * *' }, timeZone: 'America/New_York' } as const;
    const times = await preview({
      source: { case: 'schedule', value },
      afterTime: { seconds: BigInt(Date.UTC(2026, 2, 7) / 1000) },
    });
    assert.equal(times.length, 5);
    // 02:00 does not exist on 8 March: the run is an hour later.
    assert.deepEqual(times.slice(0, 2), ['2026-03-07T07:00:00.000Z', '2026-03-08T07:00:00.000Z']);
  });

  it('ends with max_runs and with end_time', async () => {
    const every = { when: { case: 'every', value: { seconds: 60n } } } as const;
    assert.equal(
      (await preview({ source: { case: 'schedule', value: { ...every, maxRuns: 3n } } })).length,
      3,
    );
    const endTime = { seconds: BigInt(api().clock.now() / 1000 + 150) };
    assert.equal(
      (await preview({ source: { case: 'schedule', value: { ...every, endTime } }, count: 100 })).length,
      2,
    );
  });

  it('goes on from where a registered webhook is', async () => {
    const every = { when: { case: 'every', value: { seconds: 60n } }, maxRuns: 4n } as const;
    const { webhook } = await api().webhooks.register({
      webhook: { name: 'previewed', destination: 'http://127.0.0.1:9999/', schedule: every },
    });
    const id = webhook?.id ?? '';
    const times = await preview({ source: { case: 'id', value: id } });
    assert.deepEqual(times.length, 4);
    assert.equal(times[0], new Date(api().clock.now() + 60_000).toISOString());
    const later = { seconds: BigInt(api().clock.now() / 1000 + 130) };
    assert.deepEqual(await preview({ source: { case: 'id', value: id }, afterTime: later }), times.slice(2));
  });

  it('refuses what Register would refuse, with paths of its own', async () => {
    const value = { when: { case: 'cron', value: '0 0 31 2 *' } } as const;
    const found = await violations(api().webhooks.previewSchedule({ source: { case: 'schedule', value } }));
    assert.deepEqual(Object.keys(found), ['schedule.cron']);
  });
});

describe('GetDelivery', () => {
  const api = sharedApi();

  it('shows a delivery with its attempts, answered and not', async () => {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    const publication = aPublication([webhook.id]);
    await api().store.publish([publication]);
    const { deliveries } = await api().store.pollWaiting();
    const delivery = deliveries.find(({ webhookId }) => webhookId === webhook.id);
    assert.ok(delivery);
    const startedAt = api().clock.now();
    const failed = {
      kind: 'failed',
      errorClass: 'TIMEOUT',
      message: 'no answer in 15 s',
      startedAt,
      durationMs: 15_000.5,
      timing: {},
    } as const;
    const answered = {
      kind: 'answered',
      status: 204,
      headers: { 'x-a': 'b' },
      body: new Uint8Array([1, 2]),
      truncated: true,
      startedAt,
      durationMs: 3.25,
      timing: {},
    } as const;
    const now = startedAt + 20_000;
    const retry = { to: 'PENDING', dueAt: now } as const;
    await api().store.settle(
      [{ delivery, attempt: { number: 1, requestHeaders: [], outcome: failed }, transition: retry, now }],
      [],
    );
    const again = { ...delivery, attempts: 1, dueAt: now };
    await api().store.settle(
      [
        {
          delivery: again,
          attempt: { number: 2, requestHeaders: [], outcome: answered },
          transition: { to: 'SUCCEEDED' },
          now,
        },
      ],
      [],
    );

    const { delivery: shown } = await api().deliveries.getDelivery({ id: delivery.id });
    assert.deepEqual([shown?.attemptCount, shown?.nextAttemptTime], [2, undefined]);
    assert.equal(Number(shown?.finishTime?.seconds) * 1000, now);
    const [first, second] = shown?.attempts ?? [];
    assert.deepEqual(
      [first?.errorClass, first?.errorMessage, first?.responseStatus],
      ['TIMEOUT', 'no answer in 15 s', 0],
    );
    assert.deepEqual([first?.duration?.seconds, first?.duration?.nanos], [15n, 500_000]);
    assert.deepEqual(
      [
        second?.responseStatus,
        second?.responseHeaders,
        second?.responseBody,
        second?.responseTruncated,
        second?.errorClass,
      ],
      [204, { 'x-a': 'b' }, new Uint8Array([1, 2]), true, ''],
    );
  });
});
