import { DomainError } from '../domain/error.ts';
import type { SealKeys } from '../domain/seal.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Store } from '../store/store.ts';
import type { Resealing } from './resealing.ts';

/** A store in which only the newest key seals, and marks, whenever what is written or read was sealed. */
export interface SealingStore {
  readonly store: Store;
  /** Resolves when all that was on its way when this was called has been written, or was refused. */
  quiet(): Promise<void>;
}

/**
 * What is written of a webhook was often read before, and goes back as it was: then it would undo what sealing anew has
 * done meanwhile. So it is sealed anew on the way, for as long as there are several keys. So is what callers read: it is
 * compared with what they ask for, and the marks of one secret by two keys differ.
 */
export function createSealingStore(store: Store, keys: SealKeys, resealing: Resealing): SealingStore {
  /** As many as the store takes at once. */
  const writing = new Set<Promise<unknown>>();

  function noted<T>(write: Promise<T>): Promise<T> {
    const settled = write.catch(() => {}).finally(() => writing.delete(settled));
    writing.add(settled);
    return write;
  }

  function fresh(webhook: Webhook): Webhook {
    if (keys.all.length === 1) return webhook;
    try {
      return resealing.webhook(webhook);
    } catch (error) {
      // What cannot be opened stays as it is: it is not for this call to say so.
      if (!(error instanceof DomainError)) throw error;
      return webhook;
    }
  }

  return {
    store: {
      ...store,
      resolveWebhooks: async (names) =>
        (await store.resolveWebhooks(names)).map((each) => each && fresh(each)),
      async scanWebhooks(query) {
        const part = await store.scanWebhooks(query);
        return { ...part, rows: part.rows.map(fresh) };
      },
      async findWebhook(key) {
        const found = await store.findWebhook(key);
        return found && fresh(found);
      },
      createWebhooks: (batch) => noted(store.createWebhooks(batch.map(fresh))),
      updateWebhooks: (batch) =>
        noted(store.updateWebhooks(batch.map((each) => ({ ...each, webhook: fresh(each.webhook) })))),
      // These are sealed in the same turn in which they are written.
      keepNamespaceKeys: (batch) => noted(store.keepNamespaceKeys(batch)),
      answerRequests: (batch) => noted(store.answerRequests(batch)),
    },
    quiet: async () => void (await Promise.all(writing)),
  };
}
