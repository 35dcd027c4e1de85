import type { Quotas } from '../../domain/access/namespace.ts';
import type { BoundedLane } from '../../domain/delivery/waiting-bounds.ts';
import type { Counters } from './counters.ts';

/**
 * Lanes and namespaces in which more waits than is allowed, as far as anybody noticed: whoever asks looks at the counts
 * again. It needs no taking back where a transaction is.
 */
export interface Overfull {
  /** Webhooks, by id. */
  readonly lanes: Set<string>;
  readonly namespaces: Set<string>;
  /** Looks at a webhook for which something more waits, or which allows less. */
  readonly look: (webhookId: string, hook: BoundedLane) => void;
}

export function createOverfull(
  waiting: Counters,
  tenants: { readonly of: (name: string) => { readonly quotas: Quotas } },
): Overfull {
  const lanes = new Set<string>();
  const namespaces = new Set<string>();
  return {
    lanes,
    namespaces,
    look(webhookId, hook) {
      if (waiting.in(hook) > hook.waitingMax) lanes.add(webhookId);
      const { waitingMax } = tenants.of(hook.namespace).quotas;
      if (waiting.of(hook.namespace) > waitingMax) namespaces.add(hook.namespace);
    },
  };
}
