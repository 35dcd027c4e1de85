import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import { runEventId } from '../../../src/domain/id.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import { createPublisher } from '../../../src/publish/publisher.ts';
import { createScheduler } from '../../../src/schedule/scheduler.ts';
import { createAnnouncer } from '../../../src/server/announcer.ts';
import { createDirectory } from '../../../src/store/directory.ts';
import { runCli } from '../../support/cli.ts';
import { folderOf } from '../../support/folder.ts';
import { recordingLog } from '../../support/log.ts';
import { type RunningApi, refusal, startApi, violations } from '../../support/rpc.ts';
import { holdsAll } from '../../support/shards.ts';
import { T0 } from '../../support/store.ts';

const HOUR = 3_600_000;
const DESTINATION = 'http://127.0.0.1:9999/hook';
const ids = (...all: string[]) => ({ case: 'ids', value: { ids: all } }) as const;
const at = (ms: number) => ({ seconds: BigInt(ms / 1000) });
const past = { startTime: at(T0 - 3 * HOUR), endTime: at(T0) };

const deliveriesOf = async (api: RunningApi, filter: string) =>
  (await api.deliveries.listDeliveries({ filter, pageSize: 1_000 })).deliveries;
const ofEvent = (api: RunningApi, eventId: string) => deliveriesOf(api, `event_id = "${eventId}"`);
const eventOf = async (api: RunningApi, deliveryId: string) =>
  (await api.deliveries.getDelivery({ id: deliveryId })).delivery!.eventId;
const uidOf = async (api: RunningApi, id: string) => (await api.webhooks.get({ id })).webhook!.uid;

async function register(api: RunningApi, id: string, more: object): Promise<string> {
  const { webhook } = await api.webhooks.register({
    webhook: { id, name: id, destination: DESTINATION, ...more },
  });
  return webhook!.uid;
}

/** Fires what is due by the API's clock. */
async function fireDue({ store, clock }: RunningApi): Promise<void> {
  const directory = createDirectory({ store });
  await directory.refresh();
  const { log } = recordingLog();
  const scheduler = createScheduler({
    ...{ store, directory, clock, log },
    holds: holdsAll,
    random: systemRandom(),
  });
  while ((await scheduler.tick()) > 0);
}

/** Tells that a delivery failed, as the dispatcher would. */
async function announce({ store, clock }: RunningApi, deliveryId: string, eventId: string): Promise<void> {
  const { log, lines } = recordingLog();
  const directory = createDirectory({ store });
  const publishing = { store, directory, clock, random: systemRandom(), log };
  const publisher = createPublisher({ ...publishing, settings: { idempotencyWindowMs: 24 * HOUR } });
  const announcer = createAnnouncer({ publisher, log });
  const webhook = { id: 'shop', uid: 'wh_shop', name: 'shop', destination: DESTINATION };
  const delivery = { id: deliveryId, eventId, eventType: 'order.paid', attemptCount: 1, lastStatus: 500 };
  const about = { namespace: 'default', time: clock.now(), webhook, delivery };
  announcer.announce({ type: 'carillon.delivery.failed', reason: 'EXHAUSTED', ...about });
  await announcer.flush();
  assert.deepEqual(lines, []);
}

/** Webhooks of each kind, and the ids of events, one or more of each way in which events come to be. */
async function opened() {
  const api = await startApi();
  await register(api, 'shop', { eventTypes: ['order.paid'] });
  await register(api, 'books', { eventTypes: ['invoice.made'] });
  await register(api, 'operator', { eventTypes: ['carillon.delivery.failed'] });
  await register(api, 'hourly', { schedule: { when: { case: 'every', value: { seconds: 3600n } } } });
  const own: Record<string, string> = {};
  const published = async (request: Parameters<RunningApi['events']['publish']>[0]) =>
    (await api.events.publish(request)).id;

  own.published = await published({ event: { type: 'order.paid' } });
  own['published in a named call'] = await published({ event: { type: 'order.paid' }, requestId: 'call-1' });
  const batch = { requests: [{ event: { type: 'order.paid' } }, { event: { type: 'invoice.made' } }] };
  for (const requestId of ['', 'call-2']) {
    const { results } = await api.events.publishBatch({ ...batch, requestId });
    for (const [i, { result }] of results.entries()) {
      assert.ok(result.case === 'response');
      own[`number ${i} of a batch ${requestId}`] = result.value.id;
    }
  }
  for (const requestId of ['', 'call-3']) {
    const { deliveryId } = await api.webhooks.trigger({ id: 'hourly', requestId });
    own[`triggered ${requestId}`] = await eventOf(api, deliveryId);
  }
  const uid = await uidOf(api, 'hourly');
  const { runCount } = await api.webhooks.backfill({ id: 'hourly', ...past });
  assert.equal(runCount, 3);
  for (const hours of [3, 2, 1]) own[`made up for ${hours} h ago`] = runEventId(uid, T0 - hours * HOUR);
  api.clock.advance(HOUR);
  await fireDue(api);
  own.scheduled = runEventId(uid, T0 + HOUR);
  const [first] = await ofEvent(api, own.published);
  await announce(api, first!.id, own.published);
  const told = await deliveriesOf(api, 'webhook_id = operator');
  own['told of a failure'] = told[0]!.eventId;

  const given: Record<string, string> = {
    named: await published({ event: { id: 'order-7', type: 'order.paid' } }),
    'named the same in capitals': await published({ event: { id: 'ORDER-7', type: 'order.paid' } }),
    'named after one that it follows from': await published({
      event: { id: `follow-up-${own.scheduled}`, type: 'invoice.made' },
    }),
    'named like a run, in other letters': await published({
      event: { id: own.scheduled.toLowerCase(), type: 'invoice.made' },
    }),
    'named like a webhook': await published({ event: { id: 'hourly', type: 'invoice.made' } }),
  };
  return { api, own, given };
}

