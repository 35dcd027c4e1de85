import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RunCursor } from '../../../src/domain/schedule/schedule.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { RunFiring, UpcomingRun } from '../../../src/store/intake.ts';
import { aDelivery, anEvent, aRun, keyOf, T0, testId } from '../../support/store.ts';
import { everyPage, type Harness, register, settlement, useStore, waitingOf } from './harness.ts';

/** Of a webhook due long before those of other tests, so that they come first. */
function dueAt(at: number): { cursor: RunCursor } {
  return { cursor: { anchorAt: T0, nominalAt: at, dueAt: at, fired: 0, skipped: 0 } };
}

function runsOf(webhook: Webhook, count: number): RunFiring['runs'] {
  return Array.from({ length: count }, () => ({
    event: anEvent({ namespace: webhook.namespace, nominalAt: T0 }),
    delivery: aDelivery(webhook.id),
  }));
}

export function upcoming(harness: Harness): void {
  describe(`${harness.name}: upcoming runs`, () => {
    const store = useStore(harness);

    /** Pages through everything due before `before`. */
    function pages(before: number, limit: number): Promise<UpcomingRun[][]> {
      return everyPage((after) => store().upcomingRuns({ before, limit, ...(after && { after }) }));
    }

    test('runs due before a time come soonest first, a page at a time, with ties by id', async () => {
      const [c, a, b, later] = [
        await register(store(), dueAt(30)),
        await register(store(), dueAt(10)),
        await register(store(), dueAt(10)),
        await register(store(), dueAt(40)),
      ];
      await register(store(), {
        cursor: { anchorAt: 0, nominalAt: null, dueAt: null, fired: 0, skipped: 0 },
      });
      await register(store(), { state: 'PAUSED', ...dueAt(5) });
      await register(store(), { state: 'DISABLED', ...dueAt(5) });
      const run = ({ id, cursor }: Webhook) => ({ webhookId: id, dueAt: cursor.dueAt });
      assert.deepEqual(await pages(40, 2), [[run(a), run(b)], [run(c)]]);
      assert.deepEqual(await pages(40, 1), [[run(a)], [run(b)], [run(c)]]);
      assert.deepEqual((await pages(41, 10)).flat(), [run(a), run(b), run(c), run(later)]);
    });

    test('a run is due at its due time and not at its nominal time', async () => {
      const cursor = { ...dueAt(-90).cursor, nominalAt: -100 };
      const webhook = await register(store(), { cursor });
      assert.deepEqual(await store().upcomingRuns({ before: -90, limit: 10 }), []);
      assert.deepEqual(await store().upcomingRuns({ before: -89, limit: 10 }), [
        { webhookId: webhook.id, dueAt: -90 },
      ]);
    });
  });
}

