import { firstIdAt } from '../../../domain/id.ts';
import { matcherOf } from '../../../domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../../domain/listing/fields.ts';
import { PENDING, type StateCode, SUCCEEDED } from '../../rows/codes.ts';
import { fromDeliveryRow } from '../../rows/delivery.ts';
import type { DeliveryFilter } from '../../rows/filters.ts';
import { DELIVERY, type DeliveryRow } from '../../rows/tables.ts';
import { type Context, SET_BACK_MAX_MS } from '../context.ts';
import { firstInOrderFinder } from '../first-in-order.ts';
import { JOINED_ONE_BY_ONE } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { createReadFinished } from './by-day.ts';
import { collect, ENTRY, type Entry, isInSpan, isWhole } from './reading.ts';

/** If no more than this wait, they are sorted, rather than looked for among all that wait. */
const SORTED_MAX = 2_000;
/** In place of the state of what belongs to others. */
const FOREIGN = -1;
const SUCCESS = { from: 200, to: 299 };

/** A list that is read beyond an id, in order. */
interface Source {
  readonly read: (from: string, limit: number) => Promise<readonly Entry[]>;
  /** Whether it has nothing of others. */
  readonly isExact: boolean;
}

export function deliveryVerbs(context: Context): Pick<Verbs, 'listDeliveries' | 'getDelivery' | 'sendersOf'> {
  const { db, journal, removed } = context;
  const reads = { descending: deliveryReads(context, false), ascending: deliveryReads(context, true) };
  const selectRows = db.prepare<DeliveryRow>(
    `SELECT ${DELIVERY.columns} FROM @deliveries AS d ${JOINED_ONE_BY_ONE} WHERE d.id = ANY(?)`,
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

  const on = <O extends Owner>(read: Read<O>, owner: O, isExact = true): Source => ({
    read: (from, limit) => read(owner, from, limit),
    isExact,
  });

  /** What waits of a namespace, or of one of its webhooks. Few are sorted; many are looked for among all that wait. */
  function waitingOf(read: Reads, namespace: string, key: number | undefined): Source {
    const { waiting } = context;
    const count = key === undefined ? waiting.of(namespace) : waiting.in({ key, namespace });
    const keys = key === undefined ? Array.from(waiting.lanes(namespace), (lane) => lane.key) : [key];
    if (count <= SORTED_MAX) return on(read.waitingOfLanes, keys);
    return key === undefined
      ? on(read.waitingOfNamespace, namespace, false)
      : on(read.waitingOfWebhook, key, false);
  }

  /** The lists that come nearest to a filter. What they do not know is compared entry by entry, or row by row. */
  async function sourcesOf({ ascending, namespace, webhookId, eventId, states, status }: DeliveryFilter) {
    const read = ascending ? reads.ascending : reads.descending;
    if (eventId !== undefined) {
      const [event] = (await selectEventKey.get(eventId)) ?? [];
      return event === undefined ? [] : [on(read.waitingOfEvent, event), on(read.finishedOfEvent, event)];
    }
    const [key] = (webhookId === undefined ? undefined : await selectKey.get(webhookId)) ?? [];
    if (webhookId !== undefined && key === undefined) return [];
    const failed = status && (status.from > SUCCESS.to || status.to < SUCCESS.from);
    const isLost = states === undefined ? failed === true : !states.includes(SUCCEEDED);
    const sources: Source[] = [];
    // Until they are swept, deliveries of removed webhooks read as cancelled but are stored as waiting.
    if (states === undefined || states.includes(PENDING) || removed.size > 0)
      sources.push(waitingOf(read, namespace, key));
    if (states === undefined || states.some((state) => state !== PENDING)) {
      sources.push(
        key === undefined
          ? on(isLost ? read.lostOfNamespace : read.finishedOfNamespace, namespace)
          : on(isLost ? read.lostOfWebhook : read.finishedOfWebhook, key),
      );
    }
    return sources;
  }

  return {
    async listDeliveries(asked) {
      const filter = narrowed(asked);
      const { where, ascending } = filter;
      const matches = matcherOf(where, DELIVERY_FIELDS);
      const sources = await sourcesOf(filter);
      return collect(filter, {
        entries: async (from, limit) =>
          merged(ascending, limit, await Promise.all(sources.map(({ read }) => read(from, limit)))),
        isWanted: (entry) => isInSpan(entry, filter) && canBeAskedFor(entry, filter),
        isPlain:
          sources.every(({ isExact }) => isExact) &&
          isWhole(filter) &&
          filter.states === undefined &&
          filter.status === undefined,
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

type Owner = string | number | readonly number[];
/** Reads entries of an owner beyond an id. */
type Read<O extends Owner> = (owner: O, from: string, limit: number) => Promise<readonly Entry[]>;
type Reads = ReturnType<typeof deliveryReads>;

/** What lists of deliveries are read with, in one direction: an owner, an id beyond which to read, and a limit. */
function deliveryReads({ db }: Context, ascending: boolean) {
  const [beyond, direction] = ascending ? ['>', 'ASC'] : ['<', 'DESC'];
  const finished = (owner: string, rest = '') => createReadFinished(db, ascending, { owner, rest });
  // What belongs to others is read too: so it is known how far the search has come, however little it finds.
  const among = (owner: string) =>
    db.prepare<Entry>(`
      SELECT id, created_at, type, CASE WHEN ${owner} = ? THEN ${PENDING} ELSE ${FOREIGN} END, last_status
      FROM @waiting WHERE id ${beyond} ? ORDER BY id ${direction} LIMIT ?`).all;
  // The offset keeps the ids from being walked through: these are few rows.
  const few = (owner: string) =>
    db.prepare<Entry>(`
      SELECT * FROM (
        SELECT id, created_at, type, ${PENDING}, last_status FROM @waiting WHERE ${owner} OFFSET 0) AS few
      WHERE id ${beyond} ?2 ORDER BY id ${direction} LIMIT ?3`).all;
  return {
    waitingOfNamespace: among('namespace'),
    waitingOfWebhook: among('webhook'),
    waitingOfLanes: few('webhook = ANY(?1)'),
    waitingOfEvent: few('event = ?1'),
    finishedOfNamespace: finished('namespace'),
    finishedOfWebhook: finished('webhook'),
    finishedOfEvent: finished('event'),
    lostOfNamespace: finished('namespace', 'AND state > 1'),
    lostOfWebhook: finished('webhook', 'AND state > 1'),
  };
}

/** The same filter, beginning at the first id that its time allows. An id can be older than its delivery. */
function narrowed(filter: DeliveryFilter): DeliveryFilter {
  const { ascending, since, until, from } = filter;
  const at = ascending ? since - SET_BACK_MAX_MS : until + SET_BACK_MAX_MS;
  if (!(at > 0 && at < Number.MAX_SAFE_INTEGER - SET_BACK_MAX_MS)) return filter;
  const first = firstIdAt('delivery', at);
  const isNearer = from === undefined || (ascending ? from < first : from > first);
  return isNearer ? { ...filter, from: first } : filter;
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
  const state: number = entry[ENTRY.at.state];
  if (state === FOREIGN) return false;
  const isInState = states === undefined || state === PENDING || states.some((each) => each === state);
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
