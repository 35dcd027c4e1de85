import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DomainError } from '../../../src/domain/error.ts';
import { type OpenedEvent, openEvent } from '../../../src/domain/event/data.ts';
import type { EventBody } from '../../../src/domain/event/event.ts';
import { checkFilter, type FilterVerdict, matches } from '../../../src/domain/filter/filter.ts';
import { REGEX_LENGTH_MAX } from '../../../src/domain/filter/regex.ts';
import { FILTER_LENGTH_MAX } from '../../../src/domain/filter/syntax.ts';
import { LOOPS_NESTED_MAX, NODES_MAX } from '../../../src/domain/filter/tree.ts';
import { DATA_DEPTH_MAX, DATA_VALUES_MAX } from '../../../src/domain/filter/value.ts';

function anEvent(body: string | Uint8Array, more: Partial<EventBody> = {}): EventBody {
  return {
    id: 'evt_01KDVKFM000000000000000000',
    type: 'order.paid',
    time: Date.UTC(2026, 6, 2, 3, 4, 5, 678),
    contentType: 'application/json',
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    headers: {},
    createdAt: 0,
    ...more,
  };
}

/** What a filter, which must be good, says of an event with this data. */
function ofData(filter: string, data: unknown, more: Partial<EventBody> = {}): FilterVerdict {
  checkFilter(filter, 'webhook.filter');
  return matches(filter, openEvent(anEvent(JSON.stringify(data), more)));
}

/** An opened event that counts how often its data is asked for. */
function countingReads(event: EventBody): { opened: OpenedEvent; reads: () => number } {
  const opened = openEvent(event);
  let reads = 0;
  const data = () => {
    reads++;
    return opened.data();
  };
  return { opened: { event, data }, reads: () => reads };
}

function failureOf(filter: string, data: unknown, more: Partial<EventBody> = {}): string {
  const verdict = ofData(filter, data, more);
  assert.ok(typeof verdict === 'object', `${filter} is ${verdict}`);
  return verdict.failed;
}

function refusalOf(filter: string): string {
  let description = '';
  assert.throws(
    () => checkFilter(filter, 'webhook.filter'),
    (error: DomainError) => {
      assert.equal(error.code, 'INVALID');
      assert.equal(error.violations[0]!.field, 'webhook.filter');
      description = error.violations[0]!.description;
      return true;
    },
    filter,
  );
  return description;
}

const ORDER = {
  'strange-key': { 'a/b c.d': 7 },
  amount: 150,
  currency: 'EUR',
  paid: true,
  note: null,
  email: 'joe@example.com',
  tags: ['new', 'gift'],
  items: [
    { sku: 'a', qty: 1 },
    { sku: 'b', qty: 5 },
  ],
};

