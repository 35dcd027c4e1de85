import { EVENT_COLUMNS } from './columns.ts';
import type { Context } from './context.ts';
import type { Hook } from './hooks.ts';
import type { EventRow, Flag, NewDeliveryRow } from './tuples.ts';

/** How rows come in, for everything that publishes. */
export interface Insertion {
  /** The event's key; 0, and nothing inserted, if there is an event of this id. */
  event(
    row: EventRow,
    deliveries: number,
    remember?: readonly [digest: string, until: number] | null,
  ): number;
  /** Inserts a waiting delivery of the event, and returns its place. */
  delivery(row: NewDeliveryRow, hook: Hook, event: number, more: MoreOfDelivery): number;
}

export interface MoreOfDelivery {
  readonly dueAt: number;
  readonly run: Flag;
  readonly createdAt: number;
  readonly replayOf: string | null;
}

export function createInsertion({ db, takeKey, takeOrd, waiting }: Context): Insertion {
  const insertEvent = db.prepare(`
    INSERT INTO events (key, ${EVENT_COLUMNS}, body, digest, known_until, made, deliveries)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const insertDelivery = db.prepare(`
    INSERT INTO deliveries
      (ord, id, namespace, webhook, event, due_at, run, format, rendered, created_at, replay_of)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertRendered = db.prepare(
    'INSERT INTO renderings (ord, headers, content_type, body) VALUES (?, ?, ?, ?)',
  );

  return {
    event(row, deliveries, remember) {
      const key = takeKey();
      const { changes } =
        remember == null
          ? insertEvent.run(key, ...row, null, null, null, deliveries)
          : insertEvent.run(key, ...row, remember[0], remember[1], deliveries, deliveries);
      return changes === 0 ? 0 : key;
    },
    delivery([id, , format, rendered], { key, namespace }, event, { dueAt, run, createdAt, replayOf }) {
      const ord = takeOrd();
      const isRendered = rendered === null ? 0 : 1;
      insertDelivery.run(ord, id, namespace, key, event, dueAt, run, format, isRendered, createdAt, replayOf);
      if (rendered !== null) insertRendered.run(ord, ...rendered);
      waiting.add(namespace, 1);
      return ord;
    },
  };
}
