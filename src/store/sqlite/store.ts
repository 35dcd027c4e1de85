import type { Worker } from 'node:worker_threads';
import type { WaitingDelivery } from '../../domain/delivery.ts';
import type { NewDelivery, Publication, PublishResult, RunFiring, Store, WebhookUpdate } from '../store.ts';
import { type CallSize, createClient } from './client.ts';
import { createFeed } from './feed.ts';
import type { SqliteSettings } from './options.ts';
import { pack } from './pack.ts';
import {
  type Answer,
  CONFLICT,
  type EventRow,
  type FiringRow,
  type Flag,
  FULL_ALL,
  FULL_NAMESPACE,
  type NewDeliveryRow,
  type PublicationRow,
  type PublishCode,
  type UpdateRow,
} from './protocol.ts';
import * as rows from './rows.ts';

/** Greater than every id. */
const AFTER_ALL = '~';

/** The port on a worker that has opened its database. */
export function sqliteStore(worker: Worker, bounds: SqliteSettings): Store {
  const client = createClient(worker, bounds);
  const feed = createFeed(bounds);

  /** Notes which of the webhooks changed, by their results. */
  function noteChanges<R extends string>(results: readonly R[], change: R, ids: readonly string[]): void {
    for (const [i, result] of results.entries()) if (result === change) feed.webhook(ids[i]!);
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

  function noteFired(batch: readonly RunFiring[], { results, ords, ending }: Answer<'fireRuns'>): void {
    feed.deliveries(ending.map(rows.fromWaitingRow));
    // A run can be superseded by a later firing of its own batch.
    const marked = new Set(ending.map(([ord]) => ord));
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

  return {
    createWebhooks: async (batch) =>
      client.call('createWebhooks', batch.map(rows.toWebhookRow), sized(batch), (results) => {
        noteChanges(
          results,
          'CREATED',
          batch.map(({ id }) => id),
        );
        return results;
      }),

    updateWebhooks: async (batch) =>
      client.call('updateWebhooks', batch.map(updateRow), sized(batch), (results) => {
        noteChanges(
          results,
          'UPDATED',
          batch.map(({ webhook }) => webhook.id),
        );
        return results;
      }),

    getWebhooks: async (ids) =>
      client.call('getWebhooks', ids, sized(ids), (found) =>
        found.map((row) => row && rows.fromWebhookRow(row)),
      ),

    findWebhook: async ({ namespace, name, destination }) =>
      client.call(
        'findWebhook',
        [namespace, name, destination],
        ONE_ROW,
        (row) => row && rows.fromWebhookRow(row),
      ),

    listWebhooks: async ({ namespace, after = '', limit, name = null, state = null, labels = {} }) => {
      const filter = [namespace, after, limit, name, state, JSON.stringify(labels)] as const;
      return client.call('listWebhooks', [...filter], { rows: limit, bytes: 0 }, (found) =>
        found.map(rows.fromWebhookRow),
      );
    },

    removeWebhooks: async (batch) => {
      const args = batch.map(({ id, now, ifVersion }): [string, number, number | null] => [
        id,
        now,
        ifVersion ?? null,
      ]);
      return client.call('removeWebhooks', args, sized(batch), (results) => {
        noteChanges(
          results,
          'REMOVED',
          batch.map(({ id }) => id),
        );
        return results;
      });
    },

    publish: async (batch) => {
      const { copies, size } = pack(batch.flatMap(publicationBytes));
      const bytes = copies.values();
      const args = batch.map((publication) => publicationRow(publication, bytes));
      const deliveries = batch.reduce((sum, publication) => sum + publication.deliveries.length, 0);
      return client.call('publish', args, size(batch.length + deliveries), (answer) => {
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

    replay: notYet,

    upcomingRuns: async ({ before, limit, after }) => {
      const args = [before, limit, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.webhookId ?? ''] as const;
      return client.call('upcomingRuns', [...args], { rows: limit, bytes: 0 }, (found) =>
        found.map(([webhookId, dueAt]) => ({ webhookId, dueAt })),
      );
    },

    fireRuns: async (batch) => {
      const { copies, size } = pack(batch.flatMap(({ runs }) => runs.flatMap(runBytes)));
      const bytes = copies.values();
      const args = batch.map((firing) => firingRow(firing, bytes));
      return client.call('fireRuns', args, size(batch.length + copies.length), (answer) => {
        noteFired(batch, answer);
        return answer.results;
      });
    },

    pollWaiting: async () => feed.takeWaiting(),
    pollWebhooks: async () => feed.takeWebhooks(),
    onVisible: (listener) => feed.onVisible(listener),

    waitingLanes: async ({ after = '', limit }) =>
      client.call('waitingLanes', [after, limit], { rows: limit, bytes: 0 }, (lanes) =>
        lanes.map(([webhookId, dueAt]) => ({ webhookId, dueAt })),
      ),

    topUp: async (lanes) => {
      const args = lanes.map(({ webhookId, limit, ordered }): [string, number, Flag] => [
        webhookId,
        limit,
        flag(ordered),
      ]);
      return client.call('topUp', args, sized(lanes), (found) =>
        found.map(({ rows: deliveries, more }, i) => ({
          webhookId: lanes[i]!.webhookId,
          deliveries: deliveries.map(rows.fromWaitingRow),
          more,
        })),
      );
    },

    getEventBodies: async (ids) =>
      client.call('getEventBodies', ids, sized(ids), (found) =>
        found.map((row) => row && rows.fromEventRow(row)),
      ),

    getRendered: async (ids) =>
      client.call('getRendered', ids, sized(ids), (found) =>
        found.map((row) => row && rows.fromRenderedRow(row)),
      ),

    settle: async (batch, lanes) => {
      const { copies, size } = pack(batch.map(rows.attemptBody));
      const args = {
        rows: batch.map((settlement, i) => rows.toSettlementRow(settlement, copies[i]!)),
        lanes: lanes.map(rows.toLaneRow),
      };
      return client.call('settle', args, size(batch.length + lanes.length), ({ results, disabled }) => {
        for (const id of disabled) feed.webhook(id);
        feed.announce();
        return results;
      });
    },

    listDeliveries: async ({ namespace, before = AFTER_ALL, limit, webhookId = null, state }) => {
      const code = state === undefined ? null : rows.STATE_CODES[state];
      return client.call(
        'listDeliveries',
        [namespace, before, limit, webhookId, code],
        { rows: limit, bytes: 0 },
        (found) => found.map(rows.fromDeliveryRow),
      );
    },

    getDelivery: async (id) =>
      client.call(
        'getDelivery',
        id,
        ONE_ROW,
        (found) =>
          found && { ...rows.fromDeliveryRow(found.row), attempts: found.attempts.map(rows.fromAttemptRow) },
      ),

    changesSince: notYet,
    onChanges: () => () => {},
    retryDeliveries: notYet,
    cancelDeliveries: notYet,
    getEvents: notYet,
    listEvents: notYet,
    purgeEvents: notYet,

    sweep: async ({ finishedBefore }) => client.call('sweep', finishedBefore, ONE_ROW, (touched) => touched),

    close: () => client.close(),
  };
}

const ONE_ROW: CallSize = { rows: 1, bytes: 0 };

function sized(batch: readonly unknown[]): CallSize {
  return { rows: batch.length, bytes: 0 };
}

function flag(value: boolean | undefined): Flag {
  return value ? 1 : 0;
}

/** A delivery that has just come in. */
function fresh(ord: number, delivery: NewDelivery, eventId: string, dueAt: number): WaitingDelivery {
  const { id, webhookId, format, rendered } = delivery;
  return {
    ord,
    id,
    webhookId,
    eventId,
    dueAt,
    attempts: 0,
    attemptsBefore: 0,
    format,
    rendered: rendered !== undefined,
  };
}

function publishResult(code: PublishCode): PublishResult {
  if (typeof code !== 'number') return { kind: 'DUPLICATE', eventId: code[0], deliveries: code[1] };
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

/** The bodies in a publication, in the order in which `publicationRow` takes their copies. */
function publicationBytes({ event, deliveries }: Pick<Publication, 'event' | 'deliveries'>): Uint8Array[] {
  return [event.body, ...deliveries.flatMap(({ rendered }) => rendered?.body ?? [])];
}

function runBytes({ event, delivery }: RunFiring['runs'][number]): Uint8Array[] {
  return publicationBytes({ event, deliveries: [delivery] });
}

function deliveryRow(delivery: NewDelivery, bytes: Iterator<Uint8Array>): NewDeliveryRow {
  return rows.toNewDeliveryRow(delivery, delivery.rendered?.body === undefined ? null : bytes.next().value!);
}

async function notYet(): Promise<never> {
  throw new Error('the store cannot do this yet');
}

function updateRow({ webhook, ifVersion, cursorFrom, resetHealth }: WebhookUpdate): UpdateRow {
  return [
    rows.toWebhookRow(webhook),
    ifVersion,
    cursorFrom && [cursorFrom.nominalAt, cursorFrom.fired, cursorFrom.skipped],
    flag(resetHealth),
  ];
}

/** Takes copies of its bodies from those of the whole batch. */
function publicationRow(publication: Publication, bytes: Iterator<Uint8Array>): PublicationRow {
  const { event, deliveries, dueAt, run, remember, filterFailures } = publication;
  return [
    rows.toEventRow(event, bytes.next().value!),
    dueAt,
    flag(run),
    deliveries.map((delivery) => deliveryRow(delivery, bytes)),
    remember === undefined ? null : [remember.digest, remember.until],
    filterFailures ?? null,
  ];
}

/** Takes copies of the bodies of its runs from those of the whole batch. */
function firingRow(firing: RunFiring, bytes: Iterator<Uint8Array>): FiringRow {
  const { webhookId, version, from, to, overlap, now, runs } = firing;
  const events: EventRow[] = [];
  const deliveries: NewDeliveryRow[] = [];
  for (const { event, delivery } of runs) {
    events.push(rows.toEventRow(event, bytes.next().value!));
    deliveries.push(deliveryRow(delivery, bytes));
  }
  return [
    webhookId,
    version,
    from,
    [to.anchorAt, to.nominalAt, to.dueAt, to.fired, to.skipped],
    overlap,
    now,
    events,
    deliveries,
  ];
}
