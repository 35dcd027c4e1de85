import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verify as verifyAsGitHubDoes } from '@octokit/webhooks-methods';
import { Webhook as Verifier } from 'standardwebhooks';
import Stripe from 'stripe';
import { noProblems } from '../../src/domain/problems.ts';
import type { AskedCompatibility } from '../../src/domain/webhook/compatibility.ts';
import { formatSecret } from '../../src/domain/webhook/secret.ts';
import { openPipeline } from '../support/pipeline.ts';
import { openReceiver, type ReceivedRequest } from '../support/receiver.ts';

/** What receivers with the libraries of others get, who need not know that the sender is another. */

const GITHUB: AskedCompatibility = { header: 'X-Hub-Signature-256', value: 'sha256={signature}' };
const STRIPE: AskedCompatibility = {
  header: 'Stripe-Signature',
  value: 't={timestamp},v1={signature}',
  content: 'TIMESTAMP_BODY',
};
const BODY = JSON.stringify({ id: 'evt_1', object: 'event', type: 'order.paid', data: { note: 'Zoë 🔔' } });

/** What arrives of a webhook that is signed so too. */
async function delivered(
  compatibility: AskedCompatibility,
  compatibilitySecret: string,
): Promise<{ request: ReceivedRequest; own: string }> {
  await using receiver = await openReceiver();
  await using pipeline = await openPipeline();
  const webhook = await pipeline.register({ destination: receiver.url });
  await pipeline.control.webhooks.update({ namespace: 'default', id: webhook.id }, ({ spec }) => ({
    spec: { ...spec, compatibility },
    compatibilitySecret,
    touched: new Set(['compatibility_signature']),
    problems: noProblems(),
  }));
  await pipeline.publish(webhook, [BODY]);
  const [request] = await receiver.received(1);
  return { request: request!, own: formatSecret(pipeline.secret) };
}

describe('A compatibility signature', () => {
  it("is one that GitHub's own library verifies, beside that of Standard Webhooks", async () => {
    const { request, own } = await delivered(GITHUB, "it's a secret");
    const { headers, body } = request;
    const signature = String(headers['x-hub-signature-256']);
    assert.equal(await verifyAsGitHubDoes("it's a secret", body.toString(), signature), true);
    assert.equal(await verifyAsGitHubDoes('another', body.toString(), signature), false);
    assert.equal(await verifyAsGitHubDoes("it's a secret", `${body} `, signature), false);
    assert.ok(new Verifier(own).verify(body, headers as Record<string, string>));
  });

  it("is one that Stripe's own library verifies, with the time of the attempt", async () => {
    const secret = 'whsec_5f4dcc3b5aa765d61d8327deb882cf99';
    const { request } = await delivered(STRIPE, secret);
    const { headers, body } = request;
    const { webhooks } = new Stripe('sk_test_none');
    const signature = String(headers['stripe-signature']);
    assert.equal(webhooks.constructEvent(body, signature, secret).type, 'order.paid');
    assert.throws(() => webhooks.constructEvent(body, signature, 'whsec_other'), /No signatures found/);
    const earlier = signature.replace(/^t=(\d+)/, (_, at: string) => `t=${Number(at) - 600}`);
    assert.throws(() => webhooks.constructEvent(body, earlier, secret), /No signatures found/);
  });

  it('can be by SHA-1, and of a key in base64, and in base64', async () => {
    const { request } = await delivered(
      { header: 'X-Old', algorithm: 'HMAC_SHA1', encoding: 'BASE64', keyForm: 'BASE64' },
      Buffer.from('key').toString('base64'),
    );
    const { createHmac } = await import('node:crypto');
    const expected = createHmac('sha1', 'key').update(request.body).digest('base64');
    assert.equal(request.headers['x-old'], expected);
  });
});
