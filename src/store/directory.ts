import { boundedCache } from '../domain/bounded-cache.ts';
import type { RunCursor } from '../domain/schedule/schedule.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Registrations } from './registrations.ts';

/**
 * Webhooks in memory, for code that needs one at every run, attempt or event. A webhook that the store
 * reports as changed is forgotten, and the listeners are told. Nothing here is ever the only copy.
 */
export interface Directory {
  /**
   * The webhooks with these ids, in the same order; undefined where there is none. It sees every change
   * that was committed before the call, so that a caller who was told of one can rely on it. Raises
   * UNAVAILABLE and EXHAUSTED.
   */
  load(ids: readonly string[]): Promise<(Webhook | undefined)[]>;
  /** The webhook, if it is in memory. */
  peek(id: string): Webhook | undefined;
  /** Notes that a firing moved a webhook's cursor, which the store does not report as a change. */
  advance(id: string, cursor: RunCursor): void;
  /** Forgets a webhook, so that the next `load` reads it again. */
  forget(id: string): void;
  /** Asks the store once what has changed, and returns how many webhooks have. Raises UNAVAILABLE. */
  refresh(): Promise<number>;
  /** Calls back with the ids of changed webhooks, or 'ALL' when anything may have changed. */
  onChange(listener: (changed: readonly string[] | 'ALL') => void): void;
}

export interface DirectoryOptions {
  readonly store: Pick<Registrations, 'getWebhooks' | 'pollWebhooks' | 'webhookEpoch'>;
  /** The approximate size of the webhooks kept; beyond it, those that were not used lately are dropped. */
  readonly bytesMax?: number;
}

const BYTES_MAX = 32 * 1024 * 1024;
/** The approximate size of a webhook without its payload, measured on registrations with two fields. */
const WEBHOOK_BYTES = 1500;

export function createDirectory({ store, bytesMax = BYTES_MAX }: DirectoryOptions): Directory {
  const kept = boundedCache<string, Webhook>(bytesMax, sizeOf);
  const listeners: ((changed: readonly string[] | 'ALL') => void)[] = [];
  /** Counts the refreshes that found changes: a webhook that was being read during one is not kept. */
  let generation = 0;
  /** What the store's epoch was before the last refresh; undefined where it has none. */
  let refreshedEpoch: number | undefined;
  let refreshing: Promise<number> | undefined;

  async function refreshOnce(): Promise<number> {
    const epoch = store.webhookEpoch();
    const { changed, overflowed } = await store.pollWebhooks();
    if (changed.length > 0 || overflowed) {
      generation++;
      if (overflowed) kept.clear();
      else for (const id of changed) kept.delete(id);
      for (const listener of listeners) listener(overflowed ? 'ALL' : changed);
    }
    refreshedEpoch = epoch;
    return changed.length;
  }

  /** One at a time: a second poll could find nothing, and end before the changes of the first are forgotten here. */
  function refresh(): Promise<number> {
    refreshing ??= refreshOnce().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  /** Refreshes until every change from before now is known. A refresh under way may have begun too early. */
  async function catchUp(): Promise<void> {
    const epoch = store.webhookEpoch();
    if (refreshing !== undefined) await refreshing;
    if (epoch === undefined || refreshedEpoch === undefined || refreshedEpoch < epoch) await refresh();
  }

  /** Whether the store says that nothing changed since the last refresh. */
  function isFresh(): boolean {
    return refreshedEpoch !== undefined && store.webhookEpoch() === refreshedEpoch;
  }

  return {
    forget: kept.delete,
    peek: kept.get,
    refresh,
    async load(ids) {
      if (!isFresh()) await catchUp();
      const held = new Map(ids.map((id) => [id, kept.get(id)]));
      const missing = [...held.keys()].filter((id) => held.get(id) === undefined);
      const before = generation;
      const read = missing.length === 0 ? [] : await store.getWebhooks(missing);
      for (const webhook of read) {
        if (webhook === undefined) continue;
        held.set(webhook.id, webhook);
        if (generation === before) kept.set(webhook.id, webhook);
      }
      return ids.map((id) => held.get(id));
    },
    advance(id, cursor) {
      const webhook = kept.get(id);
      if (webhook !== undefined) kept.set(id, { ...webhook, cursor });
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

function sizeOf({ effective: spec }: Webhook): number {
  let bytes = WEBHOOK_BYTES + (spec.filter?.length ?? 0);
  for (const type of spec.eventTypes) bytes += type.length;
  for (const name in spec.payload?.headerTemplates) bytes += spec.payload.headerTemplates[name]!.length;
  return bytes + bodySize(spec.payload?.body);
}

function bodySize(body: NonNullable<Webhook['effective']['payload']>['body']): number {
  switch (body?.kind) {
    case undefined:
      return 0;
    case 'template':
      return body.source.length;
    case 'text':
      return body.text.length;
    case 'data':
      return body.data.length;
    default:
      return body satisfies never;
  }
}
