import { takesEvent } from '../../../domain/access/namespace.ts';
import { hasRoom, hasRoomAgain } from '../../../domain/delivery/waiting-bounds.ts';
import type { Answer } from '../../calls/shapes.ts';
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
import { EVENT } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { createEventIds, type Known } from '../event-ids.ts';
import type { Together, Verbs } from '../protocol.ts';
import { createInsertion, type Draft } from './insertion.ts';

/** What is known of events, of those that were noted a moment ago too. */
interface Memories {
  readonly draft: Draft;
  /** By the ids that callers gave. */
  readonly named: Map<string, Known>;
  /** By our own ids: how many deliveries each has. */
  readonly own: Map<string, number>;
}

export function publishVerbs(
  context: Context,
): Pick<Verbs, 'publish'> & { together: Pick<Together, 'publish'> } {
  const { db, bounds, tenants, hooks } = context;
  const insertion = createInsertion(context);
  const eventIds = createEventIds(db);
  const selectOwn = db.prepare<[id: string, deliveries: number]>(
    'SELECT id, deliveries FROM @events WHERE id = ANY(?)',
  );
  const countFailures = db.prepare(`
    UPDATE @webhooks AS w SET filter_failures = filter_failures + v.count
    FROM unnest(?::text[], ?::bigint[]) AS v (id, count) WHERE w.id = v.id AND w.removed_at IS NULL`);

  async function noteFailures(rows: readonly PublicationRow[]): Promise<void> {
    const failures = new Map<string, number>();
    for (const row of rows) {
      for (const id of row[PUBLICATION.at.failures] ?? []) failures.set(id, (failures.get(id) ?? 0) + 1);
    }
    if (failures.size > 0) await countFailures.run([...failures.keys()], [...failures.values()]);
  }

  async function remember(rows: readonly PublicationRow[]): Promise<Memories> {
    const { at } = PUBLICATION;
    const events = rows.map((row) => row[at.event]);
    const deliveries = rows.flatMap((row) => row[at.deliveries]);
    const named = events.flatMap((event) => {
      const id = event[EVENT.at.callerId];
      return id === null
        ? []
        : [{ namespace: event[EVENT.at.namespace], id, now: event[EVENT.at.createdAt] }];
    });
    const [draft, known, own] = await Promise.all([
      insertion.open({ events: rows.length, deliveries: deliveries.length }),
      eventIds.recall(named),
      selectOwn.all(events.map((event) => event[EVENT.at.id])),
      hooks.load(deliveries.map((row) => row[NEW_DELIVERY.at.webhookId])),
      tenants.load(events.map((event) => event[EVENT.at.namespace])),
      noteFailures(rows),
    ]);
    return { draft, named: known, own: new Map(own) };
  }

  function publishOne(row: PublicationRow, { draft, named, own }: Memories, ords: number[]): PublishCode {
    const { at } = PUBLICATION;
    const event = row[at.event];
    const [id, namespace, callerId] = [
      event[EVENT.at.id],
      event[EVENT.at.namespace],
      event[EVENT.at.callerId],
    ];
    const remembered = row[at.remember];
    const name = callerId === null || remembered === null ? undefined : eventIds.nameOf(namespace, callerId);
    const known = name && named.get(name);
    if (known && remembered) return answerFor(known, remembered);
    const { state } = tenants.of(namespace);
    if (!takesEvent(state, event[EVENT.at.type])) {
      return state === 'SUSPENDED' ? SUSPENDED_NAMESPACE : DELETED_NAMESPACE;
    }
    const asked = row[at.deliveries];
    const webhooks = asked.map((delivery) => {
      const hook = hooks.get(delivery[NEW_DELIVERY.at.webhookId]);
      // One of another namespace is not there.
      return hook?.namespace === namespace ? hook : undefined;
    });
    const deliveries = webhooks.filter((hook) => hook !== undefined).length;
    if (!hasRoom({ deliveries, run: row[at.run] === 1 }, context.waiting, bounds)) return FULL;
    // Each event gets an id of its own when it is made, so this is the same publication once more.
    const before = own.get(id);
    if (before !== undefined) return [id, before];
    const key = draft.event(event, deliveries, remembered);
    own.set(id, deliveries);
    if (name !== undefined && remembered !== null) named.set(name, [id, remembered[0], deliveries]);
    // A trigger is no run of the schedule: neither takes the place of the other, nor waits for it.
    const apart = { run: 0, turn: 0, replayOf: null } as const;
    const due = {
      dueAt: row[at.dueAt],
      firstDueAt: row[at.firstDueAt],
      createdAt: event[EVENT.at.createdAt],
    };
    const of = { event: key, type: event[EVENT.at.type] };
    for (const [i, delivery] of asked.entries()) {
      const hook = webhooks[i];
      ords.push(hook === undefined ? 0 : draft.delivery(delivery, hook, { ...of, ...due, ...apart }));
    }
    return deliveries;
  }

  async function publishAll(calls: readonly (readonly PublicationRow[])[]): Promise<Answer<'publish'>[]> {
    const memories = await remember(calls.flat());
    const answers = calls.map((rows): Answer<'publish'> => {
      const ords: number[] = [];
      return { results: rows.map((row) => publishOne(row, memories, ords)), ords };
    });
    await memories.draft.write();
    return answers;
  }

  return {
    publish: async (rows) => (await publishAll([rows]))[0]!,
    together: { publish: publishAll },
  };
}

