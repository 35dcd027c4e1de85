import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  aborted,
  alreadyExists,
  type DomainError,
  failedPrecondition,
  invalidRequest,
  notFound,
} from '../../src/domain/error.ts';

describe('An error of the domain', () => {
  it('says what it is about, in words and for programs', () => {
    const errors = [
      notFound('Event', 'evt_1'),
      aborted('CONTENDED', { type: 'Webhook', id: 'wh_1', description: 'was changed' }),
      failedPrecondition('DELIVERY_NOT_PENDING', FAILED),
      alreadyExists('Webhook', 'joe', 'there is another joe'),
    ];
    assert.deepEqual(errors.map(partsOf), [
      ['NOT_FOUND', 'there is no event evt_1', { type: 'Event', id: 'evt_1' }],
      ['ABORTED', 'webhook wh_1 was changed', { type: 'Webhook', id: 'wh_1' }],
      ['FAILED_PRECONDITION', 'delivery dlv_1 is FAILED', { type: 'Delivery', id: 'dlv_1' }],
      ['ALREADY_EXISTS', 'there is another joe', { type: 'Webhook', id: 'joe' }],
    ]);
  });

  it('names the state that is missing', () => {
    const { violations } = failedPrecondition('DELIVERY_NOT_PENDING', FAILED);
    assert.deepEqual(violations, [{ field: 'dlv_1', description: 'is FAILED' }]);
  });

  it('has all violations in its message, within bounds', () => {
    const two = [
      { field: 'name', description: 'is bad' },
      { field: '', description: 'is worse' },
    ];
    assert.equal(invalidRequest(two).message, 'name: is bad; is worse');
    const many = Array.from({ length: 200 }, () => two[0]!);
    assert.ok(invalidRequest(many).message.length <= 1000);
    assert.equal(invalidRequest(many).violations.length, 200);
  });
});

const FAILED = { type: 'Delivery', id: 'dlv_1', description: 'is FAILED' } as const;

function partsOf({ code, message, resource }: DomainError): unknown[] {
  return [code, message, resource];
}
