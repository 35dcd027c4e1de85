import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Delivery } from '../../../src/domain/delivery/delivery.ts';
import { DomainError } from '../../../src/domain/error.ts';
import { matcherOf } from '../../../src/domain/listing/condition.ts';
import { DELIVERY_FIELDS, type JudgedWebhook, WEBHOOK_FIELDS } from '../../../src/domain/listing/fields.ts';
import { FILTER_LENGTH_MAX, readFilter } from '../../../src/domain/listing/filter.ts';
import { COMPARISONS_MAX, DEPTH_MAX } from '../../../src/domain/listing/parse.ts';
import { aWebhook, T0 } from '../../support/store.ts';

/** T0. */
const TIME = '2026-01-01T00:00:00Z';

const DELIVERY: Delivery = {
  id: 'msg_1',
  namespace: 'default',
  webhookId: 'wh_1',
  webhookCallerId: 'orders',
  eventId: 'order:7.a-b_c',
  eventType: 'order.paid',
  state: 'FAILED',
  reason: 'EXHAUSTED',
  attemptCount: 3,
  createdAt: T0,
  finishedAt: T0 + 60_000,
  lastStatus: 503,
};

function isWanted(text: string, of: Partial<Delivery> = {}): boolean {
  return matcherOf(readFilter(text, DELIVERY_FIELDS), DELIVERY_FIELDS)({ ...DELIVERY, ...of });
}

