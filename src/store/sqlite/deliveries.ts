import { newId } from '../../domain/id.ts';
import { DELIVERY_COLUMNS, JOINED, OF_EVENT } from './columns.ts';
import type { Context } from './context.ts';
import type { Database } from './database.ts';
import { type Entry, merge, type Source, source } from './merge.ts';
import type { DeliveryFilter, Verbs } from './protocol.ts';
import { beginning, bothWays, collect, inBuckets, isOfType, typesOf } from './reading.ts';
import { CANCELLED, type DeliveryRow, FAILED, PENDING } from './tuples.ts';

/** Deliveries waiting in a lane up to which they are sorted instead of looked for among all that wait. */
const LANE_SORTED_MAX = 2_000;
/** Classes of status codes; 0 is no answer. Others than these are no HTTP. */
const CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const SUCCESS = { from: 200, to: 299 };

/**
 * Lists by merging what is in no list yet with the lists that the filter is nearest to, each of which is
 * read no further than needed; what else is asked for is compared row by row.
 */
export function deliveryVerbs(context: Context): Pick<Verbs, 'listDeliveries' | 'getDelivery'> {
  const { db, journal, removed } = context;
  const reads = { descending: statements(db, false), ascending: statements(db, true) };
  const selectRow = db.prepare<DeliveryRow>(
    `SELECT ${DELIVERY_COLUMNS} FROM deliveries AS d ${JOINED} WHERE d.ord = ?`,
  );
  const selectOrd = db.prepare<[ord: number]>('SELECT ord FROM deliveries WHERE id = ?');
  const selectKey = db.prepare<[key: number]>('SELECT key FROM webhooks WHERE id = ?');

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
    const upto = context.deliveries.upto();
    return sourceOf((from, limit) => read.loose.all(from, upto, filter.namespace, key, state, limit));
  }

  function listed({ filter, key, read, sourceOf }: Look) {
    const { namespace, since, until, type } = filter;
    return inBuckets(context.deliveries, filter, (bucket) => {
      if (key !== null) {
        return [sourceOf((from, limit) => read.ofWebhook.all(from, bucket, key, since, until, limit))];
      }
      const types = typesOf(type, (after, orAt) => {
        const next = orAt ? read.typeFrom : read.typeAfter;
        return next.get(bucket, namespace, after)?.[0];
      });
      return [...types].map((each) =>
        sourceOf((from, limit) => read.ofType.all(from, bucket, namespace, each, since, until, limit)),
      );
    });
  }

  /** What waits. */
  function pending(look: Look): Source[] {
    const { filter, key, read, sourceOf } = look;
    if (key !== null) {
      const lane = read.lane.all(key, LANE_SORTED_MAX + 1);
      if (lane.length <= LANE_SORTED_MAX)
        return [sourceOf((from, limit) => read.sortedLane.all(from, key, limit))];
    }
    return [loose(look, PENDING), sourceOf((from, limit) => read.lasting.all(from, filter.namespace, limit))];
  }

  /** What ended otherwise than well, in one of these states. */
  function lost({ filter, key, read, sourceOf }: Look, states: readonly number[]): Source[] {
    const { status } = filter;
    const classes = CLASSES.filter(
      (each) => status === undefined || (each * 100 <= status.to && each * 100 + 99 >= status.from),
    );
    return states.flatMap((state) =>
      classes.map((each) =>
        sourceOf((from, limit) =>
          key === null
            ? read.lostOfNamespace.all(from, filter.namespace, state, each, limit)
            : read.lostOfWebhook.all(from, key, state, each, limit),
        ),
      ),
    );
  }

  function ofEvent({ filter, read, sourceOf }: Look, eventId: string): Source[] {
    const events = read.events.all(filter.namespace, eventId);
    return events.map(([key]) => sourceOf((from, limit) => read.ofEvent.all(key, from, limit)));
  }

  function entries(filter: DeliveryFilter): Iterable<Entry> {
    const look = lookAt(narrowed(filter));
    const { ascending, eventId, state, status } = filter;
    if (eventId !== undefined) return merge(ascending, ofEvent(look, eventId));
    if (state === PENDING) return merge(ascending, pending(look));
    // Until they are swept, deliveries of removed webhooks read as cancelled and are stored as waiting.
    const swept = removed.size === 0 || (state !== undefined && state !== CANCELLED);
    if (state === FAILED || state === CANCELLED) {
      return merge(ascending, [...lost(look, [state]), ...(swept ? [] : pending(look))]);
    }
    if (state === undefined && status && (status.from > SUCCESS.to || status.to < SUCCESS.from)) {
      return merge(ascending, [...lost(look, [FAILED, CANCELLED]), ...pending(look)]);
    }
    return merge(ascending, [loose(look, null)], listed(look));
  }

  return {
    listDeliveries: (filter) =>
      collect(entries(filter), filter, (ord) => {
        const row = selectRow.get(ord);
        return row && isAskedFor(row, filter) ? row : undefined;
      }),

    getDelivery(id) {
      const [ord] = selectOrd.get(id) ?? [];
      return ord === undefined ? undefined : { row: selectRow.get(ord)!, attempts: journal.attempts(ord) };
    },
  };
}

