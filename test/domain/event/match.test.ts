import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  eventTypeViolations,
  isEventType,
  matchesPattern,
  PATTERNS_MAX,
  patternsOf,
  typePatternOf,
} from '../../../src/domain/event/match.ts';

const types = fc.stringMatching(/^[ab._\-/]{1,12}$/);
const patterns = fc.oneof(
  types,
  types.map((type) => `${type}.*`),
  fc.constant('*'),
);

describe('the type of an event', () => {
  it('is 1 to 128 letters, digits and _ . - /', () => {
    for (const good of ['a', 'order.paid', 'com.example/Order_v1-2', '.', 'x'.repeat(128)]) {
      assert.ok(isEventType(good), good);
    }
    for (const bad of ['', 'a b', 'ü', 'a*', 'a:b', 'a\n', 'x'.repeat(129)])
      assert.ok(!isEventType(bad), bad);
  });
});

describe('a pattern', () => {
  it('matches the type it is', () => {
    assert.ok(matchesPattern('order.paid', 'order.paid'));
    assert.ok(!matchesPattern('order.paid', 'order.paid.late'));
    assert.ok(!matchesPattern('order.paid', 'order.Paid'));
  });

  it('with .* matches what begins so, and not the beginning itself', () => {
    assert.ok(matchesPattern('order.*', 'order.paid'));
    assert.ok(matchesPattern('order.*', 'order.paid.late'));
    assert.ok(!matchesPattern('order.*', 'order'));
    assert.ok(!matchesPattern('order.*', 'orders.paid'));
  });

  it('* matches everything', () => {
    assert.ok(matchesPattern('*', 'order'));
    assert.ok(matchesPattern('*', 'carillon.webhook.disabled'));
  });
});

describe('the patterns of a type', () => {
  it('are the type, its beginnings from the longest, and *', () => {
    assert.deepEqual(patternsOf('order.paid.late'), ['order.paid.late', 'order.paid.*', 'order.*', '*']);
    assert.deepEqual(patternsOf('order'), ['order', '*']);
  });

  it('are exactly the patterns that match it', () => {
    fc.assert(
      fc.property(patterns, types, (pattern, type) => {
        fc.pre(eventTypeViolations([pattern], '').length === 0);
        assert.equal(patternsOf(type).includes(pattern), matchesPattern(pattern, type));
      }),
      { numRuns: 2000 },
    );
  });

  it('all match it, and are all different', () => {
    fc.assert(
      fc.property(types, (type) => {
        const all = patternsOf(type);
        assert.ok(all.every((pattern) => matchesPattern(pattern, type)));
        assert.equal(new Set(all).size, all.length);
      }),
    );
  });
});

describe('the event types of a webhook', () => {
  it('are types, beginnings and *', () => {
    assert.deepEqual(
      eventTypeViolations(['order.paid', 'order.*', '*', 'a/b.c-d_e.*', 'carillon.*'], 'f'),
      [],
    );
  });

  it('are judged one by one, by their places', () => {
    const bad = ['', 'order*', '*.paid', '.*', 'order.*.late', 'a b', 'ü', `${'x'.repeat(129)}.*`, '**'];
    const violations = eventTypeViolations(['good', ...bad], 'webhook.event_types');
    assert.deepEqual(
      violations.map(({ field }) => field),
      bad.map((_, i) => `webhook.event_types[${i + 1}]`),
    );
    for (const { description } of violations) assert.match(description, /must be a type/);
  });

  it('cannot come twice, nor be too many', () => {
    assert.deepEqual(eventTypeViolations(['a', 'b', 'a'], 'f'), [
      { field: 'f[2]', description: 'comes twice: give it once' },
    ]);
    const many = Array.from({ length: PATTERNS_MAX + 1 }, (_, i) => `t${i}`);
    assert.deepEqual(eventTypeViolations(many.slice(1), 'f'), []);
    assert.deepEqual(eventTypeViolations(many, 'f'), [
      { field: 'f', description: 'has 65 entries: give at most 64' },
    ]);
  });
});

describe('a filter by type', () => {
  it('is of one type, of a beginning, or of all', () => {
    assert.deepEqual(typePatternOf('order.paid'), { exact: 'order.paid' });
    assert.deepEqual(typePatternOf('order.*'), { prefix: 'order.' });
    assert.equal(typePatternOf(''), undefined);
    assert.equal(typePatternOf('*'), undefined);
  });
});
