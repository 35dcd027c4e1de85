import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAudiences } from '../../src/publish/audience.ts';
import type { TypeMatch } from '../../src/store/registrations.ts';
import { aWebhook } from '../support/store.ts';

/** Audiences of a store in which so many webhooks ask for everything, and whose webhooks a test may change. */
function aStore(listeners = 1) {
  const webhook = aWebhook({ spec: { eventTypes: ['*'] } });
  const world = { epoch: 1, asked: [] as string[], during: () => {} };
  const audiences = createAudiences({
    store: {
      webhookEpoch: () => world.epoch,
      async matchWebhooks(batch: readonly TypeMatch[]) {
        world.asked.push(...batch.map(({ type }) => type));
        world.during();
        return batch.map(() => Array<string>(listeners).fill(webhook.id));
      },
    },
    directory: { load: async (ids) => ids.map(() => webhook) },
  });
  return { audiences, world, webhook };
}

function question(type: string): TypeMatch {
  return { namespace: 'default', type };
}

describe('an audience', () => {
  it('is remembered as long as no webhook changes', async () => {
    const { audiences, world, webhook } = aStore();
    await audiences.find([question('order.paid')]);
    assert.deepEqual(audiences.known(question('order.paid'))?.plain, [
      { webhookId: webhook.id, format: 'ENVELOPE' },
    ]);
    world.epoch++;
    assert.equal(audiences.known(question('order.paid')), undefined);
  });

  it('is not remembered when a webhook changes while it is read, which may have come too early to see that', async () => {
    const { audiences, world } = aStore();
    world.during = () => void world.epoch++;
    await audiences.find([question('order.paid')]);
    world.during = () => {};
    assert.equal(audiences.known(question('order.paid')), undefined);
    await audiences.find([question('order.paid')]);
    assert.deepEqual(world.asked, ['order.paid', 'order.paid']);
    assert.ok(audiences.known(question('order.paid')));
  });

  it('is forgotten when there are too many to be remembered and it was not asked for lately', async () => {
    const { audiences } = aStore(999);
    // Each takes a thousand of 200,000 places: one for itself, and one for each webhook.
    for (let i = 0; i < 300; i++) {
      await audiences.find([question(`type-${i}`)]);
      assert.ok(audiences.known(question('type-0')));
    }
    assert.equal(audiences.known(question('type-1')), undefined);
    assert.ok(audiences.known(question('type-299')));
  });
});
