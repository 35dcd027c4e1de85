import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import { changedFields } from '../../../src/domain/webhook/changed-fields.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { aWebhook } from '../../support/store.ts';

const before = aWebhook();
const secret = (id: string) => ({ id, sealed: new Uint8Array(4), createdAt: 0 });
const changed = (change: Partial<Webhook>) => changedFields(before, { ...before, ...change });

describe('what a change of a webhook changes', () => {
  it('is named as the API names it', () => {
    const { spec } = before;
    assert.deepEqual(changed({ spec: { ...spec, timeoutMs: 3, retryPolicy: { maxAttempts: 2 } } }).fields, [
      'timeout',
      'retry_policy',
    ]);
    assert.deepEqual(changed({ state: 'PAUSED' }), { fields: ['state'] });
    const failing = { failingSince: 1, trips: 2, openUntil: 3, holdUntil: 4 };
    assert.deepEqual(changedFields({ ...before, health: failing }, { ...before, health: HEALTHY }).fields, [
      'failing_since_time',
      'probe_time',
      'hold_end_time',
    ]);
  });

  it('is nothing where the same is asked for in other words', () => {
    const { spec } = before;
    assert.deepEqual(changed({ spec: { ...spec, labels: {}, headers: {}, eventTypes: [] } }), { fields: [] });
  });

  it('has the ids of signing secrets before and after, and not what they are', () => {
    const secrets = [secret('sec_2'), secret('sec_1')];
    const told = changedFields({ ...before, secrets: [secret('sec_1')] }, { ...before, secrets });
    assert.deepEqual(told, {
      fields: ['signing_secrets'],
      before: ['sec_1'],
      after: ['sec_2', 'sec_1'],
    });
  });

  it('is the signature of another sender once, where its secret changes with it or without', () => {
    const compatibilitySecret = new Uint8Array(4);
    const spec = { ...before.spec, compatibility: { header: 'x-signature' } };
    for (const change of [{ compatibilitySecret }, { spec, compatibilitySecret }]) {
      assert.deepEqual(changed(change).fields, ['compatibility_signature']);
    }
  });
});