describe('a filter', () => {
  const fulfilled = [
    'true',
    'event.data.amount > 100',
    'event.data.amount > 100.5 && event.data.currency == "EUR"',
    'event.data.paid',
    'event.data.amount == 150',
    'event.data["currency"] in ["EUR", "USD"]',
    '"gift" in event.data.tags',
    '"amount" in event.data',
    'event.data.tags[0] == "new"',
    'event.data.note == null',
    'has(event.data.note) && "note" in event.data && !("missing" in event.data)',
    'has(event.data.amount) && !has(event.data.missing)',
    'event.data.email.endsWith("@example.com")',
    'event.data.email.matches("^[a-z]+@example\\\\.com$")',
    'event.data.items.exists(i, i.sku == "b" && i.qty > 3)',
    'event.data.items.all(i, i.qty > 0)',
    'event.data.items.exists_one(i, i.sku == "a")',
    'event.data.items.filter(i, i.qty > 0).size() == 2',
    'event.data.items.map(i, i.qty * 2.0) == [2, 10]',
    'event.data.items.map(i, i.qty > 1, i.sku) == ["b"]',
    'event.data.items.filter(i, i.qty > 0).exists(i, i.qty == 5)',
    '[[1], [2, 3]].exists(l, l.exists(n, n == 3))',
    'event.data.items == event.data.items.map(i, i)',
    'event.data.items + [1] != event.data.items',
    'size(event.data.tags) == 2 && event.data.currency.size() == 3',
    'event.type == "order.paid" && event.type.startsWith("order.")',
    'event.id == "evt_01KDVKFM000000000000000000"',
    'event.content_type == "application/json"',
    'event.source == "" && event.subject == ""',
    'event["type"] == "order.paid"',
    'event.time > timestamp("2026-01-01T00:00:00Z")',
    'event.time - timestamp("2026-07-02T00:00:00Z") < duration("4h")',
    'event.time.getFullYear() == 2026 && event.time.getMonth() == 6 && event.time.getDate() == 2',
    'event.time.getHours() == 3 && event.time.getMinutes() == 4 && event.time.getSeconds() == 5',
    'event.time.getMilliseconds() == 678 && event.time.getDayOfMonth() == 1',
    'event.time.getDayOfWeek() == 4 && event.time.getDayOfYear() == 182',
    'event.time.getHours("America/New_York") == 23 && event.time.getDate("America/New_York") == 1',
    'event.time.getHours("+05:30") == 8 && event.time.getMinutes("-00:05") == 59',
    'type(event.data.amount) == double && type(event.data) == map',
    '(event.data.amount > 100 ? "big" : "small") == "big"',
    'event.data.missing == 1 || event.data.paid',
    '{"a": [1, 2]}.a[1] == 2',
    '// what is large\nevent.data.amount\n  > 100',
    '// what is large\n// and paid\nevent.data.paid // so far',
    'event.data.paid//',
    '"// not a comment" != "" && event.data.paid',
    'event.data.`strange-key`.`a/b c.d` == 7 && has(event.data.`strange-key`) && event.`data`.paid',
    'r"`a`\\" + "\\"`b" + \'\'\'`\'c`\'\'\' == "`a`\\\\\\"`b`\'c`"',
    'matches(event.data.email, "@example[.]com$")',
    'type(event.time) == google.protobuf.Timestamp && type(duration("1s")) == google.protobuf.Duration',
    '!(!(event.data.paid)) && !( (!(event.data.paid))) && -(-(2)) == 2 && 2 - (-2) == 4',
    'timestamp(1) == timestamp("1970-01-01T00:00:01Z") && int(timestamp(1767225600)) == 1767225600',
    'timestamp(253402300799) > timestamp(-62135596800) && duration(60) == duration("1m")',
    'int("-42") == -42 && int("+7") == 7 && uint("42") == 42u && double("-1.5e3") == -1500.0',
    'double(".5") == 0.5 && double("1.") == 1.0 && double("-Infinity") < double("inf")',
    'timestamp("2028-02-29T23:59:59.999999999+01:00") < timestamp("2028-03-01T00:00:00Z")',
    'duration("1h30m") == duration("5400s") && duration("0") == duration("0s")',
    '"\\uFFFD" < "\\U0001F600" && "\\U0001F600" >= "\\uFF5E" && !("\\U0001F600" <= "\\uFFFD")',
    '"a" < "ab" && "ab" > "a" && "a" <= "a" && "\\U0001F600" < "\\U0001F601"',
    '"a" in {"a": null} && has({"a": null}.a) && {"a": null}.a == null && !("b" in {"a": null})',
    '{1u: "x"}[1] == "x" && {1: "x"}[1.0] == "x" && 1 in {1u: 2} && !(1.5 in {1: 2}) && !(1 in event.data)',
  ];
  for (const filter of fulfilled) {
    it(`is fulfilled: ${filter}`, () => assert.equal(ofData(filter, ORDER), true));
  }

  for (const filter of [
    'false',
    'event.data.amount > 150',
    'event.type == "order"',
    'event.data.tags.all(t, t == "new")',
  ]) {
    it(`is not fulfilled: ${filter}`, () => assert.equal(ofData(filter, ORDER), false));
  }

  it('sees text, bytes, and the lack of data', () => {
    const of = (filter: string, event: EventBody) => matches(filter, openEvent(event));
    assert.equal(of('event.data.contains("ü")', anEvent('für', { contentType: 'text/plain' })), true);
    const bytes = anEvent(new Uint8Array([1, 255]), { contentType: 'application/octet-stream' });
    assert.equal(of('event.data == b"\\x01\\xff"', bytes), true);
    assert.equal(of('event.data == null', anEvent('')), true);
    assert.equal(of('type(event.data) == bytes', anEvent('not JSON')), true);
  });

  it('sees the id that readers see, and what its publisher said', () => {
    const more = { callerId: 'mine', source: '/shop', subject: 'order 7' };
    assert.equal(
      ofData('event.id == "mine" && event.source == "/shop" && event.subject == "order 7"', 1, more),
      true,
    );
  });

  it('sees extension attributes, without the data', () => {
    const { opened, reads } = countingReads(anEvent('{}', { extensions: { tenant: 'a', 7: 'x' } }));
    const filter =
      'event.extensions.tenant == "a" && event.extensions["7"] == "x" && !has(event.extensions.b)';
    checkFilter(filter, 'f');
    assert.equal(matches(filter, opened), true);
    assert.equal(reads(), 0);
    assert.equal(ofData('event.extensions == {} && !("a" in event.extensions)', 1), true);
  });

  it('needs no data to look at the rest', () => {
    const huge = JSON.stringify(Array.from({ length: DATA_VALUES_MAX + 1 }, () => 0));
    const { opened, reads } = countingReads(anEvent(huge));
    assert.equal(matches('event.type == "order.paid" && has(event.subject)', opened), true);
    assert.equal(reads(), 0);
  });

  it('is evaluated against data that is read once', () => {
    const { opened, reads } = countingReads(anEvent('{"a":1}'));
    for (const filter of ['event.data.a == 1', 'event.data.a > 0', 'event.data.a == 1']) {
      assert.equal(matches(filter, opened), true);
    }
    assert.equal(reads(), 1);
  });
});

