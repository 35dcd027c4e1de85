import type { Worker } from 'node:worker_threads';
import type { WaitingDelivery } from '../../domain/delivery/delivery.ts';
import type { Publication, PublishResult, Replay, RunFiring } from '../intake.ts';
import type { Store } from '../store.ts';
import { type CallSize, createClient } from './client.ts';
import { createFeed } from './feed.ts';
import type { SqliteSettings } from './options.ts';
import type { Answer, Listed, Span } from './protocol.ts';
import { fromAttemptRow } from './rows/attempt.ts';
import { pack } from './rows/bytes.ts';
import type { Flag } from './rows/codes.ts';
import {
  answerBody,
  fresh,
  fromChangeRow,
  fromDeliveryRow,
  fromWaitingRow,
  toDeliveryFilter,
  toEventFilter,
  toSettlementRow,
} from './rows/delivery.ts';
import {
  bytesOf,
  fromEventRecordRow,
  fromEventRow,
  fromRenderedRow,
  toFiringRow,
  toPublicationRow,
  toReplayRow,
} from './rows/event.ts';
import { CONFLICT, FULL_ALL, FULL_NAMESPACE, type OrderRow, type PublishCode } from './rows/messages.ts';
import { WAITING, type WaitingRow } from './rows/tables.ts';
import { fromWebhookRow, toLaneRow, toUpdateRow, toWebhookRow } from './rows/webhook.ts';