export function replayVerbs(context: Context): Pick<Verbs, 'replay'> {
  const { db, tenants, hooks } = context;
  const insertion = createInsertion(context);
  const selectEvents = db.prepare<[id: string, key: number, type: string, namespace: string]>(
    'SELECT id, key, type, namespace FROM @events WHERE id = ANY(?) AND body IS NOT NULL',
  );
  const selectThere = db.prepare<[id: string]>('SELECT id FROM @deliveries WHERE id = ANY(?)');
  const adopt = db.prepare(`
    UPDATE @events AS e SET deliveries = deliveries + v.count
    FROM unnest(?::bigint[], ?::bigint[]) AS v (key, count) WHERE e.key = v.key`);

  return {
    async replay(rows) {
      const { at } = REPLAY;
      const idOf = (row: ReplayRow) => row[at.delivery][NEW_DELIVERY.at.id];
      const [draft, events, there] = await Promise.all([
        insertion.open({ events: 0, deliveries: rows.length }),
        selectEvents.all(rows.map((row) => row[at.eventId])),
        selectThere.all(rows.filter((row) => row[at.again] === 1).map(idOf)),
        hooks.load(rows.map((row) => row[at.delivery][NEW_DELIVERY.at.webhookId])),
      ]);
      const known = new Map(events.map(([id, ...event]) => [id, event]));
      const made = new Set(there.map(([id]) => id));
      const adopted = new Map<number, number>();
      const ords: number[] = [];
      const results = rows.map((row) => {
        const delivery = row[at.delivery];
        if (row[at.again] === 1 && made.has(idOf(row))) {
          ords.push(0);
          return 'REPLAYED';
        }
        const [event, type, namespace] = known.get(row[at.eventId]) ?? [];
        const hook = hooks.get(delivery[NEW_DELIVERY.at.webhookId]);
        if (event === undefined || type === undefined || hook === undefined) return 'GONE';
        if (hook.namespace !== namespace || tenants.of(namespace).state !== 'ACTIVE') return 'GONE';
        if (!hasRoomAgain(hook, context.waiting, tenants.boundsOf(namespace))) return 'FULL';
        const now = row[at.now];
        const due = { dueAt: now, firstDueAt: row[at.firstDueAt], createdAt: now };
        const apart = { run: 0, turn: 0, replayOf: row[at.replayOf] ?? '' } as const;
        ords.push(draft.delivery(delivery, hook, { event, type, ...due, ...apart }));
        made.add(idOf(row));
        adopted.set(event, (adopted.get(event) ?? 0) + 1);
        return 'REPLAYED';
      });
      await Promise.all([
        draft.write(),
        adopted.size > 0 && adopt.run([...adopted.keys()], [...adopted.values()]),
      ]);
      return { results, ords };
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function answerFor([eventId, knownDigest, deliveries]: Known, [digest]: Remembered): PublishCode {
  return knownDigest === digest ? [eventId, deliveries] : CONFLICT;
}
