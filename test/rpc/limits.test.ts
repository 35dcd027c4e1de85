import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WebhookSchema } from '../../gen/carillon/v1/webhook_pb.ts';
import { sharedApi, violations } from '../support/rpc.ts';

type WebhookInit = Exclude<MessageInitShape<typeof WebhookSchema>, { $typeName: string }>;

const DESTINATION = 'http://127.0.0.1:9999/';

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'a']));
}

function template(length: number): WebhookInit {
  return { payload: { body: { case: 'template', value: 'x'.repeat(length) } } };
}

function waits(ms: number): WebhookInit {
  return { timeout: { seconds: BigInt(Math.floor(ms / 1_000)), nanos: (ms % 1_000) * 1_000_000 } };
}

/** The table "Limits" of the README: what is taken, what is one too many, and the field that says so. */
const LIMITS: readonly (readonly [what: string, taken: WebhookInit, refused: WebhookInit, field: string])[] =
  [
    ['a name has 256 characters', { name: 'x'.repeat(256) }, { name: 'x'.repeat(257) }, 'name'],
    [
      'a destination has 2,048 characters',
      { destination: DESTINATION.padEnd(2_048, 'x') },
      { destination: DESTINATION.padEnd(2_049, 'x') },
      'destination',
    ],
    ['the source of a template has 64 KiB', template(65_536), template(65_537), 'payload.template'],
    ['there are 32 extra headers', { headers: many(32) }, { headers: many(33) }, 'headers'],
    ['there are 64 labels', { labels: many(64) }, { labels: many(65) }, 'labels'],
    ['an attempt may take 5 min', waits(300_000), waits(300_001), 'timeout'],
    ['an attempt may take 100 ms', waits(100), waits(99), 'timeout'],
    [
      'a delivery may have 100 attempts',
      { retryPolicy: { maxAttempts: 100 } },
      { retryPolicy: { maxAttempts: 101 } },
      'retry_policy.max_attempts',
    ],
  ];

describe('what the README says there may be of each thing', () => {
  const api = sharedApi();
  for (const [what, taken, refused, field] of LIMITS) {
    it(`is taken, and no more: ${what}`, async () => {
      const good = { name: 'joe', destination: DESTINATION };
      await api().webhooks.register({ webhook: { ...good, ...taken }, validateOnly: true });
      const call = api().webhooks.register({ webhook: { ...good, ...refused }, validateOnly: true });
      assert.deepEqual(Object.keys(await violations(call)), [`webhook.${field}`]);
    });
  }
});
