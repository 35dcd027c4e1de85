import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';
import { EVENT_COLUMNS } from '../rows/columns.ts';
import type { EventRow, Flag, NewDeliveryRow } from '../rows/tuples.ts';

/** How rows come in, for everything that publishes. */
export interface Insertion {
  /**
   * Inserts an event with so many deliveries, which are inserted next, and returns their places;
   * undefined, and nothing inserted, if there is an event of this id.
   */
  event(row: EventRow, count: number, remember?: Remembered | null): Places | undefined;
  /** Inserts a waiting delivery of an event in its place. */
  delivery(row: NewDeliveryRow, hook: Hook, places: Places, more: MoreOfDelivery): void;
}

export type Remembered = readonly [digest: string, until: number];

export interface Places {
  /** The event's key, and its type. */
  readonly event: number;
  readonly type: string;
  /** Where the first of its deliveries goes; the others follow. */
  readonly ord: number;
}

export interface MoreOfDelivery {
  readonly dueAt: number;
  readonly run: Flag;
  readonly createdAt: number;
  readonly replayOf: string | null;
}

export function createInsertion({ db, takeKey, takeOrds, waiting }: Context): Insertion {
  const insertEvent = db.prepare(`
    INSERT INTO events (key, ${EVENT_COLUMNS}, body, digest, known_until, first_ord, made, deliveries)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const insertDelivery = db.prepare(`
    INSERT INTO deliveries
      (ord, id, namespace, webhook, event, type, due_at, run, format, rendered, created_at, replay_of)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertRendered = db.prepare(
    'INSERT INTO renderings (ord, headers, content_type, body) VALUES (?, ?, ?, ?)',
  );

  return {
    event(row, count, remember) {
      const event = takeKey();
      const ord = takeOrds(count);
      const [digest, until] = remember ?? [null, null];
      const { changes } = insertEvent.run(event, ...row, digest, until, ord, count, count);
      return changes === 0 ? undefined : { event, type: row[3], ord };
    },
    delivery([id, , format, rendered], { key, namespace }, { event, type, ord }, more) {
      const { dueAt, run, createdAt, replayOf } = more;
      const isRendered = rendered === null ? 0 : 1;
      insertDelivery.run(
        ord,
        id,
        namespace,
        key,
        event,
        type,
        dueAt,
        run,
        format,
        isRendered,
        createdAt,
        replayOf,
      );
      if (rendered !== null) insertRendered.run(ord, ...rendered);
      waiting.add(namespace, 1);
    },
  };
}