describe('one id, whatever made the event: published, named, in a batch, triggered, scheduled, made up for or told', () => {
  let world: Awaited<ReturnType<typeof opened>>;
  before(async () => {
    world = await opened();
  });
  after(() => world.api[Symbol.asyncDispose]());

  const made = () => Object.entries({ ...world.own, ...world.given });
  /** How many deliveries each event has. */
  const counts = async () => {
    const all = await deliveriesOf(world.api, '');
    return new Map(made().map(([, id]) => [id, all.filter(({ eventId }) => eventId === id).length]));
  };

  it('is no other event’s', async () => {
    const all = made().map(([, id]) => id);
    assert.equal(all.length, 18);
    assert.equal(new Set(all).size, all.length);
    const { events } = await world.api.events.listEvents({ pageSize: 1_000 });
    assert.deepEqual(events.map(({ id }) => id).sort(), [...all].sort());
  });

  it('cannot be given to another event, if it is of Carillon’s own making', async () => {
    const { api, own } = world;
    for (const [how, id] of Object.entries(own)) {
      const event = { id, type: 'invoice.made' };
      assert.deepEqual(Object.keys(await violations(api.events.publish({ event }))), ['event.id'], how);
      const { results } = await api.events.publishBatch({ requests: [{ event }] });
      assert.equal(results[0]?.result.case, 'error', how);
    }
  });

  it('cannot be given to another event, if it is a caller’s', async () => {
    for (const [how, id] of Object.entries(world.given)) {
      const again = world.api.events.publish({ event: { id, type: 'order.refunded' } });
      assert.equal((await refusal(again)).code, Code.AlreadyExists, how);
    }
  });

  it('finds the event, and its deliveries and no others', async () => {
    const { api } = world;
    const all = await deliveriesOf(api, '');
    for (const [how, id] of made()) {
      assert.equal((await api.events.getEvent({ id })).event?.id, id, how);
      const found = await ofEvent(api, id);
      assert.equal(found.length, 1, how);
      assert.deepEqual([found[0]!.eventId, await eventOf(api, found[0]!.id)], [id, id], how);
      const others = await deliveriesOf(api, `event_id != "${id}"`);
      assert.equal(others.length, all.length - 1, how);
      const listed = await api.events.listEvents({ filter: `id = "${id}"` });
      assert.deepEqual(
        listed.events.map((event) => event.id),
        [id],
        how,
      );
    }
  });

  it('replays the event and no other, to whom it was delivered', async () => {
    const { api } = world;
    const webhooks = ['shop', 'books', 'operator', 'hourly'];
    for (const [how, id] of made()) {
      const [original] = await ofEvent(api, id);
      for (const deliveredTo of webhooks) {
        const order = { events: ids(id), deliveredTo, validateOnly: true };
        const { eventCount } = await api.events.replayEvents(order);
        assert.equal(eventCount, deliveredTo === original!.webhookId ? 1 : 0, `${how}, ${deliveredTo}`);
      }
      const earlier = await counts();
      const { eventCount, deliveryCount } = await api.events.replayEvents({ events: ids(id) });
      assert.deepEqual([eventCount, deliveryCount], [1, 1], how);
      assert.deepEqual(await counts(), earlier.set(id, 2), how);
      const replays = await deliveriesOf(api, `replay_of = "${original!.id}"`);
      assert.deepEqual(
        replays.map(({ eventId, webhookId }) => [eventId, webhookId]),
        [[id, original!.webhookId]],
        how,
      );
    }
  });

  it('gives up and erases what is of the event and of no other', async () => {
    const { api } = world;
    const all = made().map(([, id]) => id);
    for (const [i, [how, id]] of made().entries()) {
      const order = { filter: `event_id = "${id}"`, validateOnly: true };
      assert.equal((await api.deliveries.cancelDeliveries(order)).count, 2, how);
      assert.equal((await api.events.purgeEvent({ id })).cancelledCount, 2, how);
      const erased: string[] = [];
      for (const each of all) if ((await api.events.getEvent({ id: each })).event!.purged) erased.push(each);
      assert.deepEqual(erased, all.slice(0, i + 1), how);
    }
  });
});

