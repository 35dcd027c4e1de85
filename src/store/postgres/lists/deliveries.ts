import { matcherOf } from '../../../domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../../domain/listing/fields.ts';
import { PENDING, type StateCode, SUCCEEDED } from '../../rows/codes.ts';
import { fromDeliveryRow } from '../../rows/delivery.ts';
import type { DeliveryFilter } from '../../rows/filters.ts';
import { DELIVERY, type DeliveryRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Statement } from '../database.ts';
import { firstInOrderFinder } from '../first-in-order.ts';
import type { Verbs } from '../group.ts';
import { JOINED } from '../joins.ts';
import { collect, ENTRY, type Entry, isInSpan, isWhole } from './reading.ts';

/** If no more than this wait in a lane, they are sorted, rather than looked for among all that wait. */
const LANE_SORTED_MAX = 2_000;
const SUCCESS = { from: 200, to: 299 };

/** Reads entries beyond an id, in order. */
type Source = (from: string, limit: number) => Promise<readonly Entry[]>;

export function deliveryVerbs(context: Context): Pick<Verbs, 'listDeliveries' | 'getDelivery' | 'sendersOf'> {
  const { db, journal, removed } = context;
  const reads = { descending: deliveryReads(context, false), ascending: deliveryReads(context, true) };
  const selectRows = db.prepare<DeliveryRow>(
    `SELECT ${DELIVERY.columns} FROM @deliveries AS d ${JOINED} WHERE d.id = ANY(?)`,
  );
  const selectPlace = db.prepare<[webhook: number, state: StateCode]>(
    'SELECT webhook, state FROM @deliveries WHERE id = ? AND namespace = ?',
  );
  const selectSenders = db.prepare<[id: string, webhookId: string]>(
    'SELECT d.id, w.id FROM @deliveries AS d JOIN @webhooks AS w ON w.key = d.webhook WHERE d.id = ANY(?)',
  );
  const firstInOrder = firstInOrderFinder(db);
  const selectKey = db.prepare<[key: number]>('SELECT key FROM @webhooks WHERE id = ?');
  const selectEventKey = db.prepare<[key: number]>('SELECT key FROM @events WHERE id = ?');
  const laneOf = db.prepare('SELECT 1 FROM @waiting WHERE webhook = ? LIMIT ?');

  /** The lists that come nearest to a filter. What they do not know is compared entry by entry, or row by row. */
  async function sourcesOf(filter: DeliveryFilter): Promise<Source[]> {
    const { namespace, webhookId, eventId, status } = filter;
    const read = filter.ascending ? reads.ascending : reads.descending;
    const on = (statement: Statement<Entry>, owner: string | number): Source => {
      return (from, limit) => statement.all(owner, from, limit);
    };
    if (eventId !== undefined) {
      const [key] = (await selectEventKey.get(eventId)) ?? [];
      return key === undefined ? [] : [on(read.waitingOfEvent, key), on(read.finishedOfEvent, key)];
    }
    const failed = status && (status.from > SUCCESS.to || status.to < SUCCESS.from);
    const states = filter.states;
    // Until they are swept, deliveries of removed webhooks read as cancelled but are stored as waiting.
    const waits = states === undefined || states.includes(PENDING) || removed.size > 0;
    const ends = states === undefined || states.some((state) => state !== PENDING);
    const isLost = states === undefined ? failed === true : !states.includes(SUCCEEDED);
    if (webhookId === undefined) {
      const finished = on(isLost ? read.lostOfNamespace : read.finishedOfNamespace, namespace);
      return [...(waits ? [on(read.waitingOfNamespace, namespace)] : []), ...(ends ? [finished] : [])];
    }
    const [key] = (await selectKey.get(webhookId)) ?? [];
    if (key === undefined) return [];
    const isShort = waits && (await laneOf.all(key, LANE_SORTED_MAX + 1)).length <= LANE_SORTED_MAX;
    const waiting = on(isShort ? read.sortedLane : read.waitingOfWebhook, key);
    const finished = on(isLost ? read.lostOfWebhook : read.finishedOfWebhook, key);
    return [...(waits ? [waiting] : []), ...(ends ? [finished] : [])];
  }

  return {
    async listDeliveries(filter) {
      const { where, ascending } = filter;
      const matches = matcherOf(where, DELIVERY_FIELDS);
      const sources = await sourcesOf(filter);
      return collect(filter, {
        entries: async (from, limit) =>
          merged(ascending, limit, await Promise.all(sources.map((source) => source(from, limit)))),
        isWanted: (entry) => isInSpan(entry, filter) && canBeAskedFor(entry, filter),
        isPlain: isWhole(filter) && filter.states === undefined && filter.status === undefined,
        async rows(ids) {
          const rows = new Map((await selectRows.all(ids)).map((row) => [row[DELIVERY.at.id], row]));
          return ids.map((id) => {
            const row = rows.get(id);
            if (row === undefined || !isAskedFor(row, filter)) return undefined;
            return where === undefined || matches(fromDeliveryRow(row)) ? row : undefined;
          });
        },
      });
    },

    async sendersOf(ids) {
      const senders = new Map(await selectSenders.all(ids));
      return ids.map((id) => senders.get(id));
    },

    async getDelivery([namespace, id]) {
      const [webhook, state] = (await selectPlace.get(id, namespace)) ?? [];
      if (webhook === undefined) return undefined;
      const [first, [row], attempts] = await Promise.all([
        state === PENDING ? firstInOrder(webhook) : undefined,
        selectRows.all([id]),
        journal.attempts(id),
      ]);
      const waitsFor = first?.id === id ? undefined : first?.id;
      return row && { row, attempts, waitsFor };
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What lists of deliveries are read with, in one direction: an owner, an id beyond which to read, and a limit. */
function deliveryReads({ db }: Context, ascending: boolean) {
  const [beyond, direction] = ascending ? ['>', 'ASC'] : ['<', 'DESC'];
  const read = (table: string, owner: string, rest = '') =>
    db.prepare<Entry>(`
      SELECT id, created_at, type, ${table === '@waiting' ? 0 : 'state'}, last_status FROM ${table}
      WHERE ${owner} = ? AND id ${beyond} ? ${rest} ORDER BY id ${direction} LIMIT ?`);
  // Sorted by something else than the index of ids has, so that it is not walked through: these are few rows.
  const few = (owner: string) =>
    db.prepare<Entry>(`
      SELECT * FROM (
        SELECT id, created_at, type, 0, last_status FROM @waiting WHERE ${owner} = ?1 OFFSET 0) AS few
      WHERE id ${beyond} ?2 ORDER BY id ${direction} LIMIT ?3`);
  return {
    waitingOfNamespace: read('@waiting', 'namespace'),
    waitingOfWebhook: read('@waiting', 'webhook'),
    sortedLane: few('webhook'),
    waitingOfEvent: few('event'),
    finishedOfNamespace: read('@history', 'namespace'),
    finishedOfWebhook: read('@history', 'webhook'),
    finishedOfEvent: read('@history', 'event'),
    lostOfNamespace: read('@history', 'namespace', 'AND state > 1'),
    lostOfWebhook: read('@history', 'webhook', 'AND state > 1'),
  };
}

/** The first of what the sources have, in order. */
function merged(ascending: boolean, limit: number, parts: readonly (readonly Entry[])[]): Entry[] {
  const { id } = ENTRY.at;
  const all = parts.length === 1 ? [...parts[0]!] : parts.flat();
  if (parts.length > 1) all.sort((a, b) => (a[id] === b[id] ? 0 : a[id] < b[id] === ascending ? -1 : 1));
  return all.slice(0, limit);
}

/** What of a filter can be said of an entry. What waits may read as cancelled. */
function canBeAskedFor(entry: Entry, { states, status }: DeliveryFilter): boolean {
  const state = entry[ENTRY.at.state];
  const isInState = states === undefined || state === PENDING || states.includes(state);
  return isInState && hasStatus(entry[ENTRY.at.lastStatus], status);
}

function isAskedFor(row: DeliveryRow, { namespace, webhookId, states, status }: DeliveryFilter): boolean {
  const { at } = DELIVERY;
  return (
    row[at.namespace] === namespace &&
    (webhookId === undefined || row[at.webhookId] === webhookId) &&
    (states === undefined || states.includes(row[at.state])) &&
    hasStatus(row[at.lastStatus], status)
  );
}

function hasStatus(lastStatus: number, status: DeliveryFilter['status']): boolean {
  return status === undefined || (lastStatus !== 0 && lastStatus >= status.from && lastStatus <= status.to);
}
