import assert from 'node:assert/strict';
import { createPublicKey, verify as verifyWithPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { Webhook as Verifier } from 'standardwebhooks';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { publicJwk } from '../../src/domain/webhook/namespace-key.ts';
import { formatSecret } from '../../src/domain/webhook/secret.ts';
import { verify } from '../../src/domain/webhook/signature.ts';
import { openSigningKeyring } from '../../src/store/signing-keyring.ts';
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

describe('A webhook that asks for an asymmetric signature', () => {
  it('has it beside those of its secrets, and anybody can verify it with the public key of the namespace', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const plain = await pipeline.register({ destination: receiver.url });
    assert.equal(pipeline.signingKeyring.publicKeyOf('default'), undefined);
    await pipeline.publish(plain, ['plain']);
    await receiver.received(1);
    const webhook = await pipeline.register({ destination: `${receiver.url}/both`, asymmetric: true });
    await pipeline.publish(webhook, ['{"a":1}']);
    const [, request] = await receiver.received(2);
    const { headers, body } = request!;
    const [symmetric, asymmetric, ...none] = String(headers['webhook-signature']).split(' ');
    assert.deepEqual(none, []);
    assert.match(symmetric!, /^v1,/);
    const [version, signature] = asymmetric!.split(',');
    assert.equal(version, 'v1a');
    const jwk = { ...publicJwk(pipeline.signingKeyring.publicKeyOf('default')!) };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    assert.ok(verifyWithPublicKey(null, Buffer.from(signed), key, Buffer.from(signature!, 'base64')));
    const plainHeaders = headers as Record<string, string>;
    assert.deepEqual(new Verifier(formatSecret(pipeline.secret)).verify(body, plainHeaders), { a: 1 });
    assert.equal(receiver.requests[0]!.headers['webhook-signature']!.includes('v1a'), false);
  });

  it('goes on with the same key after a restart', async () => {
    await using pipeline = await openPipeline();
    await pipeline.register({ asymmetric: true, destination: 'http://127.0.0.1:9999/' });
    const key = pipeline.signingKeyring.publicKeyOf('default');
    const sealKey = new Uint8Array(32).fill(7);
    const again = await openSigningKeyring({
      ...pipeline,
      clock: systemClock,
      random: systemRandom(),
      sealKey,
    });
    assert.deepEqual(again.publicKeyOf('default'), key);
    await again.ensure('default');
    assert.deepEqual(again.publicKeyOf('default'), key);
  });
});
