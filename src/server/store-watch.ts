import { DomainError } from '../domain/error.ts';
import type { ServicesHealth } from '../rpc/services.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/** How often the store is looked at: about as long as health may say what is no longer true. */
const LOOK_MS = 1_000;

export interface StoreWatchDeps {
  readonly store: Pick<Store, 'checkUp'>;
  readonly health: Pick<ServicesHealth, 'serve' | 'pause'>;
  readonly log: Log;
}

/** Lets health say whether the store can keep what it is given. It says so from the first tick on. */
export function createStoreWatch({ store, health, log }: StoreWatchDeps) {
  let told: string | undefined;
  let isServing: boolean | undefined;

  async function look(): Promise<string | undefined> {
    try {
      return await store.checkUp();
    } catch (error) {
      // A store that is busy has not said anything new.
      if (error instanceof DomainError && error.code === 'EXHAUSTED') return told;
      throw error;
    }
  }

  return {
    async tick(): Promise<void> {
      const trouble = await look();
      if (trouble === undefined) {
        if (isServing !== true) health.serve();
        if (told !== undefined) log.info({}, 'the database can keep what it is given again');
      } else {
        if (isServing !== false) health.pause();
        if (trouble !== told) log.error({ reason: trouble }, 'nothing new is accepted');
      }
      isServing = trouble === undefined;
      told = trouble;
    },
    idleMs: () => LOOK_MS,
  };
}
