import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runEventId } from '../../../src/domain/id.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { Backfill, NewRun } from '../../../src/store/intake.ts';
import type { Store } from '../../../src/store/store.ts';
import { aDelivery, anEvent, aRun, keyOf, type RunOverrides, T0 } from '../../support/store.ts';
import { forgetVisible, type Harness, register, settlement, useStore, waitingOf } from './harness.ts';

const MINUTE = 60_000;

/** The run of a nominal time. */
function runAt({ id, namespace }: Webhook, nominalAt: number): NewRun {
  const event = anEvent({ id: runEventId(id, nominalAt), namespace, nominalAt });
  return { event, delivery: aDelivery(id) };
}

/** Fires runs with BUFFER, one firing each, and returns the webhook as it is then. */
async function fireInTurn(
  store: Store,
  webhook: Webhook,
  count: number,
  overrides: RunOverrides = {},
): Promise<Webhook> {
  let { cursor } = webhook;
  for (let i = 0; i < count; i++) {
    const firing = aRun({ ...webhook, cursor }, { overlap: 'BUFFER', ...overrides });
    assert.deepEqual(await store.fireRuns([firing]), ['FIRED']);
    cursor = firing.to;
  }
  return { ...webhook, cursor };
}

/** What waits, as a row of letters: `n` is due now, `-` waits for its turn. */
async function turnsOf(store: Store, { id }: Webhook): Promise<string> {
  return (await waitingOf(store, id)).map(({ dueAt }) => (dueAt === Infinity ? '-' : 'n')).join('');
}

async function finishFirst(store: Store, { id }: Webhook, now = T0): Promise<void> {
  const [first] = (await waitingOf(store, id)).filter(({ dueAt }) => dueAt < Infinity);
  assert.deepEqual(await store.settle([settlement(first!, { to: 'SUCCEEDED' }, now)], []), ['SETTLED']);
}

