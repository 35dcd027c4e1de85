import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  admit,
  emptyLane,
  KEEP_AHEAD_MS,
  LANE_WAITING_MAX,
  type Lane,
  readmit,
  setOrder,
  type Target,
  takeDue,
  wantsRead,
} from '../../src/dispatch/lane-queue.ts';
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
  aim(lane, ordered);
  lane.more = Number.POSITIVE_INFINITY;
  return lane;
}

function aim(lane: Lane, ordered: boolean): void {
  lane.target = targetOf(ordered);
  setOrder(lane, ordered, NOW);
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
      lane.target = undefined;
      readmit(lane, { ...first, attempts: 1, dueAt }, NOW);
      aim(lane, true);
      assert.deepEqual(sent(lane), []);
      assert.deepEqual(sent(lane, dueAt), [1, 2, 3]);
    }
  });

  it('reads what the store has before it takes in the first arrival', () => {
    const lane = emptyLane('webhook', 0, { waiting: 0 });
    aim(lane, true);
    arrive(lane, waiting(9));
    assert.deepEqual(sent(lane), []);
    assert.ok(wantsRead(lane, NOW));
  });
});

describe('a lane whose webhook becomes ordered, or is so no longer', () => {
  for (const ordered of [true, false]) {
    it(`is read anew when it is ${ordered ? 'ordered' : 'not ordered any more'}`, () => {
      const lane = aLane({ ordered: !ordered });
      arrive(lane, waiting(2, NOW - 2), waiting(1, NOW - 1));
      lane.target = undefined;
      aim(lane, ordered);
      assert.deepEqual(sent(lane), []);
      assert.equal(lane.total.waiting, 0);
      assert.ok(wantsRead(lane, NOW));
    });
  }

  it('stays as it is when something else changes', () => {
    const lane = aLane({ ordered: true });
    arrive(lane, waiting(1), waiting(2));
    lane.target = undefined;
    aim(lane, true);
    assert.deepEqual(sent(lane), [1, 2]);
  });
});

describe('a lane that is full of what is due later', () => {
  const SOON = NOW + 30_000;

  function aFullLane(): Lane {
    const lane = aLane();
    for (let ord = 1; ord <= LANE_WAITING_MAX + 100; ord++) readmit(lane, waiting(ord, SOON), NOW);
    return lane;
  }

  it('takes in what is due before that, and leaves the last to go in the store', () => {
    const lane = aFullLane();
    const before = lane.waiting.length;
    arrive(lane, waiting(1_000));
    assert.equal(lane.waiting.length, before);
    assert.equal(lane.total.waiting, before);
    assert.equal(lane.known.has(before), false);
    assert.equal(lane.more, SOON);
    assert.deepEqual(sent(lane), [1_000]);
  });

  it('is read when something in the store is due, although there is much in memory', () => {
    const lane = aFullLane();
    admit(lane, waiting(1_000), { now: NOW, room: false, overtakes: false });
    assert.equal(lane.more, NOW);
    assert.ok(wantsRead(lane, NOW));
    // Once the first in memory is due, that goes first.
    assert.equal(wantsRead(lane, SOON), false);
  });

  it('leaves what is due no sooner in the store', () => {
    const lane = aFullLane();
    arrive(lane, waiting(1_000, SOON));
    assert.equal(lane.known.has(1_000), false);
    assert.equal(lane.more, SOON);
  });
});
