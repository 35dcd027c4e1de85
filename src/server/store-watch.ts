import { DomainError } from '../domain/error.ts';
import type { ServicesHealth } from '../rpc/services.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/** How often the store is looked at: about as long as health may say what is no longer true. */
const LOOK_MS = 1_000;

/** How long the store may take to say how it is. Calls take milliseconds; a disk or a network that hangs never ends. */
const ANSWER_MS = 10_000;
const SILENCE = 'the database does not answer';

export interface StoreWatchDeps {
  readonly store: Pick<Store, 'checkUp'>;
  readonly health: Pick<ServicesHealth, 'serve' | 'pause'>;
  readonly log: Log;
  /** How long the store may take to answer, if not `ANSWER_MS`. */
  readonly answerMs?: number;
}

/** Lets health say whether the store can keep what it is given. It says so from the first tick on. */
export function createStoreWatch({ store, health, log, answerMs = ANSWER_MS }: StoreWatchDeps) {
  let told: string | undefined;
  let isServing: boolean | undefined;
  /** The question that is not answered yet: there is one at a time, however long it takes. */
  let asked: Promise<string | undefined> | undefined;

  async function ask(): Promise<string | undefined> {
    try {
      return await store.checkUp();
    } catch (error) {
      // A store that is busy has not said anything new.
      if (error instanceof DomainError && error.code === 'EXHAUSTED') return told;
      throw error;
    }
  }

  async function look(): Promise<string | undefined> {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    const silent = Promise.withResolvers<string>();
    // What is known already needs no patience, and a stop waits for this.
    const patienceMs = told === SILENCE ? Math.min(LOOK_MS, answerMs) : answerMs;
    const timer = setTimeout(() => silent.resolve(SILENCE), patienceMs);
    try {
      return await Promise.race([asked, silent.promise]);
    } finally {
      clearTimeout(timer);
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
