/**
 * What callers may do, whatever they call by: an RPC, a plain path, the command line, an importer or a test
 * calls the same function. Use cases take plain specs, decide with the rules of the domain, write through
 * the store and raise DomainError. Publishing and replaying events are in `publish/`.
 */
import type { Claim } from '../domain/claim.ts';
import { notFound } from '../domain/error.ts';
import type { EventRecord } from '../domain/event/event.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { rungFor, trigger } from '../publish/trigger.ts';
import type { EventKey, WebhookName } from '../store/store.ts';
import { createAudit } from './audit.ts';
import { createBackfill } from './backfill.ts';
import { type BulkOrder, cancelDeliveries, retryDeliveries } from './bulk-deliveries.ts';
import { pauseWebhooks, resumeWebhooks } from './bulk-webhooks.ts';
import { cancelDelivery } from './cancel.ts';
import { getWebhook, getWebhooks, type Target } from './change.ts';
import { getDelivery } from './delivery.ts';
import type { ControlDeps } from './deps.ts';
import { createKeys } from './keys.ts';
import { pauseWebhook, resumeWebhook } from './lifecycle.ts';
import { type ListOrder, listDeliveries, listEvents, listWebhooks, type WebhookListOrder } from './list.ts';
import { checkMayRing, createNamespaces } from './namespaces.ts';
import { createOnce } from './once.ts';
import { createPreview } from './preview.ts';
import { createRegister } from './register.ts';
import { createRemove } from './remove.ts';
import { retryDelivery } from './retry.ts';
import { createRotate, withdrawSecret } from './rotate.ts';
import { createStandby } from './standby.ts';
import { createUpdate } from './update.ts';
import { createWatch, type WatchLimits } from './watch.ts';

export interface Control {
  readonly webhooks: ReturnType<typeof createWebhooks>;
  readonly deliveries: ReturnType<typeof createDeliveries>;
  readonly events: ReturnType<typeof createEvents>;
  readonly namespaces: ReturnType<typeof createNamespaces>;
  readonly keys: ReturnType<typeof createKeys>;
  /** How the key that seals is replaced. */
  readonly sealing: ControlDeps['sealRotation'];
  readonly audit: ReturnType<typeof createAudit>;
  readonly standby: ReturnType<typeof createStandby>;
  /** Makes a call that its caller named, or repeats its answer. */
  readonly once: ReturnType<typeof createOnce>;
  /** Ends what would never end by itself: every watch, with UNAVAILABLE. Tolerates being called twice. */
  stop(): void;
}

export interface ControlOptions extends ControlDeps {
  /** Bounds of watching other than `WATCH_LIMITS`. */
  readonly watchLimits?: Partial<WatchLimits>;
  /** Called when a key was made or revoked, before that is answered. */
  readonly onKeys?: () => Promise<void>;
  /** Called when a standby has ended, before that is answered. */
  readonly onTakeOver?: () => void;
}

export function createControl({ watchLimits, onKeys, onTakeOver, ...deps }: ControlOptions): Control {
  const ending = new AbortController();
  return {
    webhooks: createWebhooks(deps),
    deliveries: createDeliveries(deps, ending.signal, watchLimits),
    events: createEvents(deps),
    namespaces: createNamespaces(deps),
    keys: createKeys(deps, onKeys),
    sealing: deps.sealRotation,
    audit: createAudit(deps),
    standby: createStandby(deps, onTakeOver),
    once: createOnce(deps),
    stop: () => ending.abort(),
  };
}

function createWebhooks(deps: ControlDeps) {
  return {
    register: createRegister(deps),
    update: createUpdate(deps),
    remove: createRemove(deps),
    preview: createPreview(deps),
    backfill: createBackfill(deps),
    rotateSecret: createRotate(deps),
    withdrawSecret: (target: Target, secretId: string) => withdrawSecret(deps, target, secretId),
    /** Raises NOT_FOUND. */
    get: (target: Pick<Target, 'namespace' | 'id'>) => getWebhook(deps, target),
    getMany: (names: readonly WebhookName[]) => getWebhooks(deps, names),
    list: (order: WebhookListOrder) => listWebhooks(deps, order),
    /** How it goes with the deliveries of webhooks, in the same order; null for one that was removed meanwhile. */
    traffic: (webhooks: readonly Webhook[]) => deps.store.getTraffic(webhooks.map(({ id }) => id)),
    pause: (target: Target) => pauseWebhook(deps, target),
    resume: (target: Target) => resumeWebhook(deps, target),
    pauseMany: (order: BulkOrder, signal: AbortSignal) => pauseWebhooks(deps, order, signal),
    resumeMany: (order: BulkOrder, signal: AbortSignal) => resumeWebhooks(deps, order, signal),
    /** Rings a webhook once, now, and returns the id of the delivery. Raises NOT_FOUND and what `trigger` raises. */
    trigger: async (target: Pick<Target, 'namespace' | 'id'>, claim?: Claim): Promise<string> => {
      const rung = claim?.resumed ? await rungFor(deps, claim) : undefined;
      if (rung !== undefined) return rung;
      await checkMayRing(deps, target.namespace);
      return trigger(deps, await getWebhook(deps, target), claim);
    },
  };
}

function createDeliveries(deps: ControlDeps, shutdown: AbortSignal, limits?: Partial<WatchLimits>) {
  const { store, namespaces } = deps;
  return {
    /** Raises NOT_FOUND, also for one of another namespace. */
    get: (namespace: string, id: string) => getDelivery(deps, namespace, id),
    list: (order: ListOrder) => listDeliveries(deps, order),
    watch: createWatch({ store, namespaces, shutdown, ...(limits && { limits }) }),
    retry: async (namespace: string, id: string, claim?: Claim) => {
      await checkMayRing(deps, namespace);
      return retryDelivery(deps, namespace, id, claim);
    },
    retryMany: async (order: BulkOrder, signal: AbortSignal, claim?: Claim) => {
      await checkMayRing(deps, order.namespace);
      return retryDeliveries(deps, order, signal, claim);
    },
    cancel: (namespace: string, id: string, claim?: Claim) => cancelDelivery(deps, namespace, id, claim),
    cancelMany: (order: BulkOrder, signal: AbortSignal) => cancelDeliveries(deps, order, signal),
  };
}

function createEvents(deps: ControlDeps) {
  const { store } = deps;
  return {
    /** Raises NOT_FOUND. */
    async get(key: EventKey): Promise<EventRecord> {
      const [event] = await store.getEvents([key]);
      if (event === undefined) throw notFound('Event', key.id);
      return event;
    },
    list: (order: ListOrder) => listEvents(deps, order),
    /**
     * Erases the data of an event, also from what the store wrote before. Returns how many waiting deliveries
     * that cancels, and whether the latter was not possible yet. Raises NOT_FOUND.
     */
    async purge(key: EventKey): Promise<Purged> {
      const [purged] = await store.purgeEvents([key]);
      if (purged === undefined || purged === 'GONE') throw notFound('Event', key.id);
      return { cancelled: purged.cancelled, pending: !(await store.emptyLog()) };
    },
  };
}

/** What became of an event's data. */
interface Purged {
  readonly cancelled: number;
  /** Whether older writes of the data are still there, since somebody reads the database. */
  readonly pending: boolean;
}
