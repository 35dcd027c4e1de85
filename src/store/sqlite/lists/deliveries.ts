import { newId } from '../../../domain/id.ts';
import { matcherOf } from '../../../domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../../domain/listing/fields.ts';
import { CANCELLED, FAILED, PENDING, type StateCode, SUCCEEDED } from '../../rows/codes.ts';
import { fromDeliveryRow } from '../../rows/delivery.ts';
import type { DeliveryFilter } from '../../rows/filters.ts';
import { DELIVERY, type DeliveryRow } from '../../rows/tables.ts';
import { type Context, SET_BACK_MAX_MS } from '../context.ts';
import { firstInOrderFinder } from '../first-in-order.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { readByType } from './by-type.ts';
import { deliveryReads } from './delivery-reads.ts';
import { type Entry, merge, type Source, source } from './merge.ts';
import { beginning, collect, rangeOf } from './reading.ts';

/** If no more than this wait in a lane, they are sorted, rather than looked for among all that wait. */
const LANE_SORTED_MAX = 2_000;
/** The classes of status codes in HTTP; 0 is no answer. */
const CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const SUCCESS = { from: 200, to: 299 };

/**
 * Merges the rows that are in no list yet with the lists that come nearest to the filter, and reads each of
 * them no further than needed. What the lists do not know is compared row by row.
 */
