import type { Delivery } from '../domain/delivery/delivery.ts';
import type { EventRecord } from '../domain/event/event.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { Store } from '../store/store.ts';

/** An event that is to be delivered once more. */
export interface ReplayTarget {
  readonly event: EventRecord;
  readonly webhook: Webhook;
  /** The delivery of it to that webhook that is repeated; of one that was a replay itself, the original. */
  readonly replayOf?: string;
}

export interface TargetDeps {
  readonly store: Pick<Store, 'listDeliveries'>;
  readonly directory: Pick<Directory, 'load'>;
}

const PAGE = 1_000;

/** Each of these events to one webhook. */
export async function targetsAt(
  webhook: Webhook,
  events: readonly EventRecord[],
  { store }: TargetDeps,
): Promise<ReplayTarget[]> {
  return Promise.all(
    events.map(async (event) => {
      const latest = await latestDelivery(event, webhook.id, store);
      return { event, webhook, ...(latest !== undefined && { replayOf: originalOf(latest) }) };
    }),
  );
}

/** Those of these events of which there is a delivery to a webhook. */
export async function eventsHadBy(
  webhookId: string,
  events: readonly EventRecord[],
  store: TargetDeps['store'],
): Promise<EventRecord[]> {
  const latest = await Promise.all(events.map((event) => latestDelivery(event, webhookId, store)));
  return events.filter((_, i) => latest[i] !== undefined);
}

/** Each of these events to the webhooks that it was delivered to before, as far as they are there. */
export async function targetsBefore(
  events: readonly EventRecord[],
  { store, directory }: TargetDeps,
): Promise<ReplayTarget[]> {
  const latest = await Promise.all(events.map((event) => latestDeliveries(event, store)));
  const ids = [...new Set(latest.flatMap((deliveries) => [...deliveries.keys()]))];
  const webhooks = new Map<string, Webhook>();
  for (const webhook of await directory.load(ids)) {
    if (webhook !== undefined) webhooks.set(webhook.id, webhook);
  }
  return events.flatMap((event, i) =>
    [...latest[i]!].flatMap(([webhookId, replayOf]) => {
      const webhook = webhooks.get(webhookId);
      return webhook === undefined ? [] : [{ event, webhook, replayOf }];
    }),
  );
}

async function latestDelivery(
  event: EventRecord,
  webhookId: string,
  store: TargetDeps['store'],
): Promise<Delivery | undefined> {
  if (event.deliveryCount === 0) return undefined;
  const query = { namespace: event.namespace, eventId: event.id, webhookId, limit: 1 };
  const [latest] = await store.listDeliveries(query);
  return latest;
}

/** What the latest delivery of an event to each webhook repeats, or is. */
async function latestDeliveries(
  event: EventRecord,
  store: TargetDeps['store'],
): Promise<ReadonlyMap<string, string>> {
  const latest = new Map<string, string>();
  if (event.deliveryCount === 0) return latest;
  const query = { namespace: event.namespace, eventId: event.id, limit: PAGE };
  let before: string | undefined;
  for (;;) {
    const page = await store.listDeliveries({ ...query, ...(before !== undefined && { before }) });
    for (const delivery of page) {
      const { webhookId } = delivery;
      if (!latest.has(webhookId)) latest.set(webhookId, originalOf(delivery));
    }
    if (page.length < PAGE) return latest;
    before = page.at(-1)!.id;
  }
}

/** However often it is replayed, all of them point to the same, which is what the destination saw first. */
function originalOf({ id, replayOf }: Pick<Delivery, 'id' | 'replayOf'>): string {
  return replayOf ?? id;
}
