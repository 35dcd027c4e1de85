import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isOperational,
  type OperationalEvent,
  operationalData,
} from '../../../src/domain/webhook/operational.ts';

const about = {
  namespace: 'default',
  time: Date.UTC(2026, 0, 1),
  webhook: { id: 'wh_1', uid: 'wh_1', name: 'joe', destination: 'https://example.com/' },
  delivery: { id: 'msg_1', eventId: 'evt_1', eventType: 'order.paid', attemptCount: 3 },
};
const DATA = {
  webhook: about.webhook,
  delivery: {
    id: 'msg_1',
    event_id: 'evt_1',
    event_type: 'order.paid',
    attempt_count: 3,
    last_status: null,
  },
  time: '2026-01-01T00:00:00.000Z',
};

describe('an operational event', () => {
  const cases: readonly [OperationalEvent, object][] = [
    [
      { type: 'carillon.delivery.failed', ...about, reason: 'EXHAUSTED' },
      { ...DATA, reason: 'EXHAUSTED' },
    ],
    [
      { type: 'carillon.webhook.disabled', ...about, reason: 'FAILING' },
      { ...DATA, reason: 'FAILING' },
    ],
    [
      { type: 'carillon.webhook.recovered', ...about, failingSince: Date.UTC(2025, 11, 31) },
      { ...DATA, failing_since: '2025-12-31T00:00:00.000Z' },
    ],
    [
      { type: 'carillon.webhook.recovered', ...about },
      { ...DATA, failing_since: null },
    ],
  ];
  for (const [event, data] of cases) {
    it(`says what there is to know: ${event.type} ${JSON.stringify(Object.keys(event).at(-1))}`, () => {
      assert.deepEqual(operationalData(event), data);
    });
  }

  it('has the status of the last answer, if there was one', () => {
    const delivery = { ...about.delivery, lastStatus: 503 };
    const data = operationalData({
      type: 'carillon.delivery.failed',
      ...about,
      delivery,
      reason: 'EXHAUSTED',
    });
    assert.deepEqual(data.delivery, { ...DATA.delivery, last_status: 503 });
  });

  it('is caused by runs and by what others publish, but never by one of its kind', () => {
    for (const type of ['carillon.run', 'order.paid', 'carillonish', 'carillon'])
      assert.equal(isOperational(type), false, type);
    for (const type of ['carillon.delivery.failed', 'carillon.webhook.disabled', 'carillon.runs'])
      assert.equal(isOperational(type), true, type);
  });
});