describe('a filter that fails on an event', () => {
  it('says why', () => {
    assert.equal(failureOf('event.data.missing > 1', ORDER), 'field not found: missing');
    assert.match(failureOf('event.data.amount > "1"', ORDER), /no matching overload/);
    assert.match(failureOf('event.data.amount', ORDER), /the result is of type double/);
    assert.match(failureOf('event.data', ORDER), /the result is of type map/);
    assert.match(failureOf('event.time.getHours(event.data.currency) > 1', ORDER), /no time zone EUR/);
    assert.match(failureOf('1 / int(event.data.amount - 150.0) > 0', ORDER), /divide by zero/);
  });

  for (const conversion of [
    'int("") == 0',
    'int("0x2a") == 42',
    'int(" 5") == 5',
    'int("1_000") == 1000',
    'int("99999999999999999999") > 0',
    'uint("") == 0u',
    'uint("0x2a") == 42u',
    'uint("+1") == 1u',
    'double("abc") != 0.0',
    'double("") == 0.0',
    'double("0x10") == 16.0',
    'double(" 1") == 1.0',
    'double("1e999") > 0.0',
    'timestamp("") < timestamp(0)',
    'timestamp("2026-02-30T00:00:00Z") > timestamp(0)',
    'timestamp("2026-01-01T24:00:00Z") > timestamp(0)',
    'timestamp("2026-01-01") > timestamp(0)',
    'timestamp(253402300800) > timestamp(0)',
    'timestamp(-62135596801) < timestamp(0)',
    'duration("") == duration("0s")',
    'duration("-") == duration("0s")',
    'duration("1") == duration("1s")',
    'duration(9223372037) > duration("0s")',
    'event.time.getHours("24:00") >= 0',
    'event.time.getHours("01:60") >= 0',
  ]) {
    it(`does so for what is no number, time or duration: ${conversion}`, () => {
      assert.match(failureOf(conversion, ORDER), / is no |range|overflow|parse|no time zone/);
    });
  }

  it('fails where something is negated that cannot be', () => {
    for (const filter of [
      '!(!(42)) == 42',
      '!(!(event.data.amount))',
      '!( (!("a"))) == "a"',
      '-(-("a")) == "a"',
    ]) {
      assert.match(failureOf(filter, ORDER), /no matching overload for '[!-]_'/, filter);
    }
  });

  it('fails on a map that has a key twice', () => {
    assert.match(failureOf('{1: "a", 1u: "b"}[1] == "a"', ORDER), /the key 1 twice/);
    assert.match(failureOf('{"a": 1, "a": 2}.a == 1', ORDER), /key conflict/);
  });

  it('fails on numbers as CEL has them: those of JSON are doubles', () => {
    assert.match(failureOf('event.data.amount + 1 > 0', ORDER), /no matching overload/);
    assert.equal(ofData('event.data.amount + 1.0 == 151', ORDER), true);
  });
});

