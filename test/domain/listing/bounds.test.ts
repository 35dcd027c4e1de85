import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Delivery } from '../../../src/domain/delivery/delivery.ts';
import { type Bound, boundsOf } from '../../../src/domain/listing/bounds.ts';
import { matcherOf } from '../../../src/domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../../src/domain/listing/fields.ts';
import { readFilter } from '../../../src/domain/listing/filter.ts';
import { toRfc3339 } from '../../../src/domain/rfc3339.ts';
import { T0 } from '../../support/store.ts';

const FIELDS = ['webhook_uid', 'event_type', 'state', 'create_time', 'last_response_status'];
const oneOf = (...values: string[]): Bound => ({ kind: 'oneOf', values });
const begins = (text: string): Bound => ({ kind: 'begins', text });
const range = (from: number, to: number): Bound => ({ kind: 'range', from, to });

function found(text: string) {
  const bounds = boundsOf(readFilter(text, DELIVERY_FIELDS), FIELDS);
  return bounds && Object.fromEntries(bounds);
}

describe('What an index can be searched by', () => {
  for (const [text, expected] of [
    ['', {}],
    ['webhook_uid = a', { webhook_uid: oneOf('a') }],
    ['webhook_uid != a', {}],
    ['state != FAILED', { state: oneOf('PENDING', 'SUCCEEDED', 'CANCELLED') }],
    ['NOT (state = FAILED OR state = PENDING)', { state: oneOf('SUCCEEDED', 'CANCELLED') }],
    ['state = FAILED OR state = PENDING', { state: oneOf('FAILED', 'PENDING') }],
    ['state = FAILED OR attempt_count = 1', {}],
    ['state = FAILED AND attempt_count = 1', { state: oneOf('FAILED') }],
    ['event_type = order.* AND event_type = order.eu.*', { event_type: begins('order.eu.') }],
    ['event_type = order.* AND event_type = order.paid', { event_type: oneOf('order.paid') }],
    ['event_type = order.paid AND event_type = order.*', { event_type: oneOf('order.paid') }],
    ['event_type = order.* OR event_type = order.eu.*', { event_type: begins('order.') }],
    ['event_type = order.* OR event_type = order.paid', { event_type: begins('order.') }],
    ['event_type = order.* OR event_type = user.*', {}],
    ['last_response_status >= 500 AND last_response_status < 504', { last_response_status: range(500, 504) }],
    ['last_response_status = 404 OR last_response_status = 5xx', { last_response_status: range(404, 600) }],
    ['create_time >= 2026-01-01T00:00:00Z', { create_time: range(T0, Infinity) }],
    ['state = FAILED AND state = PENDING OR state = FAILED', { state: oneOf('FAILED') }],
  ] as const) {
    it(`is known of ${JSON.stringify(text)}`, () => assert.deepEqual(found(text), expected));
  }

  for (const text of [
    'state = FAILED AND state = PENDING',
    'webhook_uid = a AND webhook_uid = b',
    'event_type = a AND event_type = b',
    'event_type = a.* AND event_type = b.*',
    'event_type = order.* AND event_type = order',
    'create_time > 2026-01-01T00:00:00Z AND create_time < 2026-01-01T00:00:00Z',
    'create_time = 2026-01-01T00:00:00.0005Z',
    'last_response_status = 5xx AND last_response_status < 500',
    '(state = FAILED AND state = PENDING) OR (webhook_uid = a AND webhook_uid = b)',
  ]) {
    it(`is nothing for ${JSON.stringify(text)}`, () => assert.equal(found(text), undefined));
  }

  it('has everything that a filter lets through', () => {
    fc.assert(
      fc.property(filter, delivery, (text, of) => {
        const condition = readFilter(text, DELIVERY_FIELDS);
        fc.pre(matcherOf(condition, DELIVERY_FIELDS)(of));
        const bounds = boundsOf(condition, FIELDS);
        assert.ok(bounds, 'nothing was thought to be let through');
        for (const [name, bound] of bounds) {
          const value = DELIVERY_FIELDS[name]!.of(of);
          if (bound.kind === 'oneOf') assert.ok(bound.values.includes(String(value)), name);
          else if (bound.kind === 'begins') assert.ok(String(value).startsWith(bound.text), name);
          else assert.ok(typeof value === 'number' && value >= bound.from && value < bound.to, name);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

const comparison = fc.oneof(
  fc.constantFrom('a', 'b').map((id) => `webhook_uid = ${id}`),
  fc.constantFrom('a', 'a.b', 'a.*', 'a.b*', '*').map((type) => `event_type = ${type}`),
  fc.constantFrom('= FAILED', '!= FAILED', '= PENDING').map((rest) => `state ${rest}`),
  fc
    .tuple(fc.constantFrom('=', '!=', '<', '<=', '>', '>='), fc.integer({ min: 0, max: 3 }))
    .map(([operator, ms]) => `create_time ${operator} ${toRfc3339(ms)}`),
  fc.constantFrom('= 2xx', '!= 5xx', '< 300', '>= 270', ':*').map((rest) => `last_response_status ${rest}`),
);
const { filter } = fc.letrec<{ filter: string; leaf: string }>((tie) => ({
  leaf: comparison,
  filter: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    tie('filter').map((inner) => `NOT (${inner})`),
    fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a}) AND (${b})`),
    fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => `(${a}) OR (${b})`),
  ),
}));
const delivery: fc.Arbitrary<Delivery> = fc.record(
  {
    id: fc.constant('msg_1'),
    namespace: fc.constant('default'),
    webhookId: fc.constantFrom('a', 'b'),
    eventId: fc.constant('e1'),
    eventType: fc.constantFrom('a', 'a.b', 'a.b.c', 'b'),
    state: fc.constantFrom('PENDING', 'FAILED'),
    attemptCount: fc.constant(1),
    createdAt: fc.integer({ min: 0, max: 4 }),
    lastStatus: fc.constantFrom(200, 270, 500, 503),
  },
  {
    requiredKeys: [
      'id',
      'namespace',
      'webhookId',
      'eventId',
      'eventType',
      'state',
      'attemptCount',
      'createdAt',
    ],
  },
);
