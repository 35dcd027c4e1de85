import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AUDIT_BOUNDS, DELIVERY_BOUNDS, EVENT_BOUNDS, WEBHOOK_BOUNDS } from '../../src/control/list.ts';
import { DomainError } from '../../src/domain/error.ts';
import { openEvent } from '../../src/domain/event/data.ts';
import type { EventBody } from '../../src/domain/event/event.ts';
import { checkFilter, matches } from '../../src/domain/filter/filter.ts';
import type { Field, Fields } from '../../src/domain/listing/condition.ts';
import {
  AUDIT_FIELDS,
  DELIVERY_FIELDS,
  EVENT_FIELDS,
  WEBHOOK_FIELDS,
} from '../../src/domain/listing/fields.ts';
import { readFilter } from '../../src/domain/listing/filter.ts';
import { blockOf, rowsOf } from '../support/docs.ts';

const PAGE = 'docs/events.md';

describe('the page about events', () => {
  it('says of filters what comes of them', () => {
    for (const [name, expected] of [
      ['true', true],
      ['false', false],
      ['fail', 'failed'],
    ] as const) {
      const filters = filtersOf('filters', name);
      assert.ok(filters.length > 2);
      for (const filter of filters) {
        checkFilter(filter, 'webhook.filter');
        const verdict = matches(filter, openEvent(shownEvent()));
        assert.equal(typeof verdict === 'boolean' ? verdict : 'failed', expected, filter);
      }
    }
  });

  it('says which filters are refused', () => {
    const filters = filtersOf('filters', 'refused');
    assert.ok(filters.length > 2);
    for (const filter of filters)
      assert.throws(() => checkFilter(filter, 'webhook.filter'), DomainError, filter);
  });
});

describe('the page about lists', () => {
  const lists: readonly (readonly [name: string, fields: Fields<never>])[] = [
    ['deliveries', DELIVERY_FIELDS],
    ['events', EVENT_FIELDS],
    ['webhooks', WEBHOOK_FIELDS],
    ['audit', AUDIT_FIELDS],
  ];
  for (const [name, fields] of lists) {
    it(`has each field of ${name}, of its kind, with an example that can be read`, () => {
      const rows = rowsOf(blockOf('docs/lists.md', 'filter-fields', name));
      const kinds = rows.map(([field = '', kind = '']) => [
        field.replace(/\W/g, ''),
        kind.replace(/,.*/, ''),
      ]);
      assert.deepEqual(
        kinds,
        Object.entries<Field<never>>(fields).map(([field, { type }]) => [field, KINDS[type.kind]]),
      );
      for (const [, , example = ''] of rows) assert.ok(readFilter(example, fields), example);
    });
  }

  it('marks the fields that an index finds', () => {
    const marked = (name: string) =>
      rowsOf(blockOf('docs/lists.md', 'filter-fields', name))
        .map(([field = '']) => field)
        .filter((field) => field.includes('*'))
        .map((field) => field.replace(/\W/g, ''));
    assert.deepEqual(marked('deliveries').sort(), [...DELIVERY_BOUNDS].sort());
    assert.deepEqual(marked('events'), EVENT_BOUNDS);
    assert.deepEqual(marked('webhooks'), WEBHOOK_BOUNDS);
    assert.deepEqual(marked('audit'), AUDIT_BOUNDS);
  });
});

/** What the page calls the kinds of fields. */
const KINDS = {
  id: 'id',
  text: 'text',
  eventType: 'type',
  enum: 'enum',
  time: 'time',
  number: 'number',
  status: 'status',
  flag: 'flag',
  texts: 'list',
  map: 'map',
};

/** The first column of a table. */
function filtersOf(kind: string, name: string): string[] {
  return rowsOf(blockOf(PAGE, kind, name)).map(([filter]) => filter!);
}

/** The event that the filters are about. */
function shownEvent(): EventBody {
  const { json, time, ...attributes } = JSON.parse(blockOf(PAGE, 'event', 'order'));
  return {
    id: 'evt_1',
    callerId: attributes.id,
    type: attributes.type,
    source: attributes.source,
    time: Date.parse(time),
    contentType: 'application/json',
    body: new TextEncoder().encode(JSON.stringify(json)),
    headers: {},
    createdAt: 0,
  };
}