describe('data that passes for something else', () => {
  it('is only data', () => {
    const message = { $typeName: 'google.protobuf.Timestamp', seconds: 1 };
    assert.equal(ofData('event.data.seconds == 1', message), true);
    const named = '{"constructor":null,"__proto__":{"x":1},"toString":2}';
    const of = (filter: string) => matches(filter, openEvent(anEvent(named)));
    assert.equal(of('event.data.toString == 2 && event.data["__proto__"].x == 1'), true);
    assert.equal(of('has(event.data.valueOf)'), false);
  });
});

describe('a filter is refused', () => {
  const refused: [string, string, RegExp][] = [
    ['that is empty', '', /^cannot be read at line 1, column 1: found end of input/],
    [
      'with two operators in a row',
      'event.data.a ==\n  == 3',
      /^cannot be read at line \d, column \d+: found =/,
    ],
    ['with a quote that is not closed', 'event.type == "a', /^cannot be read at line 1, column 12: /],
    [
      'with a bracket that is not closed',
      '(event.data.a',
      /^cannot be read at line 1, column 14: found end of input/,
    ],
    [
      'that names something else',
      '\n true && data.a',
      /^names data at line 2, column 10: the event is event/,
    ],
    [
      'that reads what an event does not have',
      'event.amount > 1',
      /^reads event\.amount at line 1, column 6: an event has id/,
    ],
    [
      'that calls what there is not',
      'event.data.a.toLower() == "a"',
      /^calls toLower at line 1, column 13: there is no/,
    ],
    ['that calls something otherwise than it is', 'int() == 1', /^calls int at line 1, column 1: /],
    [
      'that calls a method without an object',
      'startsWith("a", "b")',
      /^calls startsWith at line 1, column 1: /,
    ],
    [
      'in what follows something that is read in other words',
      '!(!(event.data.`a-b`)) && // so\n event.`nope` > 1',
      /^reads event\.nope at line 2, column 7: /,
    ],
    [
      'that cannot be read, after a comment',
      'event.data.`a-b` == == 1 // x',
      /^cannot be read at line 1, column 18: /,
    ],
    ['with a quoted name that is no field', '`event`.type == "a"', /^cannot be read at line 1, column 1: /],
    ['that names another message', 'google.protobuf.Any == type(1)', /^names google at line 1, column 1/],
    ['that is text', 'event.type', /^never results in true or false$/],
    ['that is a number', '1 + 1', /^never results/],
    ['that is a size', 'size(event.data)', /^never results/],
    ['that is a list', 'event.data.map(i, i)', /^never results/],
    ['that is a choice of neither', 'event.data.a ? 1 : "b"', /^never results/],
    [
      'that makes a message',
      'google.protobuf.Duration{} == event.data',
      /^makes a google\.protobuf\.Duration at line 1/,
    ],
    [
      'with a regular expression out of data',
      'event.type.matches(event.data.a)',
      /^calls matches at line 1, column 11: .*written out/,
    ],
    [
      'with a regular expression that is none',
      'event.type.matches("(")',
      /^has a regular .* at line 1, column 20: .*missing closing/,
    ],
    ['with a regular expression that RE2 cannot', 'event.type.matches("(a)\\\\1")', /invalid escape/],
    [
      'with a regular expression that is too long',
      `event.type.matches("${'a'.repeat(REGEX_LENGTH_MAX + 1)}")`,
      /at most 256/,
    ],
    [
      'with a regular expression that is longer than it looks',
      'event.type.matches("(a{30}){30}")',
      /too many alternatives or repetitions/,
    ],
    ['that is too long', ' '.repeat(FILTER_LENGTH_MAX) + 1, /^has 4097 characters: give at most 4096$/],
    [
      'with too many terms',
      `event.data.a in [${'1,'.repeat(NODES_MAX)}1]`,
      /^is too long: it may have 1000 terms$/,
    ],
    [
      'that is nested too deeply to be read',
      '('.repeat(2000) + 1 + ')'.repeat(2000),
      /^is nested too deeply$/,
    ],
    ['that is nested too deeply', Array(110).fill('1').join('+'), /^is nested too deeply at line 1/],
    [
      'with loops three deep',
      'event.data.all(a, a.all(b, b.all(c, c)))',
      /^has loops within loops, more than 2 deep, at line 1, column 29/,
    ],
  ];
  for (const [what, filter, message] of refused) {
    it(what, () => assert.match(refusalOf(filter), message));
  }

  it('by what it was registered with only, and fails at every event otherwise', () => {
    const verdict = matches('event.amount > 1', openEvent(anEvent('{}')));
    assert.match((verdict as { failed: string }).failed, /^the filter reads event\.amount at line 1/);
  });
});

