import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Webhook as Verifier } from 'standardwebhooks';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { formatSecret } from '../../src/domain/webhook/secret.ts';
import { verify } from '../../src/domain/webhook/signature.ts';
import { openPipeline } from '../support/pipeline.ts';
import { openReceiver, type ReceivedRequest, status } from '../support/receiver.ts';

const DAY = 86_400_000;
const NEW = new Uint8Array(32).fill(8);

/** Which of the secrets a receiver can have for this request to be genuine. */
function genuineFor(
  { headers, body }: ReceivedRequest,
  secrets: readonly Uint8Array[],
  now: number,
): boolean[] {
  return secrets.map((secret) => verify({ secrets: [secret], headers, body, now }) === 'valid');
}

describe('A secret that was rotated', () => {
  it('has a receiver take what is sent by either secret in the overlap, and by the new one alone after it', async () => {
    let ahead = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ clock });
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy: { delaysMs: [20] } });
    const secrets = [NEW, pipeline.secret];
    const target = { namespace: 'default', id: webhook.id };
    await pipeline.publish(webhook, ['{"before":1}']);
    const [before] = await receiver.received(1);
    assert.deepEqual(genuineFor(before!, secrets, clock.now()), [false, true]);

    await pipeline.control.webhooks.rotateSecret(target, { secret: NEW });
    // A retry is signed with what signs at its time.
    receiver.script(status(503));
    await pipeline.publish(webhook, ['{"during":2}']);
    const [, first, retry] = await receiver.received(3);
    for (const request of [first!, retry!]) {
      assert.equal(String(request.headers['webhook-signature']).split(' ').length, 2);
      assert.deepEqual(genuineFor(request, secrets, clock.now()), [true, true]);
      for (const secret of secrets) {
        const headers = request.headers as Record<string, string>;
        assert.deepEqual(new Verifier(formatSecret(secret)).verify(request.body, headers), { during: 2 });
      }
    }

    ahead = DAY + 1_000;
    await pipeline.publish(webhook, ['{"after":3}']);
    const last = (await receiver.received(4))[3]!;
    assert.match(String(last.headers['webhook-signature']), /^v1,\S+$/);
    assert.deepEqual(genuineFor(last, secrets, clock.now()), [true, false]);
  });

  it('signs nothing more from the moment at which it is withdrawn', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url });
    const target = { namespace: 'default', id: webhook.id };
    const { webhook: rotated } = await pipeline.control.webhooks.rotateSecret(target, { secret: NEW });
    await pipeline.publish(webhook, ['1']);
    await receiver.received(1);
    await pipeline.control.webhooks.withdrawSecret(target, rotated.secrets[1]!.id);
    await pipeline.publish(webhook, ['2']);
    const [one, two] = await receiver.received(2);
    const secrets = [NEW, pipeline.secret];
    assert.deepEqual(genuineFor(one!, secrets, systemClock.now()), [true, true]);
    assert.deepEqual(genuineFor(two!, secrets, systemClock.now()), [true, false]);
  });
});
