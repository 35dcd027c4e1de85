import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type HeldSender, heldSender } from '../support/held-sender.ts';
import { openPipeline, type Pipeline, until } from '../support/pipeline.ts';

/** Long enough for the dispatcher to send what it was going to send. */
const A_WHILE_MS = 60;

describe('A lane whose namespace', () => {
  let pipeline: Pipeline;
  let sender: HeldSender;
  before(async () => {
    sender = heldSender();
    pipeline = await openPipeline({ sender });
  });
  after(() => pipeline.stop(0));

  async function waiting(namespace: string) {
    await pipeline.control.namespaces.create(namespace, {});
    const destination = `http://127.0.0.1:9999/${namespace}/`;
    const spec = { name: namespace, destination, eventTypes: ['a'], limits: { concurrency: 1 } };
    const { webhook } = await pipeline.control.webhooks.register({ namespace, spec });
    const sent = () => sender.sent.filter((each) => each.destination === destination);
    const [first, second] = await pipeline.publish(webhook, ['first', 'second']);
    await until(() => sent()[0]);
    return { sent, ids: [first!, second!], target: { name: namespace, etag: '' } };
  }

  const aWhile = () => new Promise((resolve) => setTimeout(resolve, A_WHILE_MS));

  it('is suspended sends nothing more, ends what is in flight, and goes on when it is resumed', async () => {
    const { sent, ids, target } = await waiting('suspended');
    await pipeline.control.namespaces.suspend(target);
    sent()[0]!.answer(200);
    await aWhile();
    assert.equal(sent().length, 1);
    const stateOf = async (id: string) =>
      (await pipeline.store.getDelivery({ namespace: target.name, id }))?.state;
    await until(async () => ((await stateOf(ids[0]!)) === 'SUCCEEDED' ? true : undefined));
    assert.equal(await stateOf(ids[1]!), 'PENDING');
    await pipeline.control.namespaces.resume(target);
    const again = await until(() => sent()[1]);
    again.answer(200);
    await until(async () => ((await stateOf(ids[1]!)) === 'SUCCEEDED' ? true : undefined));
  });

  it('is deleted sends nothing more, whatever comes of what is in flight', async () => {
    const { sent, target } = await waiting('deleted');
    await pipeline.control.namespaces.delete(target, true);
    await aWhile();
    for (let tries = 0; tries < 100; tries++) {
      if ((await pipeline.store.sweep({ now: Date.now(), finishedBefore: 0, payloadsBefore: 0 })) === 0)
        break;
    }
    assert.deepEqual(await pipeline.store.getNamespaces([target.name]), [undefined]);
    sent()[0]!.answer(500);
    await aWhile();
    assert.equal(sent().length, 1);
    assert.deepEqual(await pipeline.store.listDeliveries({ namespace: target.name, limit: 10 }), []);
  });

  it('is another than that of a webhook that fails hears nothing of it', async () => {
    const { sent } = await waiting('failing');
    sent()[0]!.answer(410);
    const [news] = await until(() => {
      const of = pipeline.news.filter(({ namespace }) => namespace === 'failing');
      return of.length > 0 ? of : undefined;
    });
    assert.equal(news?.webhook.name, 'failing');
  });
});