export function turns(harness: Harness): void {
  describe(`${harness.name}: runs that wait for their turn`, () => {
    const store = useStore(harness);
    const read = async (id: string) => (await store().getWebhooks([id]))[0];

    test('with BUFFER, a run is due when none waits, and the next ones wait for it', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 3);
      assert.equal(await turnsOf(store(), webhook), 'n--');
    });

    test('with BUFFER, the runs of one firing wait for each other', async () => {
      const webhook = await register(store());
      const runs = [runAt(webhook, T0), runAt(webhook, T0 + 1), runAt(webhook, T0 + 2)];
      assert.deepEqual(await store().fireRuns([aRun(webhook, { overlap: 'BUFFER', runs })]), ['FIRED']);
      assert.equal(await turnsOf(store(), webhook), 'n--');
    });

    test('the next is due when the one before it is finished, and is handed over', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 3);
      const [, second] = await waitingOf(store(), webhook.id);
      await forgetVisible(store());
      await finishFirst(store(), webhook, T0 + 77);
      assert.equal(await turnsOf(store(), webhook), 'n-');
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(deliveries, [{ ...second, dueAt: T0 + 77 }]);
      await finishFirst(store(), webhook);
      await finishFirst(store(), webhook);
      assert.equal(await turnsOf(store(), webhook), '');
    });

    for (const [how, transition] of [
      ['fails for good', { to: 'FAILED', reason: 'EXHAUSTED' }],
      ['is cancelled', { to: 'CANCELLED', reason: 'REQUESTED' }],
    ] as const) {
      test(`the next is due when the one before it ${how}`, async () => {
        const webhook = await register(store());
        await fireInTurn(store(), webhook, 2);
        const [first] = await waitingOf(store(), webhook.id);
        await store().settle([settlement(first!, transition)], []);
        assert.equal(await turnsOf(store(), webhook), 'n');
      });
    }

    test('a retry is not the end of a run: the others go on waiting', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 2);
      const [first] = await waitingOf(store(), webhook.id);
      await store().settle([settlement(first!, { to: 'PENDING', dueAt: T0 + 9 })], []);
      assert.equal(await turnsOf(store(), webhook), 'n-');
    });

    test('one that is given up before its turn lets the next go after the one that is under way', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 3);
      const [, second] = await waitingOf(store(), webhook.id);
      const order = { namespace: webhook.namespace, id: second!.id, now: T0 };
      assert.deepEqual(await store().cancelDeliveries([order]), ['CANCELLING']);
      await finishFirst(store(), webhook);
      assert.equal(await turnsOf(store(), webhook), '--');
      const [given] = await waitingOf(store(), webhook.id);
      assert.equal(given?.ending, 'REQUESTED');
      await store().settle([settlement(given!, { to: 'CANCELLED', reason: 'REQUESTED' })], []);
      assert.equal(await turnsOf(store(), webhook), 'n');
    });

    test('one that a caller has sent again need not wait for its turn', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 3);
      const [, , third] = await waitingOf(store(), webhook.id);
      await store().retryDeliveries([{ namespace: webhook.namespace, id: third!.id, now: T0 }]);
      assert.equal(await turnsOf(store(), webhook), 'n-n');
      await finishFirst(store(), webhook);
      assert.equal(await turnsOf(store(), webhook), 'nn');
    });

    test('what waits for its turn has no due time for readers', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 2);
      const [first, second] = await waitingOf(store(), webhook.id);
      assert.equal((await store().getDelivery(keyOf(first!.id)))?.dueAt, T0 + MINUTE);
      const waiting = await store().getDelivery(keyOf(second!.id));
      assert.deepEqual([waiting?.state, waiting?.dueAt], ['PENDING', undefined]);
    });

    test('a lane gets only what is due at some time, and is not told that there is more', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 3);
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 1, ordered: false }]);
      assert.deepEqual([lane?.deliveries.length, lane?.more], [1, null]);
    });

    test('an ordered lane is told of what waits for its turn, which comes before what came after it', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 2);
      const event = { event: anEvent({ namespace: webhook.namespace }), deliveries: [aDelivery(webhook.id)] };
      await store().publish([{ ...event, dueAt: T0, run: false }]);
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 1, ordered: true }]);
      assert.equal(lane?.deliveries.length, 1);
      assert.notEqual(lane?.more, null);
      assert.equal(await turnsOf(store(), webhook), 'n-n');
    });

    test('where as many wait as may, a run is left out and counted as skipped', async () => {
      const webhook = await register(store());
      const full = await fireInTurn(store(), webhook, 2, { waitingMax: 2 });
      const firing = aRun(full, { overlap: 'BUFFER', waitingMax: 2 });
      assert.deepEqual(await store().fireRuns([firing]), ['SKIPPED']);
      assert.equal(await turnsOf(store(), webhook), 'n-');
      const { fired, skipped } = full.cursor;
      assert.deepEqual((await read(webhook.id))?.cursor, { ...firing.to, fired, skipped: skipped + 1 });
      await finishFirst(store(), webhook);
      const next = aRun({ ...full, cursor: firing.to }, { overlap: 'BUFFER', waitingMax: 2 });
      assert.deepEqual(await store().fireRuns([next]), ['FIRED']);
    });

    test('with SUPERSEDE, what waits for its turn is given up too', async () => {
      const webhook = await register(store());
      const after = await fireInTurn(store(), webhook, 2);
      await store().fireRuns([aRun(after, { overlap: 'SUPERSEDE' })]);
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ ending }) => ending),
        ['SUPERSEDED', 'SUPERSEDED', undefined],
      );
    });

    test('events and other webhooks go beside', async () => {
      const [webhook, other] = [await register(store()), await register(store())];
      await fireInTurn(store(), webhook, 2);
      await fireInTurn(store(), other, 1);
      const event = { event: anEvent({ namespace: webhook.namespace }), deliveries: [aDelivery(webhook.id)] };
      await store().publish([{ ...event, dueAt: T0, run: false }]);
      assert.equal(await turnsOf(store(), webhook), 'n-n');
      assert.equal(await turnsOf(store(), other), 'n');
      await finishFirst(store(), other);
      assert.equal(await turnsOf(store(), webhook), 'n-n');
    });

    test('turns go on after a start', async () => {
      if (harness.reopen === undefined) return;
      const before = await harness.open();
      const [webhook, idle] = [await register(before), await register(before)];
      await fireInTurn(before, idle, 1);
      await fireInTurn(before, webhook, 3);
      const after = await harness.reopen(before);
      await finishFirst(after, webhook);
      assert.equal(await turnsOf(after, webhook), 'n-');
      await after.close();
    });
  });

  describe(`${harness.name}: backfilling runs`, () => {
    const store = useStore(harness);
    const read = async (id: string) => (await store().getWebhooks([id]))[0];

    function aBackfill(
      webhook: Webhook,
      nominals: readonly number[],
      more: Partial<Backfill> = {},
    ): Backfill {
      return {
        webhookId: webhook.id,
        version: webhook.version,
        takeTurns: 'APART',
        waitingMax: 10,
        now: T0 + 5,
        runs: nominals.map((nominalAt) => runAt(webhook, nominalAt)),
        ...more,
      };
    }

    test('runs are inserted in their order, take turns, and leave the cursor alone', async () => {
      const webhook = await register(store());
      const backfill = aBackfill(webhook, [1, 2, 3]);
      assert.deepEqual(await store().backfillRuns([backfill]), [['FIRED', 'FIRED', 'FIRED']]);
      assert.equal(await turnsOf(store(), webhook), 'n--');
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ id }) => id),
        backfill.runs.map(({ delivery }) => delivery.id),
      );
      assert.deepEqual(await read(webhook.id), webhook);
      const delivery = await store().getDelivery(keyOf(waiting[1]!.id));
      assert.deepEqual([delivery?.nominalAt, delivery?.state], [2, 'PENDING']);
      await finishFirst(store(), webhook);
      assert.equal(await turnsOf(store(), webhook), 'n-');
    });

    test('new runs are handed over, with those that wait for their turn', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      await store().backfillRuns([aBackfill(webhook, [1, 2])]);
      const { deliveries, events } = await store().pollWaiting();
      assert.deepEqual(
        deliveries.map(({ dueAt }) => dueAt),
        [T0 + 5, Infinity],
      );
      assert.equal(events.length, 2);
    });

    test('a run that fired already is known, whether by the schedule or by a backfill', async () => {
      const webhook = await register(store());
      const firing = aRun(webhook);
      await store().fireRuns([firing]);
      const known = firing.from;
      assert.deepEqual(await store().backfillRuns([aBackfill(webhook, [1, known, known + 1])]), [
        ['FIRED', 'KNOWN', 'FIRED'],
      ]);
      assert.deepEqual(await store().backfillRuns([aBackfill(webhook, [1, 2])]), [['KNOWN', 'FIRED']]);
    });

    test('what the schedule fires later of a run that was backfilled is left out', async () => {
      const webhook = await register(store());
      await store().backfillRuns([aBackfill(webhook, [webhook.cursor.nominalAt!])]);
      const firing = aRun(webhook);
      assert.deepEqual(await store().fireRuns([firing]), ['KNOWN']);
      assert.equal((await waitingOf(store(), webhook.id)).length, 1);
    });

    test('the first for which there is no room ends it, and a run that is known needs none', async () => {
      const webhook = await register(store());
      await store().backfillRuns([aBackfill(webhook, [1])]);
      const backfill = aBackfill(webhook, [1, 2, 3, 1], { waitingMax: 2 });
      assert.deepEqual(await store().backfillRuns([backfill]), [['KNOWN', 'FIRED', 'FULL', 'FULL']]);
      assert.equal(await turnsOf(store(), webhook), 'n-');
    });

    test('the bounds of what may wait hold for it', async () => {
      const bounded = await harness.open({ waitingMax: 2 });
      const webhook = await register(bounded);
      const results = await bounded.backfillRuns([aBackfill(webhook, [1, 2, 3], { takeTurns: 'NEVER' })]);
      assert.deepEqual(results, [['FIRED', 'FIRED', 'FULL']]);
      await bounded.close();
    });

    test('apart, they neither wait for the runs of the schedule nor count as such', async () => {
      const webhook = await register(store());
      await store().backfillRuns([aBackfill(webhook, [1, 2])]);
      const firing = aRun(webhook, { overlap: 'SKIP' });
      assert.deepEqual(await store().fireRuns([firing]), ['FIRED']);
      const next = aRun({ ...webhook, cursor: firing.to }, { overlap: 'SUPERSEDE' });
      await store().fireRuns([next]);
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ ending }) => ending),
        [undefined, undefined, 'SUPERSEDED', undefined],
      );
      assert.equal(await turnsOf(store(), webhook), 'n-nn');
    });

    test('with the schedule, they wait for its runs, and its runs for them', async () => {
      const webhook = await register(store());
      await fireInTurn(store(), webhook, 1);
      await store().backfillRuns([aBackfill(webhook, [1], { takeTurns: 'WITH_SCHEDULE' })]);
      assert.equal(await turnsOf(store(), webhook), 'n-');
      const other = await register(store());
      await store().backfillRuns([aBackfill(other, [1], { takeTurns: 'WITH_SCHEDULE' })]);
      await fireInTurn(store(), other, 1);
      assert.equal(await turnsOf(store(), other), 'n-');
    });

    test('without turns, all are due now', async () => {
      const webhook = await register(store());
      await store().backfillRuns([aBackfill(webhook, [1, 2, 3], { takeTurns: 'NEVER', waitingMax: 1 })]);
      assert.equal(await turnsOf(store(), webhook), 'nnn');
    });

    for (const [what, change] of [
      ['paused', { state: 'PAUSED' }],
      ['disabled', { state: 'DISABLED' }],
    ] as const) {
      test(`of a webhook that is ${what} it is stale`, async () => {
        const webhook = await register(store(), change);
        assert.deepEqual(await store().backfillRuns([aBackfill(webhook, [1])]), ['STALE']);
        assert.deepEqual(await waitingOf(store(), webhook.id), []);
      });
    }

    test('of another version, or of a webhook that is gone, it is stale, and changes nothing', async () => {
      const webhook = await register(store());
      const stale = aBackfill(webhook, [1], { version: webhook.version + 1 });
      assert.deepEqual(await store().backfillRuns([stale, aBackfill(webhook, [2])]), ['STALE', ['FIRED']]);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.deepEqual(await store().backfillRuns([aBackfill(webhook, [3])]), ['STALE']);
    });
  });
}