export function firing(harness: Harness): void {
  describe(`${harness.name}: firing runs`, () => {
    const store = useStore(harness);
    const read = async (id: string) => (await store().getWebhooks([id]))[0];

    test('a firing moves the cursor and makes the run wait, due now', async () => {
      const webhook = await register(store());
      const run = aRun(webhook, { now: T0 + 60_005 });
      assert.deepEqual(await store().fireRuns([run]), ['FIRED']);
      assert.deepEqual(await read(webhook.id), { ...webhook, cursor: run.to });
      const [{ event, delivery } = assert.fail()] = run.runs;
      const [waiting] = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        { ...waiting, ord: 0 },
        {
          ord: 0,
          id: delivery.id,
          webhookId: webhook.id,
          eventId: event.id,
          dueAt: T0 + 60_005,
          firstDueAt: T0 + 60_005,
          attempts: 0,
          attemptsBefore: 0,
          format: 'BODY',
          rendered: false,
        },
      );
      assert.deepEqual(await store().getDelivery(keyOf(delivery.id)), {
        id: delivery.id,
        namespace: webhook.namespace,
        webhookId: webhook.id,
        webhookName: webhook.spec.name,
        eventId: event.id,
        eventType: event.type,
        state: 'PENDING',
        attemptCount: 0,
        dueAt: T0 + 60_005,
        nominalAt: event.nominalAt,
        createdAt: event.createdAt,
        attempts: [],
      });
    });

    test('the same firing again is stale: a run fires once', async () => {
      const webhook = await register(store());
      const [run, rival] = [aRun(webhook), aRun(webhook)];
      assert.deepEqual(await store().fireRuns([run, rival]), ['FIRED', 'STALE']);
      assert.deepEqual(await store().fireRuns([rival]), ['STALE']);
      assert.equal((await waitingOf(store(), webhook.id)).length, 1);
    });

    for (const [what, prepare] of [
      ['of another version', async (webhook: Webhook) => aRun(webhook, { version: webhook.version + 1 })],
      ['from another nominal time', async (webhook: Webhook) => aRun(webhook, { from: T0 })],
      ['of an unknown webhook', async (webhook: Webhook) => aRun(webhook, { webhookId: testId('webhook') })],
    ] as const) {
      test(`a firing ${what} is stale, and changes nothing`, async () => {
        const webhook = await register(store());
        const run = await prepare(webhook);
        assert.deepEqual(await store().fireRuns([run]), ['STALE']);
        assert.deepEqual(await read(webhook.id), webhook);
        assert.deepEqual(await waitingOf(store(), webhook.id), []);
        assert.deepEqual(await store().getEventBodies([run.runs[0]!.event.id]), [undefined]);
      });
    }

    for (const state of ['PAUSED', 'DISABLED'] as const) {
      test(`a firing of a webhook that is ${state} is stale`, async () => {
        const webhook = await register(store(), { state });
        assert.deepEqual(await store().fireRuns([aRun(webhook)]), ['STALE']);
        assert.deepEqual(await read(webhook.id), webhook);
      });
    }

    test('a firing without runs moves the cursor only', async () => {
      const webhook = await register(store());
      const run = aRun(webhook, { runs: [] });
      assert.deepEqual(await store().fireRuns([run]), ['FIRED']);
      assert.deepEqual((await read(webhook.id))?.cursor, run.to);
      assert.deepEqual(await waitingOf(store(), webhook.id), []);
    });

    test('the last firing leaves no run to come', async () => {
      const webhook = await register(store());
      const to = { ...webhook.cursor, nominalAt: null, dueAt: null, fired: 1 };
      assert.deepEqual(await store().fireRuns([aRun(webhook, { to })]), ['FIRED']);
      assert.deepEqual((await read(webhook.id))?.cursor, to);
    });

    test('a run whose event exists is left out, and the others of the firing are not', async () => {
      const webhook = await register(store());
      const first = aRun(webhook);
      await store().fireRuns([first]);
      const [fresh] = runsOf(webhook, 1);
      const again = { event: first.runs[0]!.event, delivery: aDelivery(webhook.id) };
      const second = aRun({ ...webhook, cursor: first.to }, { runs: [again, fresh!] });
      assert.deepEqual(await store().fireRuns([second]), ['FIRED']);
      assert.deepEqual(
        (await waitingOf(store(), webhook.id)).map(({ id }) => id),
        [first.runs[0]?.delivery.id, fresh?.delivery.id],
      );
      assert.deepEqual((await read(webhook.id))?.cursor, second.to);
    });

    test('a firing of which all runs exist moves the cursor, and says that they are known', async () => {
      const webhook = await register(store());
      const first = aRun(webhook);
      await store().fireRuns([first]);
      const again = { event: first.runs[0]!.event, delivery: aDelivery(webhook.id) };
      for (const overlap of ['ALLOW', 'SUPERSEDE', 'BUFFER'] as const) {
        const { cursor } = (await read(webhook.id))!;
        const second = aRun({ ...webhook, cursor }, { runs: [again], overlap });
        assert.deepEqual(await store().fireRuns([second]), ['KNOWN']);
        assert.deepEqual((await read(webhook.id))?.cursor, second.to);
      }
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ id, ending }) => [id, ending]),
        [[first.runs[0]?.delivery.id, undefined]],
      );
    });

    test('each firing of a batch stands for itself', async () => {
      const [one, two, three] = [await register(store()), await register(store()), await register(store())];
      const stale = aRun(two, { version: 9 });
      assert.deepEqual(await store().fireRuns([aRun(one), stale, aRun(three)]), ['FIRED', 'STALE', 'FIRED']);
      const counts = [one, two, three].map(async ({ id }) => (await waitingOf(store(), id)).length);
      assert.deepEqual(await Promise.all(counts), [1, 0, 1]);
    });
  });
}

