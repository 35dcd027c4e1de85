import { shardOf } from '../../../domain/cluster/shard.ts';
import { HELD, IS_RENDERED, type RunCode, TO_RENDER, type TurnCode } from '../../rows/codes.ts';
import { NEW_DELIVERY, type NewDeliveryRow, type Remembered } from '../../rows/messages.ts';
import { EVENT, type EventRow } from '../../rows/tables.ts';
import { type Cell, type Column, insertMany } from '../columns.ts';
import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';

/** Inserts events and deliveries, for all verbs that make them: they are noted one by one, and written together. */
export interface Insertion {
  /** Takes places for as many as there can be. */
  readonly open: (most: { readonly events: number; readonly deliveries: number }) => Promise<Draft>;
}

export interface Draft {
  /** Notes an event, which has so many deliveries of its own, and returns its key. */
  readonly event: (row: EventRow, made: number, remember?: Remembered | null) => number;
  /** Notes a waiting delivery, and returns its place. */
  readonly delivery: (row: NewDeliveryRow, hook: Hook, more: MoreOfDelivery) => number;
  readonly write: () => Promise<void>;
}

export interface MoreOfDelivery {
  /** The event's key, and its type. */
  readonly event: number;
  readonly type: string;
  readonly dueAt: number;
  readonly firstDueAt: number;
  readonly run: RunCode;
  readonly turn: TurnCode;
  readonly createdAt: number;
  readonly replayOf: string | null;
}

const EVENTS: readonly Column[] = [
  ['key', 'bigint'],
  ['id', 'text'],
  ['caller_id', 'text'],
  ['namespace', 'text'],
  ['type', 'text'],
  ['source', 'text'],
  ['subject', 'text'],
  ['time', 'bigint'],
  ['nominal_at', 'bigint'],
  ['content_type', 'text'],
  ['headers', 'text'],
  ['extensions', 'text'],
  ['created_at', 'bigint'],
  ['body', 'bytea'],
  ['digest', 'text'],
  ['known_until', 'bigint'],
  ['made', 'bigint'],
  ['deliveries', 'bigint'],
];

const DELIVERIES: readonly Column[] = [
  ['id', 'text'],
  ['ord', 'bigint'],
  ['namespace', 'text'],
  ['webhook', 'bigint'],
  ['event', 'bigint'],
  ['type', 'text'],
  ['due_at', 'bigint'],
  ['first_due_at', 'bigint'],
  ['run', 'smallint'],
  ['turn', 'smallint'],
  ['format', 'smallint'],
  ['rendered', 'smallint'],
  ['created_at', 'bigint'],
  ['replay_of', 'text'],
  ['shard', 'smallint'],
];

export const RENDERINGS: readonly Column[] = [
  ['id', 'text'],
  ['headers', 'text'],
  ['content_type', 'text'],
  ['body', 'bytea'],
];

const CALLERS_IDS: readonly Column[] = [
  ['namespace', 'text'],
  ['id', 'text'],
  ['event', 'bigint'],
];

export function createInsertion(context: Context): Insertion {
  const { db } = context;
  const takeKeys = db.prepare<[key: number]>(
    `SELECT nextval('@event_keys') FROM generate_series(1, ?::integer)`,
  );
  const takeOrds = db.prepare<[ord: number]>(`SELECT nextval('@ords') FROM generate_series(1, ?::integer)`);
  const insertEvents = insertMany(db, '@events', EVENTS);
  const insertDeliveries = insertMany(db, '@waiting', DELIVERIES);
  const insertRenderings = insertMany(db, '@renderings', RENDERINGS);
  // One whose time is over may not have been swept yet.
  const giveIds = insertMany(
    db,
    '@event_ids',
    CALLERS_IDS,
    `ON CONFLICT (namespace, id) DO UPDATE
     SET event = excluded.event, event_id = NULL, digest = NULL, known_until = NULL, made = NULL`,
  );

  return {
    async open(most) {
      const take = async (statement: typeof takeKeys, count: number) =>
        count === 0 ? [] : (await statement.all(count)).map(([place]) => place);
      const [keys, ords] = await Promise.all([take(takeKeys, most.events), take(takeOrds, most.deliveries)]);
      const events: Cell[][] = [];
      const deliveries: Cell[][] = [];
      const renderings: Cell[][] = [];
      const ids: Cell[][] = [];

      return {
        event(row, made, remember) {
          const key = keys[events.length]!;
          const [digest, until] = remember ?? [null, null];
          events.push([key, ...row, digest, until, made, made]);
          const callerId = row[EVENT.at.callerId];
          if (callerId !== null) ids.push([row[EVENT.at.namespace], callerId, key]);
          return key;
        },
        delivery(row, hook, { event, type, dueAt, firstDueAt, run, turn, createdAt, replayOf }) {
          const { at } = NEW_DELIVERY;
          const { key, namespace } = hook;
          const ord = ords[deliveries.length]!;
          const id = row[at.id];
          const rendered = row[at.rendered];
          const how = row[at.toRender] === 1 ? TO_RENDER : rendered === null ? 0 : IS_RENDERED;
          const turns = [dueAt, firstDueAt, run, turn];
          const made = [row[at.format], how, createdAt, replayOf];
          deliveries.push([id, ord, namespace, key, event, type, ...turns, ...made, shardOf(hook.id)]);
          if (rendered !== null) renderings.push([id, ...rendered]);
          context.waiting.add(hook, 1);
          context.overfull.look(hook.id, hook);
          return ord;
        },
        async write() {
          await Promise.all([
            insertEvents(events),
            insertDeliveries(deliveries),
            insertRenderings(renderings),
            giveIds(ids),
          ]);
        },
      };
    },
  };
}

/** How runs of one webhook come to wait, one after the other. */
export interface Queueing {
  readonly hook: Hook;
  readonly queue: RunCode;
  readonly turn: TurnCode;
  readonly now: number;
  readonly firstDueAt: number;
  /** Where the last of the queue first became due that is not finished; undefined where there is none, or none is waited for. */
  before: number | undefined;
  /** Whether each waits for the one before it. */
  readonly inTurn: boolean;
}

/** Notes a run. Returns its place, negative if it waits for its turn. */
export function insertRun(
  draft: Draft,
  row: NewDeliveryRow,
  event: EventRow,
  key: number,
  how: Queueing,
): number {
  const { hook, queue, turn, now, firstDueAt, before, inTurn } = how;
  const isHeld = inTurn && before !== undefined;
  // Not before what it waits for, even if the clock was put back: in an ordered lane each would wait for the other.
  const first = isHeld ? Math.max(before, firstDueAt) : firstDueAt;
  const ord = draft.delivery(row, hook, {
    event: key,
    type: event[EVENT.at.type],
    dueAt: isHeld ? HELD : now,
    firstDueAt: first,
    run: queue,
    turn,
    createdAt: event[EVENT.at.createdAt],
    replayOf: null,
  });
  how.before = first;
  return isHeld ? -ord : ord;
}
