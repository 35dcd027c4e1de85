import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Delivery } from '../../../src/domain/delivery/delivery.ts';
import { DomainError } from '../../../src/domain/error.ts';
import {
  bothOf,
  type DeliveryFilter,
  FILTER_LENGTH_MAX,
  readDeliveryFilter,
  satisfies,
} from '../../../src/rpc/delivery/list-filter.ts';
import { T0 } from '../../support/store.ts';

const TIME = '2026-01-01T00:00:00Z';

describe('A filter of deliveries', () => {
  for (const [text, filter] of [
    ['', {}],
    [' \n ', {}],
    ['webhook_id = wh_1', { webhookId: 'wh_1' }],
    ['event_id=order:7.a-b_c', { eventId: 'order:7.a-b_c' }],
    ['event_id = "a \\"b\\" \\\\ c"', { eventId: 'a "b" \\ c' }],
    ["event_id = 'AND'", { eventId: 'AND' }],
    ['event_type = order.paid', { eventType: { exact: 'order.paid' } }],
    ['event_type = order.*', { eventType: { prefix: 'order.' } }],
    ['event_type = "*"', {}],
    ['state = FAILED', { state: 'FAILED' }],
    ['state = "STATE_PENDING"', { state: 'PENDING' }],
    [`create_time >= "${TIME}"`, { since: T0 }],
    [`create_time >= ${TIME}`, { since: T0 }],
    ['create_time > 2026-01-01T01:00:00+01:00', { since: T0 + 1 }],
    [`create_time < ${TIME}`, { until: T0 }],
    [`create_time <= ${TIME}`, { until: T0 + 1 }],
    [`create_time = ${TIME}`, { since: T0, until: T0 + 1 }],
    ['create_time >= 2026-01-01T00:00:00.0005Z', { since: T0 + 1 }],
    ['create_time > 2026-01-01T00:00:00.0005Z', { since: T0 + 1 }],
    ['create_time < 2026-01-01T00:00:00.0005Z', { until: T0 + 1 }],
    ['create_time <= 2026-01-01T00:00:00.0005Z', { until: T0 + 1 }],
    ['last_response_status = 503', { lastStatus: { from: 503, to: 503 } }],
    ['last_response_status = 5xx', { lastStatus: { from: 500, to: 599 } }],
    ['last_response_status = "4XX"', { lastStatus: { from: 400, to: 499 } }],
    ['last_response_status >= 500', { lastStatus: { from: 500, to: 999 } }],
    ['last_response_status > 500', { lastStatus: { from: 501, to: 999 } }],
    ['last_response_status < 300', { lastStatus: { from: 100, to: 299 } }],
    ['last_response_status <= 300', { lastStatus: { from: 100, to: 300 } }],
    [
      `state=FAILED AND create_time>=${TIME} AND create_time<2026-01-01T00:00:01Z AND event_type="order.*"`,
      { state: 'FAILED', since: T0, until: T0 + 1000, eventType: { prefix: 'order.' } },
    ],
    ['state = FAILED AND state = FAILED', { state: 'FAILED' }],
    ['event_type = order.* AND event_type = order.eu.*', { eventType: { prefix: 'order.eu.' } }],
    ['event_type = order.* AND event_type = order.paid', { eventType: { exact: 'order.paid' } }],
    ['event_type = order.paid AND event_type = order.*', { eventType: { exact: 'order.paid' } }],
    ['last_response_status >= 500 AND last_response_status < 504', { lastStatus: { from: 500, to: 503 } }],
  ] as const satisfies readonly (readonly [string, DeliveryFilter])[]) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(readDeliveryFilter(text), filter));
  }

  for (const text of [
    'state = FAILED AND state = PENDING',
    'webhook_id = a AND webhook_id = b',
    'event_id = a AND event_id = b',
    'event_type = a AND event_type = b',
    'event_type = a.* AND event_type = b.*',
    'event_type = order.* AND event_type = order',
    `create_time > ${TIME} AND create_time < ${TIME}`,
    'create_time = 2026-01-01T00:00:00.0005Z',
    'last_response_status = 5xx AND last_response_status < 500',
    'last_response_status < 100',
    'last_response_status > 999',
  ]) {
    it(`knows that nothing can match ${JSON.stringify(text)}`, () =>
      assert.equal(readDeliveryFilter(text), undefined));
  }

  for (const [text, place, says] of [
    ['colour = red', 'at character 1, near "colour = red"', /"colour" is not a field .*webhook_id, event_id/],
    ['__proto__ = x', 'at character 1', /not a field/],
    ['state', 'at its end', /expected an operator after state: = < <= > or >=/],
    ['state =', 'at its end', /expected a value/],
    ['state = AND', 'at character 9', /put AND in quotes/],
    ['state = FAILED AND', 'at its end', /expected a comparison after AND/],
    ['AND state = FAILED', 'at character 1', /expected the name of a field/],
    ['state = FAILED and state = FAILED', 'at character 16', /AND in capitals/],
    [
      'state = FAILED OR state = PENDING',
      'at character 16, near "OR state = PENDING"',
      /OR is not supported/,
    ],
    ['state = FAILED state = PENDING', 'at character 16', /expected AND or the end/],
    ['NOT state = FAILED', 'at character 1', /negation is not supported/],
    ['-state = FAILED', 'at character 1', /negation is not supported/],
    ['(state = FAILED)', 'at character 1', /parentheses are not supported/],
    ['state = FAILED)', 'at character 15', /parentheses are not supported/],
    ['state != FAILED', 'at character 7', /!= is not an operator here/],
    ['state == FAILED', 'at character 7', /== is not an operator here; there are = </],
    ['state:FAILED', 'at character 6', /: is not an operator here/],
    ['state > FAILED', 'at character 7', /can only be compared with =/],
    ['state = DEAD', 'at character 9', /one of PENDING, SUCCEEDED, FAILED, CANCELLED/],
    ['event_id = "open', 'at character 12', /quote is not closed/],
    ['event_id = "a"b', 'at character 15', /expected AND or the end/],
    ['event_id = 💥💥 AND state', 'at its end', /expected an operator/],
    ['event_id = 💥💥 AND colour = x', 'at character 19', /not a field/],
    ['event_type = ord*er', 'at character 14', /\* only at the end/],
    ['event_type = ""', 'at character 14', /must be a type/],
    ['create_time > yesterday', 'at character 15', /RFC 3339 time such as "2026-01-31T12:00:00Z"/],
    ['create_time > 2026-13-01T00:00:00Z', 'at character 15', /RFC 3339/],
    ['create_time > 2026-02-30T00:00:00Z', 'at character 15', /RFC 3339/],
    ['create_time > 2026-01-01', 'at character 15', /RFC 3339/],
    ['last_response_status = 0', 'at character 24', /from 100 to 999, or with a class such as "5xx"/],
    ['last_response_status = 1000', 'at character 24', /from 100 to 999/],
    ['last_response_status > 5xx', 'at character 22', /class such as 5xx can only be compared with =/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}, and says where and what would be right`, () => {
      assert.throws(
        () => readDeliveryFilter(text),
        (error) => {
          assert.ok(error instanceof DomainError);
          const [violation] = error.violations;
          assert.equal(violation?.field, 'filter');
          assert.ok(violation.description.startsWith(place), violation.description);
          assert.match(violation.description, says);
          return true;
        },
      );
    });
  }

  it('may be as long as the proto file says', () => {
    const filter = 'state = FAILED'.padEnd(FILTER_LENGTH_MAX);
    assert.deepEqual(readDeliveryFilter(filter), { state: 'FAILED' });
    assert.throws(() => readDeliveryFilter(`${filter} `), /at most 1024/);
  });

  it('never fails but with a violation, whatever is written', () => {
    const piece = fc.constantFrom(
      ...[
        'state',
        'create_time',
        '=',
        '<',
        '>=',
        '!=',
        ' ',
        ' AND ',
        'OR',
        '"',
        "'",
        '\\',
        '(',
        'FAILED',
        '5xx',
        '💥',
      ],
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (written) => {
        try {
          readDeliveryFilter(written);
        } catch (error) {
          assert.ok(error instanceof DomainError && error.code === 'INVALID', String(error));
        }
      }),
    );
  });
});

const filter: fc.Arbitrary<DeliveryFilter> = fc.record(
  {
    webhookId: fc.constantFrom('wh_1', 'wh_2'),
    eventId: fc.constantFrom('e1', 'e2'),
    eventType: fc.constantFrom<NonNullable<DeliveryFilter['eventType']>>(
      { exact: 'a.b' },
      { exact: 'a' },
      { prefix: 'a.' },
      { prefix: 'a.b.' },
    ),
    state: fc.constantFrom('PENDING', 'FAILED'),
    since: fc.integer({ min: 0, max: 3 }),
    until: fc.integer({ min: 1, max: 4 }),
    lastStatus: fc.constantFrom({ from: 200, to: 299 }, { from: 250, to: 500 }, { from: 503, to: 503 }),
  },
  { requiredKeys: [] },
);
const delivery: fc.Arbitrary<Delivery> = fc.record(
  {
    id: fc.constant('msg_1'),
    namespace: fc.constant('default'),
    webhookId: fc.constantFrom('wh_1', 'wh_2'),
    eventId: fc.constantFrom('e1', 'e2'),
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

describe('Two filters', () => {
  it('are satisfied together by what satisfies each, and by nothing else', () => {
    fc.assert(
      fc.property(filter, filter, delivery, (a, b, of) => {
        const both = bothOf(a, b);
        assert.equal(both !== undefined && satisfies(of, both), satisfies(of, a) && satisfies(of, b));
      }),
      { numRuns: 2000 },
    );
  });
});