export function overlaps(harness: Harness): void {
  describe(`${harness.name}: overlapping runs`, () => {
    const store = useStore(harness);
    const read = async (id: string) => (await store().getWebhooks([id]))[0];

    /** Fires a first run, and returns the webhook as it is then. */
    async function fireFirst(): Promise<Webhook> {
      const webhook = await register(store());
      const run = aRun(webhook);
      await store().fireRuns([run]);
      return { ...webhook, cursor: run.to };
    }

    async function superseded(id: string): Promise<boolean[]> {
      return (await waitingOf(store(), id)).map((delivery) => delivery.ending === 'SUPERSEDED');
    }

    test('with SKIP, runs are left out and counted as skipped while one waits', async () => {
      const webhook = await fireFirst();
      const run = aRun(webhook, {
        overlap: 'SKIP',
        runs: runsOf(webhook, 2),
        to: { ...webhook.cursor, nominalAt: T0 + 99, dueAt: T0 + 99, fired: 3, skipped: 4 },
      });
      assert.deepEqual(await store().fireRuns([run]), ['SKIPPED']);
      assert.equal((await waitingOf(store(), webhook.id)).length, 1);
      assert.deepEqual((await read(webhook.id))?.cursor, { ...run.to, fired: 1, skipped: 6 });
    });

    test('with SKIP, a stale firing is stale and not skipped', async () => {
      const webhook = await fireFirst();
      const run = aRun(webhook, { overlap: 'SKIP', version: 9 });
      assert.deepEqual(await store().fireRuns([run]), ['STALE']);
    });

    test('with SKIP, a run fires once the last is settled', async () => {
      const webhook = await fireFirst();
      const [first] = await waitingOf(store(), webhook.id);
      await store().settle([settlement(first!)], []);
      assert.deepEqual(await store().fireRuns([aRun(webhook, { overlap: 'SKIP' })]), ['FIRED']);
    });

    test('with SKIP, all runs of one firing fire when none waits', async () => {
      const webhook = await register(store());
      const run = aRun(webhook, { overlap: 'SKIP', runs: runsOf(webhook, 3) });
      assert.deepEqual(await store().fireRuns([run]), ['FIRED']);
      assert.equal((await waitingOf(store(), webhook.id)).length, 3);
    });

    test('with SKIP, neither an event nor a run of another webhook stands in the way', async () => {
      const webhook = await register(store());
      await store().fireRuns([aRun(await register(store()))]);
      const event = { event: anEvent({ namespace: webhook.namespace }), deliveries: [aDelivery(webhook.id)] };
      await store().publish([{ ...event, dueAt: T0, run: false }]);
      assert.deepEqual(await store().fireRuns([aRun(webhook, { overlap: 'SKIP' })]), ['FIRED']);
    });

    for (const overlap of ['SKIP', 'SUPERSEDE', 'BUFFER'] as const) {
      test(`with ${overlap}, what was triggered and waits for its retry has nothing to do with a run`, async () => {
        const webhook = await register(store());
        const trigger = {
          event: anEvent({ namespace: webhook.namespace }),
          deliveries: [aDelivery(webhook.id)],
        };
        await store().publish([{ ...trigger, dueAt: T0, run: true }]);
        const [waiting] = await waitingOf(store(), webhook.id);
        await store().settle([settlement(waiting!, { to: 'PENDING', dueAt: T0 + 500 }, T0)], []);
        assert.deepEqual(await store().fireRuns([aRun(webhook, { overlap })]), ['FIRED']);
        const found = await waitingOf(store(), webhook.id);
        assert.deepEqual(
          found.map(({ ending, dueAt: at }) => [ending, at < Infinity]),
          [
            [undefined, true],
            [undefined, true],
          ],
        );
      });
    }

    test('with SUPERSEDE, waiting runs are marked and the new ones are not', async () => {
      const webhook = await fireFirst();
      const run = aRun(webhook, { overlap: 'SUPERSEDE', runs: runsOf(webhook, 2) });
      assert.deepEqual(await store().fireRuns([run]), ['FIRED']);
      assert.deepEqual(await superseded(webhook.id), [true, false, false]);
    });

    test('with SUPERSEDE, events and runs of other webhooks are not marked', async () => {
      const other = await fireFirst();
      const webhook = await register(store());
      const event = { event: anEvent({ namespace: webhook.namespace }), deliveries: [aDelivery(webhook.id)] };
      await store().publish([{ ...event, dueAt: T0, run: false }]);
      await store().fireRuns([aRun(webhook, { overlap: 'SUPERSEDE' })]);
      assert.deepEqual(await superseded(webhook.id), [false, false]);
      assert.deepEqual(await superseded(other.id), [false]);
    });

    test('with SUPERSEDE, nothing is marked by a firing that brings nothing new', async () => {
      const webhook = await fireFirst();
      const run = aRun(webhook, { overlap: 'SUPERSEDE', runs: [] });
      assert.deepEqual(await store().fireRuns([run]), ['FIRED']);
      assert.deepEqual(await superseded(webhook.id), [false]);
    });

    test('with SUPERSEDE, nothing is marked by a firing whose runs are all there already', async () => {
      const webhook = await register(store());
      const first = aRun(webhook);
      await store().fireRuns([first]);
      const again = [{ event: first.runs[0]!.event, delivery: aDelivery(webhook.id) }];
      const run = aRun({ ...webhook, cursor: first.to }, { overlap: 'SUPERSEDE', runs: again });
      assert.deepEqual(await store().fireRuns([run]), ['KNOWN']);
      assert.deepEqual(await superseded(webhook.id), [false]);
    });

    test('with SUPERSEDE, a run that a caller gave up already stays given up for that', async () => {
      const webhook = await fireFirst();
      const [first] = await waitingOf(store(), webhook.id);
      const order = { namespace: webhook.namespace, id: first!.id, now: T0 };
      assert.deepEqual(await store().cancelDeliveries([order]), ['CANCELLING']);
      await store().fireRuns([aRun(webhook, { overlap: 'SUPERSEDE' })]);
      const endings = (await waitingOf(store(), webhook.id)).map(({ ending }) => ending);
      assert.deepEqual(endings, ['REQUESTED', undefined]);
    });

    test('with ALLOW, runs wait beside each other', async () => {
      const webhook = await fireFirst();
      assert.deepEqual(await store().fireRuns([aRun(webhook, { overlap: 'ALLOW' })]), ['FIRED']);
      assert.deepEqual(await superseded(webhook.id), [false, false]);
    });

    test('a mark stays when the delivery is put off', async () => {
      const webhook = await fireFirst();
      const [first] = await waitingOf(store(), webhook.id);
      await store().fireRuns([aRun(webhook, { overlap: 'SUPERSEDE' })]);
      // As a dispatcher would that has not been told yet.
      await store().settle([settlement(first!, { to: 'PENDING', dueAt: T0 + 9 })], []);
      assert.deepEqual(await superseded(webhook.id), [true, false]);
    });
  });
}