export function deliveryVerbs(context: Context): Pick<Verbs, 'listDeliveries' | 'getDelivery' | 'sendersOf'> {
  const { db, journal, removed } = context;
  const reads = { descending: deliveryReads(db, false), ascending: deliveryReads(db, true) };
  const selectRow = db.prepare<DeliveryRow>(
    `SELECT ${DELIVERY.columns} FROM deliveries AS d ${JOINED} WHERE d.ord = ?`,
  );
  const selectPlace = db.prepare<[ord: number, webhook: number, state: StateCode]>(
    'SELECT ord, webhook, state FROM deliveries WHERE +namespace = ? AND id = ?',
  );
  const selectSender = db.prepare<[webhookId: string]>(
    'SELECT w.id FROM deliveries AS d JOIN webhooks AS w ON w.key = d.webhook WHERE d.id = ?',
  );
  const firstInOrder = firstInOrderFinder(db);
  const selectKey = db.prepare<[key: number]>('SELECT key FROM webhooks WHERE id = ?');
  const selectEventKey = db.prepare<[key: number]>('SELECT key FROM events WHERE id = ?');

  /** A filter with the webhook's key, and what reads in its direction. */
  type Look = ReturnType<typeof lookAt>;
  function lookAt(filter: DeliveryFilter) {
    const key = filter.webhookId === undefined ? null : (selectKey.get(filter.webhookId)?.[0] ?? 0);
    const read = filter.ascending ? reads.ascending : reads.descending;
    const sourceOf = (more: (from: string, limit: number) => Entry[]): Source =>
      source(beginning(filter), filter.limit, more);
    return { filter, key, read, sourceOf };
  }

  /** What is in no list yet. */
  function loose({ filter, key, read, sourceOf }: Look, state: number | null): Source {
    const { namespace, since, until, type } = filter;
    const upto = context.deliveries.upto();
    const types = rangeOf(type);
    return sourceOf((from, limit) =>
      read.loose.all(from, upto, namespace, key, state, since, until, ...types, limit),
    );
  }

  function listed({ filter, key, read }: Look) {
    return key === null
      ? readByType(context.deliveries, read.ofNamespace, filter.namespace, filter)
      : readByType(context.deliveries, read.ofWebhook, key, filter);
  }

  /** What waits. */
  function pending(look: Look): Source[] {
    const { filter, key, read, sourceOf } = look;
    if (key !== null && read.lane.all(key, LANE_SORTED_MAX + 1).length <= LANE_SORTED_MAX) {
      return [sourceOf((from, limit) => read.sortedLane.all(from, key, limit))];
    }
    const lasting = sourceOf((from, limit) => read.lasting.all(from, filter.namespace, limit));
    return [loose(look, PENDING), lasting];
  }

  /** What ended in one of these states, which are not SUCCEEDED. */
  function lost({ filter, key, read, sourceOf }: Look, states: readonly number[]): Source[] {
    const { namespace, status } = filter;
    const [entries, owner] =
      key === null ? [read.lostOfNamespace, namespace] : ([read.lostOfWebhook, key] as const);
    const classes = CLASSES.filter(
      (each) => status === undefined || (each * 100 <= status.to && each * 100 + 99 >= status.from),
    );
    return states.flatMap((state) =>
      classes.map((each) => sourceOf((from, limit) => entries.all(from, owner, state, each, limit))),
    );
  }

  function ofEvent({ read, sourceOf }: Look, eventId: string): Source[] {
    const [key] = selectEventKey.get(eventId) ?? [];
    return key === undefined ? [] : [sourceOf((from, limit) => read.ofEvent.all(key, from, limit))];
  }

  function entries(filter: DeliveryFilter): Iterable<Entry> {
    const look = lookAt(narrowed(filter));
    const { ascending, eventId, status } = filter;
    if (eventId !== undefined) return merge(ascending, ofEvent(look, eventId));
    const failed = status && (status.from > SUCCESS.to || status.to < SUCCESS.from);
    const states = filter.states ?? (failed ? [PENDING, FAILED, CANCELLED] : [SUCCEEDED]);
    if (states.includes(SUCCEEDED)) return merge(ascending, [loose(look, null)], listed(look));
    const ended = states.filter((state) => state !== PENDING);
    // Until they are swept, deliveries of removed webhooks read as cancelled but are stored as waiting.
    const waits = states.includes(PENDING) || (removed.size > 0 && states.includes(CANCELLED));
    return merge(ascending, [...lost(look, ended), ...(waits ? pending(look) : [])]);
  }

  return {
    listDeliveries(filter) {
      const { where } = filter;
      const matches = matcherOf(where, DELIVERY_FIELDS);
      return collect(entries(filter), filter, (ord) => {
        const row = selectRow.get(ord);
        if (row === undefined || !isAskedFor(row, filter)) return undefined;
        return where === undefined || matches(fromDeliveryRow(row)) ? row : undefined;
      });
    },

    sendersOf: (ids) => ids.map((id) => selectSender.get(id)?.[0]),

    getDelivery(key) {
      const [ord, webhook, state] = selectPlace.get(...key) ?? [];
      if (ord === undefined || webhook === undefined) return undefined;
      const first = state === PENDING ? firstInOrder(webhook) : undefined;
      const waitsFor = first?.ord === ord ? undefined : first?.id;
      return { row: selectRow.get(ord)!, attempts: journal.attempts(ord), waitsFor };
    },
  };
}

/** The conditions of a filter that can only be checked on the row. */
function isAskedFor(row: DeliveryRow, { namespace, webhookId, states, status }: DeliveryFilter): boolean {
  const { at } = DELIVERY;
  const lastStatus = row[at.lastStatus];
  return (
    row[at.namespace] === namespace &&
    (webhookId === undefined || row[at.webhookId] === webhookId) &&
    (states === undefined || states.includes(row[at.state])) &&
    (status === undefined || (lastStatus !== 0 && lastStatus >= status.from && lastStatus <= status.to))
  );
}

const NO_RANDOM = { unit: () => 0, bytes: (count: number) => new Uint8Array(count) };

/** The same filter, beginning at the first id that its time allows. An id can be older than its delivery. */
function narrowed(filter: DeliveryFilter): DeliveryFilter {
  const { ascending, since, until } = filter;
  const at = ascending ? since - SET_BACK_MAX_MS : until + SET_BACK_MAX_MS;
  if (!(at > 0 && at < Number.MAX_SAFE_INTEGER - SET_BACK_MAX_MS)) return filter;
  const first = newId('delivery', at, NO_RANDOM);
  const from = beginning(filter);
  const isNearer = ascending ? from < first : from > first;
  return isNearer ? { ...filter, from: first } : filter;
}
