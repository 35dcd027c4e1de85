import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSettler } from '../../src/dispatch/settler.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { HEALTHY, type LaneHealth } from '../../src/domain/delivery/lane.ts';
import type { LaneChange, Settlement, Store } from '../../src/store/store.ts';
import { aWaitingDelivery } from '../support/deliveries.ts';
import { recordingLog } from '../support/log.ts';
import { LIMITS, openPipeline } from '../support/pipeline.ts';
import { openReceiver } from '../support/receiver.ts';
import { T0 } from '../support/store.ts';

interface Write {
  readonly settlements: readonly Settlement[];
  readonly changes: readonly LaneChange[];
}

/** A settler on a store that takes everything, or refuses as long as it is told to. */
function aSettler() {
  const writes: Write[] = [];
  const world = { writes, refuses: false };
  const settle: Store['settle'] = async (settlements, changes) => {
    writes.push({ settlements: [...settlements], changes: [...changes] });
    if (world.refuses) throw new Error('no space left on device');
    return settlements.map(() => 'SETTLED' as const);
  };
  const { log } = recordingLog();
  return { ...createSettler({ store: { settle }, node: 'node', clock: systemClock, log }), world };
}

const FAILING: LaneHealth = { ...HEALTHY, failingSince: T0 };
const GONE: LaneChange = { webhookId: 'webhook', version: 1, health: FAILING, disable: 'GONE', now: T0 };
const WELL: LaneChange = { webhookId: 'webhook', version: 2, health: HEALTHY, now: T0 + 5 };

function aSettlement(ord: number): Settlement {
  const delivery = aWaitingDelivery(ord);
  return { delivery, transition: { to: 'SUCCEEDED' }, now: T0 };
}

function ordsOf({ settlements }: Write): number[] {
  return settlements.map(({ delivery }) => delivery.ord);
}

describe('a settlement', () => {
  it('is kept when the store refuses it, and told of once it is on disk', async () => {
    const { settle, flush, world } = aSettler();
    const told: number[] = [];
    world.refuses = true;
    settle(aSettlement(1), () => told.push(1));
    const refused = assert.rejects(flush());
    settle(aSettlement(2), () => told.push(2));
    await refused;
    assert.deepEqual(told, []);
    world.refuses = false;
    await flush();
    assert.deepEqual(ordsOf(world.writes.at(-1)!), [1, 2]);
    assert.deepEqual(told, [1, 2]);
  });

  it('is written after what happened before it: one write at a time', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const begun: number[][] = [];
    const slow: Store['settle'] = async (settlements) => {
      begun.push(settlements.map(({ delivery }) => delivery.ord));
      await gate;
      return settlements.map(() => 'SETTLED' as const);
    };
    const { settle, flush } = createSettler({
      store: { settle: slow },
      node: 'node',
      clock: systemClock,
      log: recordingLog().log,
    });
    settle(aSettlement(1), () => {});
    const first = flush();
    settle(aSettlement(2), () => {}, { urgent: true });
    const second = flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(begun, [[1]]);
    open();
    await Promise.all([first, second]);
    assert.deepEqual(begun, [[1], [2]]);
  });

  it('waits a moment for others to share its write, unless its lane waits for it', async () => {
    const { settle, world } = aSettler();
    settle(aSettlement(1), () => {});
    settle(aSettlement(2), () => {});
    assert.equal(world.writes.length, 0);
    settle(aSettlement(3), () => {}, { urgent: true });
    assert.deepEqual(world.writes.map(ordsOf), [[1, 2, 3]]);
  });

  it('is written with at most 499 others', async () => {
    const { settle, flush, world } = aSettler();
    for (let ord = 1; ord <= 1_200; ord++) settle(aSettlement(ord), () => {});
    await flush();
    assert.deepEqual(
      world.writes.map(({ settlements }) => settlements.length),
      [500, 500, 200],
    );
  });
});

describe('what a lane has to write', () => {
  it('keeps what disabled its webhook when a success comes before the write', async () => {
    const { change, flush, world } = aSettler();
    change(GONE);
    change(WELL);
    await flush();
    assert.deepEqual(world.writes, [
      { settlements: [], changes: [{ ...WELL, version: 1, disable: 'GONE' }] },
    ]);
  });

  it('keeps it too when the success comes after a write that the store refused', async () => {
    const { change, flush, world } = aSettler();
    world.refuses = true;
    change(GONE);
    const refused = assert.rejects(flush());
    change(WELL);
    await refused;
    world.refuses = false;
    await flush();
    assert.deepEqual(world.writes.at(-1)?.changes, [{ ...WELL, version: 1, disable: 'GONE' }]);
  });

  it('disables a webhook that answered 410 although another request to it succeeds right after', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({
      destination: receiver.url,
      limits: { ...LIMITS, concurrency: 2 },
    });
    const answers: ((code: number) => void)[] = [];
    receiver.answer(({ response }) => void answers.push((code) => response.writeHead(code).end()));
    await pipeline.publish(webhook, ['1', '2']);
    await receiver.received(2);
    answers[0]!(410);
    await new Promise((resolve) => setTimeout(resolve, 5));
    answers[1]!(200);
    await pipeline.finished(webhook);
    const [stored] = await pipeline.store.getWebhooks([webhook.id]);
    assert.deepEqual([stored?.state, stored?.stateReason], ['DISABLED', 'GONE']);
    assert.deepEqual(stored?.health, HEALTHY);
  });
});