function isAskedFor(row: DeliveryRow, filter: DeliveryFilter): boolean {
  const [, namespace, webhookId, eventId, type, state, , , , , createdAt, status] = row;
  return (
    namespace === filter.namespace &&
    (filter.webhookId === undefined || webhookId === filter.webhookId) &&
    (filter.eventId === undefined || eventId === filter.eventId) &&
    (filter.state === undefined || state === filter.state) &&
    isOfType(type, filter.type) &&
    createdAt >= filter.since &&
    createdAt < filter.until &&
    (filter.status === undefined ||
      (status !== 0 && status >= filter.status.from && status <= filter.status.to))
  );
}

/** An id holds the time of its making, which is the delivery's: give or take what nobody's clock is set back. */
const SLACK_MS = 24 * 60 * 60 * 1000;
const NO_RANDOM = { unit: () => 0, bytes: (count: number) => new Uint8Array(count) };

/** Begins a list where the ids of its time begin. */
function narrowed(filter: DeliveryFilter): DeliveryFilter {
  const { ascending, since, until } = filter;
  const at = ascending ? since - SLACK_MS : until + SLACK_MS;
  if (!(at > 0 && at < Number.MAX_SAFE_INTEGER - SLACK_MS)) return filter;
  const first = newId('delivery', at, NO_RANDOM);
  const from = beginning(filter);
  const isNearer = ascending ? from < first : from > first;
  return isNearer ? { ...filter, from: first } : filter;
}

function statements(db: Database, isAscending: boolean) {
  const prepare = (sql: (compares: string, direction: string) => string) => {
    const { ascending, descending } = bothWays(sql);
    return db.prepare<Entry>(isAscending ? ascending : descending);
  };
  return {
    // The pluses keep other indexes from being chosen: these are few rows.
    loose: prepare(
      (compares, direction) => `
        SELECT id, ord FROM deliveries
        WHERE +id ${compares} ?1 AND ord > ?2 AND +namespace = ?3
          AND (?4 IS NULL OR +webhook = ?4) AND (?5 IS NULL OR +state = ?5)
        ORDER BY +id ${direction} LIMIT ?6`,
    ),
    ofWebhook: prepare(
      (compares, direction) => `
        SELECT id, key FROM delivery_webhooks
        WHERE id ${compares} ?1 AND bucket = ?2 AND webhook = ?3 AND created_at >= ?4 AND created_at < ?5
        ORDER BY id ${direction} LIMIT ?6`,
    ),
    ofType: prepare(
      (compares, direction) => `
        SELECT id, key FROM delivery_types
        WHERE id ${compares} ?1 AND bucket = ?2 AND namespace = ?3 AND type = ?4
          AND created_at >= ?5 AND created_at < ?6
        ORDER BY id ${direction} LIMIT ?7`,
    ),
    lasting: prepare(
      (compares, direction) => `
        SELECT id, ord FROM deliveries INDEXED BY deliveries_lasting
        WHERE id ${compares} ?1 AND namespace = ?2 AND state = 0 AND lasting = 1
        ORDER BY id ${direction} LIMIT ?3`,
    ),
    sortedLane: prepare(
      (compares, direction) => `
        SELECT id, ord FROM deliveries INDEXED BY deliveries_due
        WHERE +id ${compares} ?1 AND webhook = ?2 AND state = 0 ORDER BY +id ${direction} LIMIT ?3`,
    ),
    lostOfNamespace: prepare(
      (compares, direction) => `
        SELECT id, ord FROM deliveries INDEXED BY deliveries_namespace_lost
        WHERE id ${compares} ?1 AND namespace = ?2 AND state = ?3 AND last_status / 100 = ?4 AND state > 1
        ORDER BY id ${direction} LIMIT ?5`,
    ),
    lostOfWebhook: prepare(
      (compares, direction) => `
        SELECT id, ord FROM deliveries INDEXED BY deliveries_webhook_lost
        WHERE id ${compares} ?1 AND webhook = ?2 AND state = ?3 AND last_status / 100 = ?4 AND state > 1
        ORDER BY id ${direction} LIMIT ?5`,
    ),
    ofEvent: prepare(
      (compares, direction) => `
        SELECT id, ord FROM deliveries WHERE +id ${compares} ?2 AND ord IN (${OF_EVENT})
        ORDER BY +id ${direction} LIMIT ?3`,
    ),
    events: db.prepare<[key: number]>(`
      SELECT key FROM events WHERE namespace = ?1 AND caller_id = ?2
      UNION SELECT key FROM events WHERE id = ?2 AND namespace = ?1 AND caller_id IS NULL`),
    lane: db.prepare('SELECT 1 FROM deliveries WHERE webhook = ? AND state = 0 LIMIT ?'),
    typeFrom: db.prepare<[type: string]>(`
      SELECT type FROM delivery_types WHERE bucket = ? AND namespace = ? AND type >= ? ORDER BY type LIMIT 1`),
    typeAfter: db.prepare<[type: string]>(`
      SELECT type FROM delivery_types WHERE bucket = ? AND namespace = ? AND type > ? ORDER BY type LIMIT 1`),
  };
}