describe('the cost of a filter', () => {
  const exhausted = /^takes more than 50000 steps$/;
  // It takes V8 the product of the lengths to find that this is not in the text.
  const hidden = `${'ab'.repeat(10_000)}!${'ab'.repeat(10_000)}`;
  const many = { items: Array.from({ length: 10_000 }, (_, i) => i), text: 'ab'.repeat(400_000), hidden };
  const times = (part: string, n: number) => part.repeat(n);

  const costly: [string, string][] = [
    ['a loop in a loop', 'event.data.items.all(a, event.data.items.all(b, true))'],
    [
      'a loop in a loop whose result does not matter',
      'event.data.items.all(a, event.data.items.all(b, true)) || true',
    ],
    ['a loop of errors', 'event.data.items.exists(i, i.a || i.b || i.c)'],
    ['a search in a loop', 'event.data.items.all(i, i in event.data.items)'],
    ['a search of text in a loop', 'event.data.items.all(i, !event.data.text.contains("x"))'],
    ['a search for text in text', 'event.data.text.contains(event.data.hidden)'],
    ['a comparison of text in a loop', 'event.data.items.all(i, event.data.text + "a" != event.data.text)'],
    ['a regular expression over much text', 'event.data.text.matches("^(([a-z])+.)+[A-Z]([a-z])+$")'],
    ['a time zone in a loop', 'event.data.items.all(i, event.time.getHours("Europe/Vienna") > 0)'],
    ['a list that doubles', `[[1]]${times('.map(x, x + x)', 60)}[0].size() > 0`],
    ['text that doubles', `["a"]${times('.map(x, x + x)', 60)}[0].size() > 0`],
    ['bytes that double', `[b"a"]${times('.map(x, x + x)', 60)}[0].size() > 0`],
    [
      'a value that is in many places',
      `[1]${times('.map(x, [x, x])', 30)} == [1]${times('.map(x, [x, x])', 30)}`,
    ],
    ['digits without end', 'int(event.data.text) > 0'],
    ['lists of lists', 'event.data.items.map(a, event.data.items).size() > 0'],
    ['lists made in a loop', 'event.data.items.map(a, event.data.items.map(b, b)).size() > 0'],
  ];
  for (const [what, filter] of costly) {
    it(`is bounded: ${what}`, () => assert.match(failureOf(filter, many), exhausted));
  }

  it('is bounded anew at every event', () => {
    const loop = 'event.data.items.all(i, event.data.items.all(j, true))';
    assert.match(failureOf(loop, many), exhausted);
    assert.equal(ofData(loop, { items: [1, 2, 3] }), true);
    assert.equal(ofData('event.data.items.exists(i, i == 3)', { items: [1, 2, 3] }), true);
  });

  it('leaves room for some thousand elements', () => {
    const items = Array.from({ length: 2_500 }, (_, i) => ({ sku: `s${i}`, qty: i }));
    assert.equal(ofData('event.data.items.exists(i, i.sku == "s2499" && i.qty > 3)', { items }), true);
    assert.equal(ofData('event.data.items.filter(i, i.qty > 3).size() > 2000', { items }), true);
  });

  it('leaves room for a phrase in a long text', () => {
    const text = `${'lorem ipsum '.repeat(80_000)}dolor sit amet, consectetur!`;
    assert.equal(ofData('event.data.text.contains("dolor sit amet, consectetur!")', { text }), true);
  });

  it('takes a regular expression that backtracking would never finish', () => {
    const text = `${'a'.repeat(5_000)}!`;
    for (const pattern of ['^(a+)+$', '^(a|aa)+$', '^(a|a)*$']) {
      assert.equal(ofData(`event.data.text.matches("${pattern}")`, { text }), false, pattern);
    }
  });

  it('is bounded by the data, in number and in depth', () => {
    const filter = 'event.data == 1';
    assert.equal(
      ofData(
        filter,
        Array.from({ length: DATA_VALUES_MAX - 1 }, () => 0),
      ),
      false,
    );
    assert.match(
      failureOf(
        filter,
        Array.from({ length: DATA_VALUES_MAX }, () => 0),
      ),
      /more than 20000 values/,
    );
    const deep = (depth: number) =>
      matches(filter, openEvent(anEvent('['.repeat(depth) + ']'.repeat(depth))));
    assert.equal(deep(DATA_DEPTH_MAX), false);
    assert.deepEqual(deep(DATA_DEPTH_MAX + 1), { failed: 'the data is nested more than 100 deep' });
    assert.deepEqual(deep(200_000), { failed: 'the data is nested more than 100 deep' });
  });

  it('leaves the traces of errors as they were', () => {
    const traced = Error.stackTraceLimit;
    ofData('event.data.all(i, true)', [1]);
    failureOf('event.data.all(i, i.x)', [1]);
    assert.equal(Error.stackTraceLimit, traced);
  });
});

