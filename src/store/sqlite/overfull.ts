import type { Counters } from './counters.ts';
import type { Hook } from './hooks.ts';
import type { Tenants } from './tenants.ts';

/**
 * Lanes and namespaces in which more waits than is allowed, as far as anybody noticed: whoever asks looks at the counts
 * again. It needs no taking back where a transaction is.
 */
export interface Overfull {
  /** Webhooks, by id. */
  readonly lanes: Set<string>;
  readonly namespaces: Set<string>;
  /** Looks at a webhook for which something more waits, or which allows less. */
  readonly look: (webhookId: string, hook: Hook) => void;
}

export function createOverfull(waiting: Counters, tenants: Pick<Tenants, 'of'>): Overfull {
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