describe('A filter', () => {
  it('that says nothing lets everything through', () => {
    for (const text of ['', ' \n ']) assert.equal(readFilter(text, DELIVERY_FIELDS), undefined);
    assert.equal(isWanted(''), true);
  });

  for (const [yes, no] of [
    ['id = msg_1', 'id = msg_2'],
    ['webhook_id = orders', 'webhook_id = order'],
    ['webhook_id = wh_1', 'webhook_id != wh_1'],
    ['webhook_uid = "wh_1"', 'webhook_uid = orders'],
    ['event_id=order:7.a-b_c', "event_id = 'AND'"],
    ['event_id : order:7.a-b_c', 'event_id != "order:7.a-b_c"'],
    ['event_type = order.paid', 'event_type = order.pai'],
    ['event_type = order.*', 'event_type = order.x*'],
    ['event_type = "order.p*"', 'event_type != order.*'],
    ['event_type = *', 'event_type != *'],
    ['state = FAILED', 'state = PENDING'],
    ['state = "STATE_FAILED"', 'state = STATE_PENDING'],
    ['state != PENDING', 'state != FAILED'],
    ['state_reason = EXHAUSTED', 'state_reason = REFUSED'],
    ['state_reason = EX*', 'state_reason = "EX\\*"'],
    ['state_reason >= EXHAUSTED', 'state_reason > EXHAUSTED'],
    ['state_reason < F', 'state_reason <= E'],
    ['attempt_count = 3', 'attempt_count = 4'],
    ['attempt_count > 2', 'attempt_count > 3'],
    ['attempt_count <= 3', 'attempt_count < 3'],
    ['attempt_count != 2', 'attempt_count != 3'],
    ['last_response_status = 503', 'last_response_status = 500'],
    ['last_response_status = 5xx', 'last_response_status = "4XX"'],
    ['last_response_status != 2xx', 'last_response_status != 5xx'],
    ['last_response_status >= 503', 'last_response_status > 503'],
    ['last_response_status < 504', 'last_response_status <= 502'],
    [`create_time = ${TIME}`, `create_time != ${TIME}`],
    [`create_time >= "${TIME}"`, `create_time < ${TIME}`],
    [`create_time <= ${TIME}`, 'create_time > 2026-01-01T01:00:00+01:00'],
    ['create_time < 2026-01-01T00:00:00.0005Z', 'create_time >= 2026-01-01T00:00:00.0005Z'],
    ['create_time <= 2026-01-01T00:00:00.0005Z', 'create_time = 2026-01-01T00:00:00.0005Z'],
    ['finish_time = 2026-01-01T00:01:00Z', 'finish_time < 2026-01-01T00:01:00Z'],
    ['finish_time:*', 'next_attempt_time:*'],
    ['NOT replay_of:*', 'replay_of:*'],
    ['replay_of != msg_0', 'replay_of = msg_0'],
    ['-state = PENDING', '-state = FAILED'],
    ['NOT state = PENDING', 'NOT state = FAILED'],
    ['state=FAILED AND attempt_count=3', 'state=FAILED AND attempt_count=4'],
    ['state=PENDING OR attempt_count=3', 'state=PENDING OR attempt_count=4'],
    ['(state = FAILED)', '-(state = FAILED)'],
    ['((state = FAILED) AND (attempt_count = 3))', '( state = FAILED AND NOT (attempt_count = 3) )'],
    ['NOT (state = PENDING OR attempt_count = 4)', 'NOT (state = FAILED AND attempt_count = 3)'],
    // OR binds tighter than AND, and NOT than both.
    [
      'state = FAILED OR state = PENDING AND attempt_count = 3',
      'state = FAILED OR id = msg_1 AND attempt_count = 4',
    ],
    [
      'attempt_count = 3 AND id = none OR state = FAILED',
      'attempt_count = 4 AND id = msg_1 OR state = FAILED',
    ],
    ['NOT state = PENDING AND id = msg_1', 'NOT id = msg_1 OR state = PENDING'],
  ] as const) {
    it(`tells ${yes} from ${no}`, () => assert.deepEqual([isWanted(yes), isWanted(no)], [true, false]));
  }

  it('has != true, and = and < false, where there is no value', () => {
    const { lastStatus, reason, ...silent } = DELIVERY;
    const matches = (text: string) =>
      matcherOf(readFilter(text, DELIVERY_FIELDS), DELIVERY_FIELDS)(silent as Delivery);
    assert.ok(lastStatus && reason);
    for (const field of ['last_response_status', 'state_reason']) {
      assert.deepEqual(
        [`${field} != 500`, `NOT ${field} < 500`, `${field} = 500`, `${field} < 500`, `${field}:*`].map(
          matches,
        ),
        [true, true, false, false, false],
      );
    }
  });

  it('asks for keys and values of maps, and for what lists have', () => {
    const { spec, ...webhook } = aWebhook({
      spec: {
        name: 'a "b" \\ *',
        labels: { team: 'red', 'app/name.of': 'x y' },
        eventTypes: ['order.*', 'user.made'],
      },
    });
    const judged: JudgedWebhook = { ...webhook, spec };
    const matches = (text: string) => matcherOf(readFilter(text, WEBHOOK_FIELDS), WEBHOOK_FIELDS)(judged);
    for (const text of [
      'labels.team = red',
      'labels.team:red',
      'labels.team:*',
      'labels:team',
      'labels:te*',
      'labels:*',
      'labels.team = r*',
      'labels.team != blue',
      'labels.tier != 1',
      'labels."app/name.of" = "x y"',
      'labels.app/name.of = "x y"',
      'event_types:user.made',
      'event_types:"order.\\*"',
      'event_types:order*',
      'name = "a \\"b\\" \\\\ \\*"',
      'state = ACTIVE',
      '-failing_since_time:*',
    ]) {
      assert.equal(matches(text), true, text);
    }
    for (const text of [
      'labels.team = blue',
      'labels.tier = red',
      'labels.toString:*',
      'labels.__proto__ = x',
      'labels:tier',
      'NOT labels:team',
      'event_types:user',
      'event_types:order.paid',
    ]) {
      assert.equal(matches(text), false, text);
    }
  });

  for (const [text, place, says] of [
    ['colour = red', 'at character 1, near "colour = red"', /"colour" is not a field .*id, webhook_id/],
    ['__proto__ = x', 'at character 1', /not a field/],
    ['state', 'at its end', /expected an operator after state: = != < <= > >= or :/],
    ['state =', 'at its end', /expected a value/],
    ['state = AND', 'at character 9', /put AND in quotes/],
    ['state = FAILED AND', 'at its end', /expected a comparison after AND/],
    ['state = FAILED OR ', 'at its end', /expected a comparison after OR/],
    ['AND state = FAILED', 'at character 1', /expected the name of a field/],
    ['state = FAILED and state = FAILED', 'at character 16', /AND in capitals/],
    ['state = FAILED or state = FAILED', 'at character 16', /OR in capitals/],
    ['state = FAILED OR OR state = PENDING', 'at character 19', /expected the name of a field/],
    ['state = FAILED state = PENDING', 'at character 16', /expected AND, OR or the end/],
    ['NOT NOT state = FAILED', 'at character 5', /negated once/],
    ['--state = FAILED', 'at character 2', /negated once/],
    ['(state = FAILED', 'at its end', /expected AND, OR or \)/],
    ['()', 'at character 2', /expected the name of a field before \)/],
    ['state = FAILED)', 'at character 15', /closes none/],
    ['state = (FAILED OR PENDING)', 'at character 9', /one value; join comparisons by OR/],
    ['state == FAILED', 'at character 7', /== is not an operator here; there are = !=/],
    ['state > FAILED', 'at character 7', /can only be compared with =, != and :/],
    ['state = DEAD', 'at character 9', /one of PENDING, SUCCEEDED, FAILED, CANCELLED/],
    ['state = failed', 'at character 9', /one of PENDING/],
    ['state.x = FAILED', 'at character 6', /has no fields of its own/],
    ['state. = FAILED', 'at character 7', /a name after the dot/],
    ['webhook_id = wh_*', 'at character 14', /as a whole, without \*/],
    ['event_id = "open', 'at character 12', /quote is not closed/],
    ['event_id = "a"b', 'at character 15', /expected AND, OR or the end/],
    ['event_id = 💥💥 AND state', 'at its end', /expected an operator/],
    ['event_id = 💥💥 AND colour = x', 'at character 19', /not a field/],
    ['event_type = ord*er', 'at character 14', /\* only at the end/],
    ['event_type = ""', 'at character 14', /must be a type/],
    ['event_type = "a b"', 'at character 14', /must be a type/],
    ['state_reason = *E*', 'at character 16', /\* only at the end/],
    ['attempt_count = many', 'at character 17', /a whole number/],
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
        () => readFilter(text, DELIVERY_FIELDS),
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

  it('refuses what lists and maps cannot be asked for', () => {
    for (const [text, says] of [
      ['event_types = order.paid', /is a list; ask whether it has one, as in event_types:value/],
      ['labels = red', /is a map; ask for a key, as in labels:team/],
      ['labels.team = *red', /\* only at the end/],
    ] as const) {
      assert.throws(() => readFilter(text, WEBHOOK_FIELDS), says, text);
    }
  });

  it('may be as long, as wide and as deep as the proto file says', () => {
    const long = 'state = FAILED'.padEnd(FILTER_LENGTH_MAX);
    assert.ok(readFilter(long, DELIVERY_FIELDS));
    assert.throws(() => readFilter(`${long} `, DELIVERY_FIELDS), /at most 4096/);
    const wide = Array.from({ length: COMPARISONS_MAX }, () => 'id = a').join(' OR ');
    assert.ok(readFilter(wide, DELIVERY_FIELDS));
    assert.throws(() => readFilter(`${wide} OR id = a`, DELIVERY_FIELDS), /more than 64 comparisons/);
    const deep = (depth: number) => `${'('.repeat(depth)}id = a${')'.repeat(depth)}`;
    assert.ok(readFilter(deep(DEPTH_MAX), DELIVERY_FIELDS));
    assert.ok(readFilter(Array.from({ length: 20 }, () => deep(2)).join(' AND '), DELIVERY_FIELDS));
    assert.throws(() => readFilter(deep(DEPTH_MAX + 1), DELIVERY_FIELDS), /more than 16 parentheses/);
  });

  it('never fails but with a violation, whatever is written', () => {
    const piece = fc.constantFrom(
      ...['state', 'create_time', 'labels', '=', '<', '>=', '!=', ':', '.', ' ', ' AND ', ' OR ', 'NOT '],
      ...['-', '"', "'", '\\', '(', ')', '*', 'FAILED', '5xx', '💥'],
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, (written) => {
        try {
          readFilter(written, DELIVERY_FIELDS);
        } catch (error) {
          assert.ok(error instanceof DomainError && error.code === 'INVALID', String(error));
        }
      }),
    );
  });
});