describe('any text', () => {
  const parts = (
    'event event.data event.type .a .items [0] ["a"] ( ) [ ] { } , : ? && || ! - + * / % == != < > <= >= in ' +
    'true false null 1 2.5 1u "a" b"a" x has( size( int( string( type( .all(x, .exists(x, .map(x, .filter(x, ' +
    '.exists_one(x, .matches("a+") .contains("a") .getHours() timestamp("2026-01-01T00:00:00Z") duration("1h")'
  ).split(' ');

  it('is refused as INVALID, or evaluated without raising anything', () => {
    const opened = openEvent(anEvent('{"a":1,"items":[{"a":"x"},2,null]}'));
    let good = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 9 }), (chosen) => {
        const filter = chosen.join('');
        try {
          checkFilter(filter, 'f');
        } catch (error) {
          assert.equal((error as DomainError).code, 'INVALID', filter);
          return;
        }
        good++;
        const verdict = matches(filter, opened);
        assert.ok(typeof verdict === 'boolean' || verdict.failed.length > 0, filter);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(good > 10, `${good} were good`);
  });
});

describe('loops within loops', () => {
  it(`may be ${LOOPS_NESTED_MAX} deep, and follow one another`, () => {
    const data = { orders: [{ items: [{ sku: 'a' }] }, { items: [{ sku: 'b' }] }] };
    assert.equal(ofData('event.data.orders.exists(o, o.items.exists(i, i.sku == "b"))', data), true);
    assert.equal(ofData('event.data.orders.map(o, o.items.map(i, i.sku)) == [["a"], ["b"]]', data), true);
    assert.equal(
      ofData('event.data.orders.map(o, o.items).filter(l, size(l) > 0).all(l, l.all(i, has(i.sku)))', data),
      true,
    );
  });

  it('see the variables of those around them, and their own first', () => {
    assert.equal(ofData('[1, 2].all(a, [3, 4].all(b, a < b))', 0), true);
    assert.equal(ofData('[1].all(event, event == 1) && event.type == "order.paid"', 0), true);
    assert.equal(ofData('[1].all(a, [2].all(a, a == 2))', 0), true);
    assert.match(refusalOf('[1].all(a, true) && a == 1'), /^names a at/);
  });
});