describe('a webhook that is brought in again after it was removed', () => {
  const file = `id: nightly\nname: nightly\ndestination: ${DESTINATION}\nschedule: { every: 1h }\neventTypes: [order.*]\n`;
  const crontab = 'CRON_TZ=UTC\n0 * * * * curl -m 5 -d x http://127.0.0.1:9999/nightly\n';
  const ways = {
    'with apply': { id: 'nightly', argv: ['apply', '-f', 'hooks/', '--yes'] },
    'with import-crontab': { id: '127-0-0-1-nightly', argv: ['import-crontab', 'tab.txt', '--yes'] },
  };

  for (const [way, { id, argv }] of Object.entries(ways)) {
    it(`${way}, has runs of its own at the times at which the first had them`, async () => {
      await using api = await startApi();
      const bringIn = async () => {
        const done = await runCli(api.url, argv, folderOf({ 'hooks/a.yaml': file, 'tab.txt': crontab }));
        assert.equal(done.code, 0, done.err);
        return uidOf(api, id);
      };
      const runsOf = async (uid: string) =>
        (await deliveriesOf(api, `webhook_uid = ${uid}`)).map(({ eventId }) => eventId).sort();
      const nominals = [3, 2, 1].map((hours) => T0 - hours * HOUR);

      const first = await bringIn();
      assert.equal((await api.webhooks.backfill({ id, ...past })).runCount, 3);
      await api.webhooks.remove({ id });
      const second = await bringIn();
      assert.notEqual(second, first);
      const backfilled = await api.webhooks.backfill({ id, ...past });
      assert.deepEqual([backfilled.runCount, backfilled.knownRunCount], [3, 0]);
      const had = nominals.map((nominalAt) => runEventId(first, nominalAt));
      const has = nominals.map((nominalAt) => runEventId(second, nominalAt));
      assert.deepEqual(await runsOf(first), had.toSorted());
      assert.deepEqual(await runsOf(second), has.toSorted());
      // By the id that both had, only those of the second are found and sent again.
      const found = await deliveriesOf(api, `webhook_id = ${id}`);
      assert.deepEqual(found.map(({ eventId }) => eventId).sort(), has.toSorted());
      const again = async (events: readonly string[]) =>
        (await api.events.replayEvents({ events: ids(...events), deliveredTo: id })).eventCount;
      assert.deepEqual([await again(had), await again(has)], [0, 3]);
      await api.events.purgeEvent({ id: had[0]! });
      const purged = async (eventId: string) => (await api.events.getEvent({ id: eventId })).event!.purged;
      assert.deepEqual(
        [await purged(had[0]!), await purged(has[0]!), await purged(had[1]!)],
        [true, false, false],
      );
    });
  }
});

describe('a run that is not due yet', () => {
  it('cannot lose its id to a caller who works it out', async () => {
    await using api = await startApi();
    await register(api, 'books', { eventTypes: ['invoice.made'] });
    const uid = await register(api, 'hourly', {
      schedule: { when: { case: 'every', value: { seconds: 3600n } } },
    });
    const id = runEventId(uid, T0 + HOUR);
    const taken = { event: { id, type: 'invoice.made' } };
    assert.deepEqual(Object.keys(await violations(api.events.publish(taken))), ['event.id']);
    api.clock.advance(HOUR);
    await fireDue(api);
    assert.equal((await api.events.getEvent({ id })).event?.type, 'carillon.run');
    assert.deepEqual(
      (await ofEvent(api, id)).map(({ webhookId }) => webhookId),
      ['hourly'],
    );
    const { knownRunCount } = await api.webhooks.backfill({
      id: 'hourly',
      startTime: at(T0),
      endTime: at(T0 + HOUR),
    });
    assert.equal(knownRunCount, 0);
  });
});