/** The port on a worker that has opened its database. `ending` are rows for the first poll. */
export function sqliteStore(worker: Worker, bounds: SqliteSettings, ending: readonly WaitingRow[]): Store {
  const client = createClient(worker, bounds);
  const feed = createFeed(bounds);
  feed.deliveries(ending.map(fromWaitingRow));

  /** Notes which of the webhooks changed, by their results. */
  function noteWebhooks<R extends string>(results: readonly R[], change: R, ids: readonly string[]): R[] {
    for (const [i, result] of results.entries()) if (result === change) feed.webhook(ids[i]!);
    feed.announce();
    return [...results];
  }

  /** Hands deliveries whose rows changed to the dispatcher. */
  function noteWaiting(changed: readonly WaitingRow[], isRetry = false): void {
    const rows = changed.map(fromWaitingRow);
    if (isRetry) feed.retried(rows);
    feed.deliveries(rows);
    feed.announce();
  }

  function notePublished(batch: readonly Publication[], { results, ords }: Answer<'publish'>): void {
    let next = 0;
    for (const [i, { event, deliveries, dueAt }] of batch.entries()) {
      const result = results[i]!;
      if (typeof result !== 'number' || result < 0) continue;
      const added: WaitingDelivery[] = [];
      for (const delivery of deliveries) {
        const ord = ords[next++]!;
        if (ord > 0) added.push(fresh(ord, delivery, event.id, dueAt));
      }
      feed.deliveries(added, event);
    }
    feed.announce();
  }

  function noteReplayed(batch: readonly Replay[], { results, ords }: Answer<'replay'>): void {
    const made = batch.filter((_, i) => results[i] === 'REPLAYED');
    feed.deliveries(made.map(({ eventId, delivery, now }, i) => fresh(ords[i]!, delivery, eventId, now)));
    feed.announce();
  }

  function noteFired(batch: readonly RunFiring[], { results, ords, ending }: Answer<'fireRuns'>): void {
    feed.deliveries(ending.map(fromWaitingRow));
    // A run can be superseded by a later firing of its own batch.
    const marked = new Set(ending.map((row) => row[WAITING.at.ord]));
    let next = 0;
    for (const [i, { runs, now }] of batch.entries()) {
      if (results[i] !== 'FIRED') continue;
      for (const { event, delivery } of runs) {
        const ord = ords[next++]!;
        if (ord === 0) continue;
        const row = fresh(ord, delivery, event.id, now);
        feed.deliveries([marked.has(ord) ? { ...row, ending: 'SUPERSEDED' } : row], event);
      }
    }
    feed.announce();
  }

  /** Reads a list part by part: others have the database in between. */
  async function listAll<Filter extends Span, Row>(
    filter: Filter,
    read: (filter: Filter) => Promise<Listed<Row>>,
  ): Promise<Row[]> {
    const rows: Row[] = [];
    let from: string | null | undefined = filter.from;
    do {
      const part: Listed<Row> = await read({ ...filter, from, limit: filter.limit - rows.length });
      rows.push(...part.rows);
      from = part.next;
    } while (from !== null && rows.length < filter.limit);
    return rows;
  }

  return {
    createWebhooks: async (batch) =>
      client.call('createWebhooks', batch.map(toWebhookRow), sized(batch), (results) =>
        noteWebhooks(results, 'CREATED', idsOf(batch)),
      ),

    updateWebhooks: async (batch) => {
      const ids = batch.map(({ webhook }) => webhook.id);
      return client.call('updateWebhooks', batch.map(toUpdateRow), sized(batch), (results) =>
        noteWebhooks(results, 'UPDATED', ids),
      );
    },

    getWebhooks: async (ids) =>
      client.call('getWebhooks', ids, sized(ids), (found) => found.map((row) => row && fromWebhookRow(row))),

    resolveWebhooks: async (names) =>
      client.call(
        'resolveWebhooks',
        names.map(({ namespace, id }) => [namespace, id] as const),
        sized(names),
        (found) => found.map((row) => row && fromWebhookRow(row)),
      ),

    findWebhook: async ({ namespace, name, destination }) =>
      client.call(
        'findWebhook',
        [namespace, name, destination],
        ONE_ROW,
        (row) => row && fromWebhookRow(row),
      ),

    listWebhooks: async ({ namespace, after = '', limit, name = null, state = null, labels = {} }) =>
      client.call(
        'listWebhooks',
        { namespace, after, limit, name, state, labels: JSON.stringify(labels) },
        rowsUpTo(limit),
        (found) => found.map(fromWebhookRow),
      ),

    removeWebhooks: async (batch) => {
      const args = batch.map(({ id, now, ifVersion }): [string, number, number | null] => [
        id,
        now,
        ifVersion ?? null,
      ]);
      return client.call('removeWebhooks', args, sized(batch), ({ results, cancelled }) => {
        if (cancelled > 0) feed.change();
        return noteWebhooks(results, 'REMOVED', idsOf(batch));
      });
    },

    publish: async (batch) => {
      const packed = pack(batch.flatMap(({ event, deliveries }) => bytesOf(event, deliveries)));
      const args = batch.map((publication) => toPublicationRow(publication, packed));
      const deliveries = batch.reduce((sum, publication) => sum + publication.deliveries.length, 0);
      return client.call('publish', args, packed.size(batch.length + deliveries), (answer) => {
        notePublished(batch, answer);
        return answer.results.map(publishResult);
      });
    },

    matchWebhooks: async (batch) =>
      client.call(
        'matchWebhooks',
        batch.map(({ namespace, type }): [string, string] => [namespace, type]),
        sized(batch),
        (found) => found,
      ),

    webhookEpoch: () => feed.epoch(),

    replay: async (batch) => {
      const packed = pack(batch.flatMap(({ delivery }) => bytesOf(undefined, [delivery])));
      const args = batch.map((replay) => toReplayRow(replay, packed));
      return client.call('replay', args, packed.size(batch.length), (answer) => {
        noteReplayed(batch, answer);
        return answer.results;
      });
    },

    upcomingRuns: async ({ before, limit, after }) =>
      client.call(
        'upcomingRuns',
        [before, limit, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.webhookId ?? ''],
        rowsUpTo(limit),
        (found) => found.map(([webhookId, dueAt]) => ({ webhookId, dueAt })),
      ),

    fireRuns: async (batch) => {
      const runs = batch.flatMap((firing) => firing.runs);
      const packed = pack(runs.flatMap(({ event, delivery }) => bytesOf(event, [delivery])));
      const args = batch.map((firing) => toFiringRow(firing, packed));
      return client.call('fireRuns', args, packed.size(batch.length + runs.length), (answer) => {
        noteFired(batch, answer);
        return answer.results;
      });
    },

    pollWaiting: async () => feed.takeWaiting(),
    pollWebhooks: async () => feed.takeWebhooks(),
    onVisible: (listener) => feed.onVisible(listener),

    waitingLanes: async ({ after = '', limit }) =>
      client.call('waitingLanes', [after, limit], rowsUpTo(limit), (lanes) =>
        lanes.map(([webhookId, dueAt]) => ({ webhookId, dueAt })),
      ),

    topUp: async (lanes) => {
      const args = lanes.map(({ webhookId, limit, ordered }): [string, number, Flag] => [
        webhookId,
        limit,
        ordered ? 1 : 0,
      ]);
      return client.call('topUp', args, sized(lanes), (found) =>
        found.map(({ rows, more }, i) => ({
          webhookId: lanes[i]!.webhookId,
          deliveries: rows.map(fromWaitingRow),
          more,
        })),
      );
    },

    getEventBodies: async (ids) =>
      client.call('getEventBodies', ids, sized(ids), (found) => found.map((row) => row && fromEventRow(row))),

    getRendered: async (ids) =>
      client.call('getRendered', ids, sized(ids), (found) => found.map((row) => row && fromRenderedRow(row))),

    settle: async (batch, lanes) => {
      const packed = pack(batch.map(answerBody));
      const rows = batch.map((settlement) => toSettlementRow(settlement, packed));
      const args = { rows, lanes: lanes.map(toLaneRow) };
      return client.call(
        'settle',
        args,
        packed.size(batch.length + lanes.length),
        ({ results, disabled }) => {
          for (const id of disabled) feed.webhook(id);
          if (batch.length > 0) feed.change();
          feed.announce();
          return results;
        },
      );
    },

    listDeliveries: async (query) => {
      const found = await listAll(toDeliveryFilter(query), (filter) =>
        client.call('listDeliveries', filter, rowsUpTo(filter.limit), (part) => part),
      );
      return found.map(fromDeliveryRow);
    },

    getDelivery: async (id) =>
      client.call('getDelivery', id, ONE_ROW, (found) => {
        if (found === undefined) return undefined;
        const attempts = found.attempts.map((row) => fromAttemptRow(row, id));
        return { ...fromDeliveryRow(found.row), attempts };
      }),

    changesSince: async ({ namespace, after = null, limit }) =>
      client.call('changesSince', [namespace, after, limit], rowsUpTo(limit), (found) =>
        found === 'GAP' ? found : { changes: found.rows.map(fromChangeRow), next: found.next },
      ),
    onChanges: (listener) => feed.onChanges(listener),

    retryDeliveries: async (batch) =>
      client.call('retryDeliveries', batch.map(orderRow), sized(batch), ({ results, changed }) => {
        if (changed.length > 0) feed.change();
        noteWaiting(changed, true);
        return results;
      }),

    cancelDeliveries: async (batch) =>
      client.call('cancelDeliveries', batch.map(orderRow), sized(batch), ({ results, changed }) => {
        noteWaiting(changed);
        return results;
      }),

    getEvents: async (keys) =>
      client.call('getEvents', keys.map(eventKey), sized(keys), (found) =>
        found.map((row) => row && fromEventRecordRow(row)),
      ),

    listEvents: async (query) => {
      const found = await listAll(toEventFilter(query), (filter) =>
        client.call('listEvents', filter, rowsUpTo(filter.limit), (part) => part),
      );
      // Whether there is a body, and not the body.
      return found.map(fromEventRecordRow);
    },

    purgeEvents: async (keys) =>
      client.call('purgeEvents', keys.map(eventKey), sized(keys), ({ results, changed }) => {
        noteWaiting(changed);
        return results.map((result) => (result === 'GONE' ? result : { cancelled: result }));
      }),

    sweep: async ({ now, finishedBefore, payloadsBefore }) =>
      client.call('sweep', [now, finishedBefore, payloadsBefore], ONE_ROW, ({ touched, cancelled }) => {
        if (cancelled > 0) feed.change();
        feed.announce();
        return touched;
      }),

    close: () => client.close(),
  };
}

const ONE_ROW: CallSize = { rows: 1, bytes: 0 };

function rowsUpTo(limit: number): CallSize {
  return { rows: limit, bytes: 0 };
}

function sized(batch: readonly unknown[]): CallSize {
  return { rows: batch.length, bytes: 0 };
}

function idsOf(batch: readonly { readonly id: string }[]): string[] {
  return batch.map(({ id }) => id);
}

function orderRow({ namespace, id, now }: { namespace: string; id: string; now: number }): OrderRow {
  return [namespace, id, now];
}

function eventKey({ namespace, id }: { namespace: string; id: string }): [string, string] {
  return [namespace, id];
}

function publishResult(code: PublishCode): PublishResult {
  if (typeof code !== 'number') {
    const [eventId, deliveries] = code;
    return { kind: 'DUPLICATE', eventId, deliveries };
  }
  switch (code) {
    case CONFLICT:
      return { kind: 'CONFLICT' };
    case FULL_NAMESPACE:
      return { kind: 'FULL', scope: 'NAMESPACE' };
    case FULL_ALL:
      return { kind: 'FULL', scope: 'ALL' };
    default:
      return { kind: 'PUBLISHED', deliveries: code };
  }
}
