import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit, aim, emptyLane, type Lane, lacksDeliveries, takeDue } from '../../src/dispatch/lane.ts';
import {
  amend,
  beginRead,
  endRead,
  expectRead,
  forget,
  hasUnderWay,
  judgeRow,
  leaveMoreInStore,
  readmit,
  reread,
} from '../../src/dispatch/lane-queue.ts';
import type { WaitingDelivery } from '../../src/domain/delivery/delivery.ts';
import { type Place, precedes } from '../../src/domain/delivery/order.ts';
import { NO_CREDENTIALS } from '../../src/domain/webhook/credentials.ts';
import { aWaitingDelivery } from '../support/deliveries.ts';
import { aWebhook } from '../support/store.ts';

/**
 * An ordered lane against what it is to do, said in the plainest way: of all that waits and has become due, the
 * one with the first place goes. The store is a map, and whatever comes between the lane and that is drawn: reads
 * that take a while, rows for which there is no room, retries, wishes of callers, restarts.
 */

const STEPS = 1_500;
const SEEDS = 6;

/** Park and Miller's generator: numbers in [0, 1). */
function drawn(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

class Model {
  readonly unit: () => number;
  readonly rows = new Map<number, WaitingDelivery>();
  now = 1_000_000;
  lane = this.newLane();
  flying: WaitingDelivery | undefined;
  /** What a read that is under way brings. */
  reading: { readonly rows: readonly WaitingDelivery[]; readonly more: number | null } | undefined;
  sent = 0;
  most = 0;
  ords = 0;

  constructor(seed: number) {
    this.unit = drawn(seed);
  }

  upTo(count: number): number {
    return Math.floor(this.unit() * count);
  }

  newLane(): Lane {
    const lane = emptyLane('webhook', 0, { waiting: 0 });
    const rules = { open: true, concurrency: 1 };
    const target = {
      webhook: aWebhook(),
      rules,
      ordered: true,
      keys: { secrets: [] },
      credentials: NO_CREDENTIALS,
      origin: 'http://example.com',
    };
    aim(lane, target, this.now);
    // As a start finds it in the list of lanes.
    leaveMoreInStore(lane.queue, this.now);
    return lane;
  }

  inOrder(): WaitingDelivery[] {
    return [...this.rows.values()].sort((a, b) => (precedes(a, b) ? -1 : 1));
  }

  /** The first in order of what has become due. */
  first(): WaitingDelivery | undefined {
    let first: WaitingDelivery | undefined;
    for (const row of this.rows.values())
      if (row.firstDueAt <= this.now && (first === undefined || precedes(row, first))) first = row;
    return first;
  }

  publish(): void {
    // Many at a time are mostly delayed, so that memory is full of them while others come that go before.
    const isMany = this.unit() < 0.03;
    const count = isMany ? this.upTo(900) : 1 + this.upTo(3);
    const dueAt = this.now + (this.unit() < (isMany ? 0.8 : 0.3) ? this.upTo(isMany ? 2_000 : 60) : 0);
    for (let i = 0; i < count; i++) {
      const ord = ++this.ords;
      const row = aWaitingDelivery(ord, dueAt);
      this.rows.set(ord, row);
      this.handOver(row, this.unit() < 0.8);
    }
    this.most = Math.max(this.most, this.rows.size);
  }

  /** The store hands a row over, or a read has brought it. */
  handOver(row: WaitingDelivery, room: boolean, isRead = false): void {
    const { queue } = this.lane;
    const kind = judgeRow(queue, row);
    const overtakes = !isRead && queue.changedDuringRead !== undefined;
    if (kind === 'CHANGED') amend(queue, row, this.now);
    else if (kind === 'NEW') admit(this.lane, row, { now: this.now, room, overtakes });
  }

  /** A caller has one sent again that waits. */
  hasten(): void {
    const row = [...this.rows.values()][this.upTo(this.rows.size)];
    if (row === undefined || row.ord === this.flying?.ord) return;
    const firstDueAt = row.attempts === 0 ? Math.min(row.firstDueAt, this.now) : row.firstDueAt;
    const hastened = { ...row, dueAt: Math.min(row.dueAt, this.now), firstDueAt };
    this.rows.set(row.ord, hastened);
    this.handOver(hastened, true);
  }

  send(): void {
    if (this.flying !== undefined || hasUnderWay(this.lane.queue)) return;
    const delivery = takeDue(this.lane, this.now);
    const first = this.first();
    if (delivery !== undefined) {
      assert.equal(delivery.ord, first?.ord, 'what went was not the first');
      assert.ok(this.rows.get(delivery.ord)!.dueAt <= this.now, 'it was not due');
      this.flying = delivery;
      this.sent++;
    } else if (first !== undefined && first.dueAt <= this.now) {
      const isRead = this.lane.queue.changedDuringRead !== undefined || lacksDeliveries(this.lane, this.now);
      assert.ok(isRead, 'what is due is not sent, and is not read either');
    }
  }

  land(): void {
    const { flying, lane } = this;
    if (flying === undefined) return;
    this.flying = undefined;
    const latest = forget(lane.queue, flying);
    if (this.unit() < 0.7) {
      this.rows.delete(flying.ord);
      return;
    }
    const again = { ...latest, attempts: flying.attempts + 1, dueAt: this.now + this.upTo(50) };
    this.rows.set(again.ord, again);
    readmit(lane.queue, again, this.now);
  }

  /** Begins a read, or ends the one that is under way. */
  read(): void {
    const { queue } = this.lane;
    if (this.reading !== undefined) {
      const { rows, more } = this.reading;
      this.reading = undefined;
      const changed = endRead(queue);
      for (const row of rows) if (!changed.has(row.ord)) this.handOver(row, true, true);
      const last: Place | undefined = rows.at(-1);
      if (more !== null) leaveMoreInStore(queue, more, { firstDueAt: last!.firstDueAt, ord: last!.ord + 1 });
      return;
    }
    if (!lacksDeliveries(this.lane, this.now)) return;
    expectRead(queue);
    beginRead(queue);
    const all = this.inOrder();
    const limit = (this.unit() < 0.5 ? 500 : 1 + this.upTo(8)) + queue.known.size;
    this.reading = { rows: all.slice(0, limit), more: all[limit]?.dueAt ?? null };
  }

  /** The process ends. What was in flight is sent again. */
  restart(): void {
    this.flying = undefined;
    this.reading = undefined;
    this.lane = this.newLane();
  }

  step(): void {
    const kind = this.unit();
    if (kind < 0.09) this.publish();
    else if (kind < 0.12) this.hasten();
    else if (kind < 0.45) this.send();
    else if (kind < 0.7) this.land();
    else if (kind < 0.9) this.read();
    else if (kind < 0.99) this.now += this.upTo(10);
    else if (kind < 0.995) this.restart();
    else reread(this.lane.queue, this.now);
  }
}

describe('an ordered lane, whatever comes between it and the store', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`sends what is first in order, and nothing else (seed ${seed})`, () => {
      const model = new Model(seed);
      for (let i = 0; i < STEPS; i++) model.step();
      for (let i = 0; model.rows.size > 0; i++) {
        assert.ok(i < 1_000_000, 'it does not come to an end');
        model.send();
        model.land();
        model.read();
        model.now++;
      }
      assert.ok(model.sent > 500 && model.most > 300);
    });
  }
});
