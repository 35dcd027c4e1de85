import { DomainError } from '../domain/error.ts';
import { type Standby, standbyText } from '../domain/standby.ts';
import type { ServicesHealth } from '../rpc/services.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/** Whether this server may send what is in its store. */
export interface ServerStandby {
  isOn(): boolean;
  /** Another, on the same store, may have ended it: looks while it is on. */
  tick(): Promise<void>;
  idleMs(): number;
  /** It has ended. Tolerates being called twice. */
  end(): void;
  /** Has this called once it has ended. */
  onEnd(listener: () => void): void;
  /** Lets health say so, from now on. */
  showIn(health: Pick<ServicesHealth, 'standBy'>): void;
  /** What rings webhooks, so that it does nothing meanwhile. */
  heeding(part: Part): Part;
}

export interface Part {
  tick(): Promise<unknown>;
  idleMs(): number;
}

export interface StandbyDeps {
  readonly store: Pick<Store, 'getStandby' | 'takeOver'>;
  /** Whether it is to end now. */
  readonly takeOver: boolean;
  /** The database, for people. */
  readonly shown: string;
  readonly log: Log;
}

const LOOK_MS = 1_000;
/** Whoever waits is woken when it ends. */
const WAIT_MS = 60_000;

/** Raises FAILED_PRECONDITION for a store that an import has begun to fill. */
export async function openStandby({ store, takeOver, shown, log }: StandbyDeps): Promise<ServerStandby> {
  const before = takeOver ? await store.takeOver() : undefined;
  if (before !== undefined)
    log.warn({ ...before }, `this server takes over: ${shown} ${standbyText(before)}`);
  let standby = await store.getStandby();
  if (standby?.reason === 'IMPORTING') throw unfinished(shown, standby);
  const listeners: (() => void)[] = [];
  let health: Pick<ServicesHealth, 'standBy'> | undefined;
  if (standby !== undefined) {
    log.warn(
      { ...standby },
      `nothing is sent: ${shown} ${standbyText(standby)}, and the server that this was copied from may send the same; ` +
        'once that has stopped, run carillon resume --all, or start once with --take-over',
    );
  }

  function end(): void {
    if (standby === undefined) return;
    standby = undefined;
    health?.standBy(false);
    log.info({}, 'the standby has ended: what waits is sent');
    for (const listener of listeners) listener();
  }

  return {
    isOn: () => standby !== undefined,
    async tick() {
      if (standby !== undefined && (await store.getStandby()) === undefined) end();
    },
    idleMs: () => (standby === undefined ? WAIT_MS : LOOK_MS),
    end,
    onEnd: (listener) => void listeners.push(listener),
    showIn(shownIn) {
      health = shownIn;
      health.standBy(standby !== undefined);
    },
    heeding: ({ tick, idleMs }) => ({
      tick: async () => (standby === undefined ? tick() : undefined),
      idleMs: () => (standby === undefined ? idleMs() : WAIT_MS),
    }),
  };
}

function unfinished(shown: string, standby: Standby): DomainError {
  return new DomainError(
    'DATABASE_UNUSABLE',
    `${shown} ${standbyText(standby)} only, since its import was broken off; run carillon import once more with the ` +
      'same file, or give an empty database',
  );
}
