import type { Context } from './context.ts';
import { CANCELLED, type EventRow, type Flag } from './protocol.ts';

/** How rows come in, for everything that publishes. */
export interface Insertion {
  /** False, and nothing inserted, if there is an event of this id. */
  event(row: EventRow, deliveries: number): boolean;
  /** Inserts a waiting delivery of the event, and returns its place. */
  waiting(id: string, webhookId: string, event: EventRow, dueAt: number, run: Flag): number;
  /** Inserts a delivery straight into history, since its webhook is gone. */
  cancelled(id: string, webhookId: string, event: EventRow): void;
}

export function createInsertion({ db, history, takeOrd }: Context): Insertion {
  const insertEvent = db.prepare(`
    INSERT INTO events (id, namespace, type, nominal_at, content_type, created_at, deliveries, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
  const insertWaiting = db.prepare(`
    INSERT INTO waiting
      (ord, id, namespace, webhook_id, event_id, due_at, attempts, run, superseded, nominal_at, created_at)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?)`);
  const insertCancelled = db.prepare(`
    INSERT OR IGNORE INTO settled
      (id, namespace, webhook_id, event_id, state, reason, attempts, nominal_at, created_at, finished_at)
    VALUES (?, ?, ?, ?, ${CANCELLED}, 'REMOVED', 0, ?, ?, ?)`);

  return {
    event([id, namespace, type, nominalAt, contentType, createdAt, body], deliveries) {
      const { changes } = insertEvent.run(
        id,
        namespace,
        type,
        nominalAt,
        contentType,
        createdAt,
        deliveries,
        body,
      );
      return changes !== 0;
    },
    waiting(id, webhookId, [eventId, namespace, , nominalAt, , createdAt], dueAt, run) {
      const ord = takeOrd();
      insertWaiting.run(ord, id, namespace, webhookId, eventId, dueAt, run, nominalAt, createdAt);
      return ord;
    },
    cancelled(id, webhookId, [eventId, namespace, , nominalAt, , createdAt]) {
      insertCancelled.run(id, namespace, webhookId, eventId, nominalAt, createdAt, createdAt);
      history.grew(1);
    },
  };
}
