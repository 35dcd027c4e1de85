import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { PublishBatchRequestSchema } from '../../../gen/carillon/v1/event_pb.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import { createPublisher } from '../../../src/publish/publisher.ts';
import { batchPublishing } from '../../../src/rpc/event/publish.ts';
import { createDirectory } from '../../../src/store/directory.ts';
import { calledBy } from '../../support/context.ts';
import { watchedLog } from '../../support/log.ts';
import { openMemoryStore, T0 } from '../../support/store.ts';
import { quickPublisher } from '../../support/stream.ts';

/** A machine so slow that each look at the clock takes a millisecond. */
function slowClock() {
  let steady = 0;
  return { now: () => T0, monotonic: () => steady++, zoneRules: 'test' };
}

/** How often the event loop went round while something was done: each is a turn for others. */
async function roundsOf(work: (rounds: () => number) => Promise<unknown>): Promise<number> {
  let rounds = 0;
  let over = false;
  const count = () => {
    rounds++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work(() => rounds);
  over = true;
  return rounds;
}

const requests = Array.from({ length: 1_000 }, (_, i) => ({ event: { type: 'a', id: `event-${i}` } }));
const context = { values: calledBy() } as HandlerContext;

describe('A large batch', () => {
  it('leaves turns to others while it is judged', async () => {
    const publishBatch = batchPublishing({ publisher: quickPublisher, clock: slowClock() });
    const message = create(PublishBatchRequestSchema, { requests });
    assert.ok((await roundsOf(() => publishBatch(message, context))) > 100);
  });

  it('leaves turns to others while it is made deliveries, and loses nothing of its order', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const directory = createDirectory({ store });
    let beforeStored = 0;
    const publisher = (rounds: () => number) =>
      createPublisher({
        store: {
          ...store,
          publish(batch) {
            beforeStored ||= rounds();
            return store.publish(batch);
          },
        },
        directory,
        clock: slowClock(),
        random: systemRandom(),
        log: watchedLog().log,
        settings: { idempotencyWindowMs: 1_000 },
      });
    const drafts = requests.map(({ event }) => ({
      namespace: 'default',
      type: event.type,
      callerId: event.id,
      data: { kind: 'none', body: new Uint8Array() } as const,
      headers: {},
    }));
    let ids: string[] = [];
    await roundsOf(async (rounds) => {
      ids = (await publisher(rounds).publish(drafts)).map((each) =>
        each.kind === 'PUBLISHED' ? each.id : each.kind,
      );
    });
    assert.ok(beforeStored > 100, `${beforeStored} rounds`);
    assert.deepEqual(
      ids,
      drafts.map(({ callerId }) => callerId),
    );
  });
});
