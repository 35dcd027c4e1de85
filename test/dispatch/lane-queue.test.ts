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
import {
  amend,
  beginRead,
  endRead,
  expectRead,
  forget,
  judgeRow,
  KEEP_AHEAD_MS,
  LANE_WAITING_MAX,
  leaveMoreInStore,
  readmit,
  setAside,
} from '../../src/dispatch/lane-queue.ts';
import type { WaitingDelivery } from '../../src/domain/delivery/delivery.ts';
import { NO_CREDENTIALS } from '../../src/domain/webhook/credentials.ts';
import { aWaitingDelivery as waiting } from '../support/deliveries.ts';
import { aWebhook, T0 } from '../support/store.ts';

const NOW = T0;

function targetOf(ordered: boolean): Target {
  const rules = { open: true, concurrency: ordered ? 1 : 8 };
  return {
    webhook: aWebhook(),
    rules,
    ordered,
    keys: { secrets: [] },
    credentials: NO_CREDENTIALS,
    origin: 'http://example.com',
  };
}

/** A lane of which everything is in memory. */
function aLane({ ordered = false } = {}): Lane {
  const lane = emptyLane('webhook', 0, { waiting: 0 });
  aim(lane, targetOf(ordered), NOW);
  beginRead(lane.queue);
  endRead(lane.queue);
  return lane;
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

describe('a lane of which some is left in the store', () => {
  it('takes in what is due before that, and nothing that is due after it', () => {
    const lane = aLane();
    leaveMoreInStore(lane.queue, NOW - 10);
    arrive(lane, waiting(7, NOW - 10), waiting(8, NOW - 11));
    assert.deepEqual(sent(lane), [8]);
    assert.equal(lane.queue.more, NOW - 10);
  });

  it('leaves there what is due in more than a minute, a retry too', () => {
    const lane = aLane();
    const far = NOW + KEEP_AHEAD_MS + 1;
    arrive(lane, waiting(1, far));
    readmit(lane.queue, waiting(2, far + 1), NOW);
    readmit(lane.queue, waiting(3, far - 1), NOW);
    assert.deepEqual([...lane.queue.known.keys()], [3]);
    assert.equal(lane.queue.more, far);
  });

  it('keeps everything of an ordered lane in memory, however far ahead', () => {
    const lane = aLane({ ordered: true });
    readmit(lane.queue, waiting(1, NOW + KEEP_AHEAD_MS + 1), NOW);
    assert.ok(lane.queue.known.has(1));
  });

  it('takes nothing into an ordered lane before it is read, nor while it is', () => {
    const lane = aLane({ ordered: true });
    leaveMoreInStore(lane.queue, NOW + 1_000);
    arrive(lane, waiting(5));
    assert.equal(lane.queue.known.size, 0);
    expectRead(lane.queue);
    beginRead(lane.queue);
    admit(lane, waiting(6), { now: NOW, room: true, overtakes: true });
    assert.equal(lane.queue.known.size, 0);
  });
});

describe('a row that the store hands over', () => {
  const sentOnce = { ...waiting(1), attempts: 1 };

  it('is nothing new when it is as it was before the latest attempt', () => {
    const lane = aLane();
    readmit(lane.queue, sentOnce, NOW);
    assert.equal(judgeRow(lane.queue, waiting(1, NOW + 1)), 'SAME');
    assert.equal(judgeRow(lane.queue, sentOnce), 'SAME');
  });

  it('is a change when it is due at another time, is to be given up, or has attempts anew', () => {
    const lane = aLane();
    readmit(lane.queue, sentOnce, NOW);
    for (const change of [{ dueAt: NOW + 1 }, { ending: 'REQUESTED' as const }, { attemptsBefore: 1 }])
      assert.equal(judgeRow(lane.queue, { ...sentOnce, ...change }), 'CHANGED');
    assert.equal(judgeRow(lane.queue, waiting(2)), 'NEW');
  });

  it('takes its new place when it waits, and keeps what is in flight in flight', () => {
    const lane = aLane();
    arrive(lane, waiting(1), waiting(2));
    const first = takeDue(lane, NOW)!;
    amend(lane.queue, { ...first, dueAt: NOW - 5 }, NOW);
    amend(lane.queue, waiting(2, NOW + 1), NOW);
    assert.deepEqual(sent(lane), []);
    assert.deepEqual(sent(lane, NOW + 1), [2]);
    assert.equal(lane.queue.known.get(1)?.dueAt, NOW - 5);
  });

  it('is noted while a read is under way, which may bring it as it was', () => {
    const lane = aLane();
    arrive(lane, waiting(1), waiting(2), waiting(3), waiting(4));
    expectRead(lane.queue);
    const first = takeDue(lane, NOW)!;
    forget(lane.queue, first);
    amend(lane.queue, waiting(2, NOW + 1), NOW);
    setAside(lane.queue, { ...waiting(3), ending: 'REQUESTED' });
    assert.deepEqual([...endRead(lane.queue)].toSorted(), [1, 2, 3]);
    assert.equal(endRead(lane.queue).size, 0);
  });
});

describe('a delivery that is to be given up', () => {
  it('is taken out of turn when it waits, and left alone when it is in flight', () => {
    const lane = aLane();
    arrive(lane, waiting(1), waiting(2));
    takeDue(lane, NOW);
    assert.equal(setAside(lane.queue, { ...waiting(1), ending: 'REQUESTED' }), false);
    assert.equal(setAside(lane.queue, { ...waiting(2), ending: 'REQUESTED' }), true);
    assert.deepEqual(sent(lane), []);
    assert.equal(lane.queue.known.get(1)?.ending, 'REQUESTED');
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
