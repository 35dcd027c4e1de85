import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  admit,
  aim,
  emptyLane,
  type Lane,
  lacksDeliveries,
  loseAim,
  type Target,
  takeDue,
} from '../../src/dispatch/lane.ts';
import { beginRead, KEEP_AHEAD_MS, LANE_WAITING_MAX, readmit } from '../../src/dispatch/lane-queue.ts';
import type { WaitingDelivery } from '../../src/domain/delivery/delivery.ts';
import { aWebhook } from '../support/store.ts';

const NOW = 1_000_000;

function targetOf(ordered: boolean): Target {
  const rules = { open: true, concurrency: ordered ? 1 : 8 };
  return { webhook: aWebhook(), rules, ordered, keys: [], origin: 'http://example.com' };
}

/** A lane of which everything is in memory. */
function aLane({ ordered = false } = {}): Lane {
  const lane = emptyLane('webhook', 0, { waiting: 0 });
  aim(lane, targetOf(ordered), NOW);
  beginRead(lane.queue);
  return lane;
}

function waiting(ord: number, dueAt = NOW): WaitingDelivery {
  const attempts = { attempts: 0, attemptsBefore: 0 };
  const ids = { id: `delivery-${ord}`, webhookId: 'webhook', eventId: `event-${ord}` };
  return { ord, ...ids, dueAt, ...attempts, format: 'BODY', rendered: false };
}

function arrive(lane: Lane, ...deliveries: readonly WaitingDelivery[]): void {
  for (const delivery of deliveries) admit(lane, delivery, { now: NOW, room: true, overtakes: false });
}

/** The ords of what is sent, one after another, as far as it is due. */
function sent(lane: Lane, now = NOW): number[] {
  const ords: number[] = [];
  for (let next = takeDue(lane, now); next !== undefined; next = takeDue(lane, now)) ords.push(next.ord);
  return ords;
}

describe('an ordered lane', () => {
  it('is held back by a retry that comes back while its webhook is read again', () => {
    for (const dueAt of [NOW + 5_000, NOW + KEEP_AHEAD_MS + 1]) {
      const lane = aLane({ ordered: true });
      arrive(lane, waiting(1), waiting(2), waiting(3));
      const first = takeDue(lane, NOW)!;
      loseAim(lane);
      readmit(lane.queue, { ...first, attempts: 1, dueAt }, NOW);
      aim(lane, targetOf(true), NOW);
      assert.deepEqual(sent(lane), []);
      assert.deepEqual(sent(lane, dueAt), [1, 2, 3]);
    }
  });

  it('reads what the store has before it takes in the first arrival', () => {
    const lane = emptyLane('webhook', 0, { waiting: 0 });
    aim(lane, targetOf(true), NOW);
    arrive(lane, waiting(9));
    assert.deepEqual(sent(lane), []);
    assert.ok(lacksDeliveries(lane, NOW));
  });
});

describe('a lane whose webhook becomes ordered, or is so no longer', () => {
  for (const ordered of [true, false]) {
    it(`is read anew when it is ${ordered ? 'ordered' : 'not ordered any more'}`, () => {
      const lane = aLane({ ordered: !ordered });
      arrive(lane, waiting(2, NOW - 2), waiting(1, NOW - 1));
      loseAim(lane);
      aim(lane, targetOf(ordered), NOW);
      assert.deepEqual(sent(lane), []);
      assert.equal(lane.queue.total.waiting, 0);
      assert.ok(lacksDeliveries(lane, NOW));
    });
  }

  it('stays as it is when something else changes', () => {
    const lane = aLane({ ordered: true });
    arrive(lane, waiting(1), waiting(2));
    loseAim(lane);
    aim(lane, targetOf(true), NOW);
    assert.deepEqual(sent(lane), [1, 2]);
  });
});

describe('a lane that is full of what is due later', () => {
  const SOON = NOW + 30_000;

  function aFullLane(): Lane {
    const lane = aLane();
    for (let ord = 1; ord <= LANE_WAITING_MAX + 100; ord++) readmit(lane.queue, waiting(ord, SOON), NOW);
    return lane;
  }

  it('takes in what is due before that, and leaves the last to go in the store', () => {
    const lane = aFullLane();
    const before = lane.queue.waiting.length;
    arrive(lane, waiting(1_000));
    assert.equal(lane.queue.waiting.length, before);
    assert.equal(lane.queue.total.waiting, before);
    assert.equal(lane.queue.known.has(before), false);
    assert.equal(lane.queue.more, SOON);
    assert.deepEqual(sent(lane), [1_000]);
  });

  it('is read when something in the store is due, although there is much in memory', () => {
    const lane = aFullLane();
    admit(lane, waiting(1_000), { now: NOW, room: false, overtakes: false });
    assert.equal(lane.queue.more, NOW);
    assert.ok(lacksDeliveries(lane, NOW));
    // Once the first in memory is due, that goes first.
    assert.equal(lacksDeliveries(lane, SOON), false);
  });

  it('leaves what is due no sooner in the store', () => {
    const lane = aFullLane();
    arrive(lane, waiting(1_000, SOON));
    assert.equal(lane.queue.known.has(1_000), false);
    assert.equal(lane.queue.more, SOON);
  });
});
