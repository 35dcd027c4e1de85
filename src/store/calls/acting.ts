import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditedCall } from '../../domain/access/audit.ts';
import type { Client } from './client.ts';
import type { Entered } from './entered.ts';
import { isChanging } from './made.ts';
import type { Verb } from './shapes.ts';

/** For whom work is done, while it is. */
export interface Acting {
  readonly by: AuditedCall;
  /** Tells of what was entered in the audit log. */
  readonly tell: (entered: readonly Entered[]) => void;
}

/** Knows for whom calls are made. Work goes through many hands, of which none need know for whom it is done. */
export interface Actors {
  /** For whom a call of a verb is made now; undefined where that is not to be known. */
  readonly of: (verb: Verb) => Acting | undefined;
  readonly onBehalf: Client['onBehalf'];
}

export function createActors(): Actors {
  const actors = new AsyncLocalStorage<Acting & { isOver: boolean }>();
  return {
    of(verb) {
      const acting = isChanging(verb) ? actors.getStore() : undefined;
      // What goes on in the background after the work, such as a loop that it woke, is not done for its caller.
      return acting?.isOver ? undefined : acting;
    },
    async onBehalf(by, work, entered) {
      const acting = {
        by,
        tell(all: readonly Entered[]) {
          for (const [namespace, changes] of all) entered(namespace ?? undefined, changes);
        },
        isOver: false,
      };
      try {
        return await actors.run(acting, work);
      } finally {
        acting.isOver = true;
      }
    },
  };
}
