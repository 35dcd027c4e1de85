import { IS_RENDERED, type RenderedCode, type RunCode, TO_RENDER, type TurnCode } from '../../rows/codes.ts';
import { as, field, integer, layout, orNull, text } from '../../rows/layout.ts';
import { NEW_DELIVERY, type NewDeliveryRow, type Remembered } from '../../rows/messages.ts';
import { EVENT, type EventRow, RENDERED } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';
import { insertInto } from '../insert.ts';

/** Inserts events and deliveries, for all verbs that make them. */
export interface Insertion {
  /**
   * Inserts an event, gives it its caller's id, and returns the places of its deliveries, so many of which are
   * to be inserted next. Inserts nothing and returns undefined if an event with this id of ours exists.
   */
  event(row: EventRow, count: number, remember?: Remembered | null): Places | undefined;
  /** Inserts a waiting delivery of an event in its place. */
  delivery(row: NewDeliveryRow, hook: Hook, places: Places, more: MoreOfDelivery): void;
}

export interface Places {
  /** The event's key, and its type. */
  readonly event: number;
  readonly type: string;
  /** Where the first of its deliveries goes; the others follow. */
  readonly ord: number;
}

export interface MoreOfDelivery {
  readonly dueAt: number;
  readonly firstDueAt: number;
  readonly run: RunCode;
  readonly turn: TurnCode;
  readonly createdAt: number;
  readonly replayOf: string | null;
}

const STORED_EVENT = layout(
  field('key', integer),
  ...EVENT.fields,
  field('digest', orNull(text)),
  field('knownUntil', orNull(integer)),
  field('firstOrd', integer),
  field('made', integer),
  field('deliveries', integer),
);

/** A delivery as it comes in; its other columns have defaults. */
const STORED_DELIVERY = layout(
  field('ord', integer),
  field('id', text),
  field('namespace', text),
  field('webhook', integer),
  field('event', integer),
  field('type', text),
  field('dueAt', integer),
  field('firstDueAt', integer),
  field('run', as<RunCode>()),
  field('turn', as<TurnCode>()),
  field('format', integer),
  field('rendered', as<RenderedCode>()),
  field('createdAt', integer),
  field('replayOf', orNull(text)),
);

const STORED_RENDERED = layout(field('ord', integer), ...RENDERED.fields);

export function createInsertion({ db, takeKey, takeOrds, waiting, overfull, eventIds }: Context): Insertion {
  const insertEvent = insertInto(db, 'events', STORED_EVENT, 'ON CONFLICT (id) DO NOTHING');
  const insertDelivery = insertInto(db, 'deliveries', STORED_DELIVERY);
  const insertRendered = insertInto(db, 'renderings', STORED_RENDERED);

  return {
    event(row, count, remember) {
      const event = takeKey();
      const ord = takeOrds(count);
      const [digest, until] = remember ?? [null, null];
      const inserted = insertEvent([event, ...row, digest, until, ord, count, count]);
      if (inserted === 0) return undefined;
      const callerId = row[EVENT.at.callerId];
      if (callerId !== null) eventIds.give(row[EVENT.at.namespace], callerId, event);
      return { event, type: row[EVENT.at.type], ord };
    },
    delivery(row, hook, { event, type, ord }, more) {
      const { key, namespace } = hook;
      const { at } = NEW_DELIVERY;
      const { dueAt, firstDueAt, run, turn, createdAt, replayOf } = more;
      const rendered = row[at.rendered];
      const [id, format] = [row[at.id], row[at.format]];
      const how = row[at.toRender] === 1 ? TO_RENDER : rendered === null ? 0 : IS_RENDERED;
      const turns = [dueAt, firstDueAt, run, turn] as const;
      insertDelivery([ord, id, namespace, key, event, type, ...turns, format, how, createdAt, replayOf]);
      if (rendered !== null) insertRendered([ord, ...rendered]);
      waiting.add(hook, 1);
      overfull.look(row[at.webhookId], hook);
    },
  };
}
