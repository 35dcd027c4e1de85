import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import { openEvent } from '../../src/domain/event/data.ts';
import type { EventBody } from '../../src/domain/event/event.ts';
import { checkFilter, matches } from '../../src/domain/filter/filter.ts';
import { readDeliveryFilter } from '../../src/rpc/delivery/list-filter.ts';
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

  it('has examples of filters for deliveries that can be read', () => {
    const rows = rowsOf(blockOf(PAGE, 'delivery-filters', 'all'));
    const fields = rows.map(([field]) => field);
    assert.deepEqual(fields, [
      'webhook_id',
      'event_id',
      'event_type',
      'state',
      'create_time',
      'last_response_status',
    ]);
    for (const [, , example = ''] of rows) assert.ok(readDeliveryFilter(example), example);
  });
});

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
