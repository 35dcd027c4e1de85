import { takesEvent } from '../../../domain/access/namespace.ts';
import { hasRoom, hasRoomAgain } from '../../../domain/delivery/waiting-bounds.ts';
import {
  CONFLICT,
  DELETED_NAMESPACE,
  FULL,
  NEW_DELIVERY,
  PUBLICATION,
  type PublicationRow,
  type PublishCode,
  REPLAY,
  type Remembered,
  type ReplayRow,
  SUSPENDED_NAMESPACE,
} from '../../rows/messages.ts';
import { EVENT, type EventRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';
import { createInsertion } from './insertion.ts';

export function publishVerbs(context: Context): Pick<Verbs, 'publish' | 'replay'> {
  const { db, waiting, bounds, tenants, hooks, eventIds } = context;
  const insertion = createInsertion(context);
  const selectKnown = db.prepare<PublishCode & [eventId: string, deliveries: number]>(
    'SELECT id, deliveries FROM events WHERE id = ?',
  );
  const countFailures = db.prepare(
    'UPDATE webhooks SET filter_failures = filter_failures + ? WHERE id = ? AND removed_at IS NULL',
  );
  const selectEvent = db.prepare<[key: number, type: string, namespace: string]>(
    'SELECT key, type, namespace FROM events WHERE id = ? AND body IS NOT NULL',
  );
  const isThere = db.prepare('SELECT 1 FROM deliveries WHERE id = ?');
  const adopt = db.prepare('UPDATE events SET deliveries = deliveries + 1 WHERE key = ?');

  /** What became of the first event with this caller's id; undefined when the id is free. */
  function recalled(event: EventRow, [digest]: Remembered): PublishCode | undefined {
    const { at } = EVENT;
    const callerId = event[at.callerId];
    if (callerId === null) return undefined;
    const known = eventIds.recall(event[at.namespace], callerId, event[at.createdAt]);
    if (known === undefined) return undefined;
    const [eventId, knownDigest, deliveries] = known;
    return knownDigest === digest ? [eventId, deliveries] : CONFLICT;
  }

  /** One of another namespace is not there. */
  function hookIn(namespace: string, id: string) {
    const hook = hooks.get(id);
    return hook?.namespace === namespace ? hook : undefined;
  }

  function publishOne(row: PublicationRow, ords: number[]): PublishCode {
    const { at } = PUBLICATION;
    const event = row[at.event];
    const remember = row[at.remember];
    const known = remember && recalled(event, remember);
    if (known) return known;
    const namespace = event[EVENT.at.namespace];
    const { state } = tenants.of(namespace);
    if (!takesEvent(state, event[EVENT.at.type])) {
      return state === 'SUSPENDED' ? SUSPENDED_NAMESPACE : DELETED_NAMESPACE;
    }
    const asked = row[at.deliveries];
    const run = row[at.run];
    const webhooks = asked.map((delivery) => hookIn(namespace, delivery[NEW_DELIVERY.at.webhookId]));
    const there = webhooks.filter((hook) => hook !== undefined);
    if (!hasRoom({ deliveries: there.length, run: run === 1 }, waiting, bounds)) return FULL;
    const places = insertion.event(event, there.length, remember);
    // Each event gets an id of its own when it is made, so this is the same publication once more.
    if (places === undefined) return selectKnown.get(event[EVENT.at.id])!;
    // A trigger is no run of the schedule: neither takes the place of the other, nor waits for it.
    const apart = { run: 0, turn: 0 } as const;
    const due = { dueAt: row[at.dueAt], firstDueAt: row[at.firstDueAt] };
    const more = { ...due, ...apart, createdAt: event[EVENT.at.createdAt], replayOf: null };
    let { ord } = places;
    for (const [i, delivery] of asked.entries()) {
      const hook = webhooks[i];
      if (hook !== undefined) insertion.delivery(delivery, hook, { ...places, ord }, more);
      ords.push(hook === undefined ? 0 : ord++);
    }
    return there.length;
  }

  function replayOne(row: ReplayRow, ords: number[]) {
    const { at } = REPLAY;
    const delivery = row[at.delivery];
    if (row[at.again] === 1 && isThere.get(delivery[NEW_DELIVERY.at.id]) !== undefined) {
      ords.push(0);
      return 'REPLAYED';
    }
    const [event, type, namespace] = selectEvent.get(row[at.eventId]) ?? [];
    if (event === undefined || type === undefined || namespace === undefined) return 'GONE';
    const hook = hookIn(namespace, delivery[NEW_DELIVERY.at.webhookId]);
    if (hook === undefined) return 'GONE';
    if (tenants.of(namespace).state !== 'ACTIVE') return 'GONE';
    if (!hasRoomAgain(hook, waiting, tenants.boundsOf(namespace))) return 'FULL';
    adopt.run(event);
    const ord = context.takeOrds(1);
    const now = row[at.now];
    const replayOf = row[at.replayOf] ?? '';
    const due = { dueAt: now, firstDueAt: row[at.firstDueAt] };
    const more = { ...due, run: 0, turn: 0, createdAt: now, replayOf } as const;
    insertion.delivery(delivery, hook, { event, type, ord }, more);
    ords.push(ord);
    return 'REPLAYED';
  }

  return {
    publish(rows) {
      const failures = new Map<string, number>();
      for (const row of rows) {
        for (const id of row[PUBLICATION.at.failures] ?? []) failures.set(id, (failures.get(id) ?? 0) + 1);
      }
      for (const [id, count] of failures) countFailures.run(count, id);
      const ords: number[] = [];
      const results = rows.map((row) => publishOne(row, ords));
      context.grew();
      return { results, ords };
    },
    replay(rows) {
      const ords: number[] = [];
      const results = rows.map((row) => replayOne(row, ords));
      context.grew();
      return { results, ords };
    },
  };
}
