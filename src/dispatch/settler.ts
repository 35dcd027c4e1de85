import type { Clock } from '../domain/clock.ts';
import { createTrouble, troubleFields } from '../domain/trouble.ts';
import type { LaneChange, Settlement, Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * Writes what became of deliveries, many at a time: a commit costs about half a millisecond of disk,
 * whether it holds one settlement or a hundred.
 */
export interface Settler {
  /**
   * Takes a settlement; `done` is called once it is on disk. An `urgent` one is written at once, together
   * with what waits: its lane cannot go on without it.
   */
  settle(settlement: Settlement, done: () => void, options?: { urgent: boolean }): void;
  /** Takes a change of a lane's health, to be written with the next settlements. */
  change(change: LaneChange): void;
  /** How many settlements wait to be written. */
  readonly backlog: number;
  /** Resolves when everything taken so far is on disk; rejects when the store refuses it. */
  flush(): Promise<void>;
  /** Writes nothing more: this node was buried, and others have what it had. */
  abandon(): void;
}

export interface SettlerDeps {
  readonly store: Pick<Store, 'settle'>;
  /** By whom the deliveries were sent. */
  readonly node: string;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Log;
}

/** How long a settlement waits for others to be written with it. */
const LINGER_MS = 20;
/** Settlements in one transaction. */
const BATCH_MAX = 500;
/** How long to wait before a refused write is tried again: what was delivered must not be forgotten. */
const RETRY_MS = 500;

export function createSettler({ store, node, clock, log }: SettlerDeps): Settler {
  const trouble = createTrouble(clock);
  let settlements: Settlement[] = [];
  let done: (() => void)[] = [];
  let changes = new Map<string, LaneChange>();
  let timer: NodeJS.Timeout | undefined;
  /** The write under way: one at a time, so that what happened first is written first. */
  let writing: Promise<void> | undefined;
  /** Whether the last write was refused. */
  let refused = false;
  /** Whether any of what waits to be written is urgent. */
  let hurried = false;

  let isAbandoned = false;

  function abandon(): void {
    isAbandoned = true;
    clearTimeout(timer);
    settlements = [];
    done = [];
    changes.clear();
  }

  function arm(): void {
    if (timer !== undefined || isAbandoned) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        write().catch(arm);
      },
      refused ? RETRY_MS : LINGER_MS,
    );
  }

  function write(): Promise<void> {
    if (writing !== undefined) return writing.then(write);
    if (settlements.length === 0 && changes.size === 0) return Promise.resolve();
    const batch = settlements.splice(0, BATCH_MAX);
    const callbacks = done.splice(0, BATCH_MAX);
    const lanes = changes;
    changes = new Map();
    hurried = false;
    writing = store.settle(batch, [...lanes.values()], node).then(
      (results) => {
        writing = undefined;
        if (results.includes('DEAD')) abandon();
        if (isAbandoned) return;
        refused = false;
        const over = trouble.isOver();
        if (over !== undefined) log.info(troubleFields(over), 'settlements can be written again');
        for (const callback of callbacks) callback();
        if (settlements.length >= BATCH_MAX || hurried) write().catch(arm);
        else if (settlements.length > 0) arm();
      },
      (error: unknown) => {
        writing = undefined;
        if (isAbandoned) return;
        refused = true;
        settlements = [...batch, ...settlements];
        done = [...callbacks, ...done];
        for (const [id, change] of lanes) changes.set(id, merge(change, changes.get(id)));
        const reason = (error as Error).message;
        const told = trouble.failed(reason);
        if (told !== undefined) {
          const fields = { reason, backlog: settlements.length, ...troubleFields(told) };
          log.error(fields, 'settlements could not be written');
        }
        throw error;
      },
    );
    return writing;
  }

  return {
    get backlog() {
      return settlements.length;
    },
    settle(settlement, callback, { urgent } = { urgent: false }) {
      if (isAbandoned) return;
      settlements.push(settlement);
      done.push(callback);
      hurried ||= urgent;
      if (settlements.length < BATCH_MAX && !hurried) arm();
      else if (writing === undefined && !refused) write().catch(arm);
    },
    change(change) {
      if (isAbandoned) return;
      changes.set(change.webhookId, merge(changes.get(change.webhookId), change));
      arm();
    },
    abandon,
    async flush() {
      while (settlements.length > 0 || changes.size > 0 || writing !== undefined) await write();
    },
  };
}

/** The later change wins, but a reason to disable the webhook is never lost: it holds for the version of then. */
function merge(earlier: LaneChange | undefined, later: LaneChange | undefined): LaneChange {
  if (earlier === undefined || later === undefined) return (later ?? earlier)!;
  if (later.disable !== undefined || earlier.disable === undefined) return later;
  return { ...later, disable: earlier.disable, version: earlier.version };
}
