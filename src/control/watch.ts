import { checkIsThere } from '../domain/access/standing.ts';
import type { Delivery, DeliveryChange } from '../domain/delivery/delivery.ts';
import { DomainError } from '../domain/error.ts';
import type { Needs } from './deps.ts';

export interface WatchDeps extends Needs<'changesSince' | 'onChanges', 'namespaces'> {
  /** Ends every watch. */
  readonly shutdown: AbortSignal;
  readonly limits?: Partial<WatchLimits>;
}

export interface WatchLimits {
  /** Watch calls open at a time; further ones are refused. */
  readonly watchersMax: number;
  /** Changes that a watcher reads, and holds, at a time. */
  readonly pageMax: number;
  /** The least time between two reads of a watcher that has seen everything, so that many of them cost deliveries little. */
  readonly restMs: number;
  /** How soon a watcher looks without having been told of anything; twice as late each time, up to the most. */
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  /** After so long without a word, the place alone is told. */
  readonly heartbeatMs: number;
}

const WATCH_LIMITS: WatchLimits = {
  watchersMax: 100,
  pageMax: 32,
  restMs: 100,
  pollMinMs: 500,
  pollMaxMs: 5_000,
  heartbeatMs: 15_000,
};

/** What a caller wants to see. */
export interface WatchOrder {
  readonly namespace: string;
  readonly wants: (delivery: Delivery) => boolean;
  /** The place in the log of changes after which to begin; the present end when undefined. */
  readonly resumeAt?: number;
}

/** A change, or nothing new; and the place after which a watch can go on. */
export interface Watched {
  readonly change?: DeliveryChange;
  readonly place: number;
}

/**
 * Follows what happens to deliveries, from now on or from a place where an earlier watch was. The first
 * thing told is the place, at once. Nothing is buffered for a watcher but the page it is at: it reads the
 * store's log of changes at its caller's pace. Ends when `caller` is aborted. Raises EXHAUSTED when too many
 * watch, what `checkIsThere` raises once the namespace is deleted, OUT_OF_RANGE when the place is not kept any more
 * or was never known here, and UNAVAILABLE when the server stops.
 */
export function createWatch({ store, namespaces, shutdown, limits: given }: WatchDeps) {
  const limits = { ...WATCH_LIMITS, ...given };
  /** By call. A call that is cut off may never return to its generator, so it is let go by its signal too. */
  const watchers = new Set<object>();

  return async function* watch(order: WatchOrder, caller: AbortSignal): AsyncGenerator<Watched, void> {
    if (watchers.size >= limits.watchersMax) {
      const max = limits.watchersMax;
      throw new DomainError('TOO_MANY_STREAMS', `${max} callers watch already; try again later`, {
        metadata: { max },
      });
    }
    const watcher = {};
    watchers.add(watcher);
    const leave = () => void watchers.delete(watcher);
    caller.addEventListener('abort', leave);
    try {
      yield* follow(order, caller);
    } finally {
      caller.removeEventListener('abort', leave);
      leave();
    }
  };

  async function* follow(
    { namespace, wants, resumeAt }: WatchOrder,
    caller: AbortSignal,
  ): AsyncGenerator<Watched, void> {
    const ended = AbortSignal.any([caller, shutdown]);
    const [news, end] = [createBell(), createBell()];
    const ringBoth = () => {
      news.ring();
      end.ring();
    };
    let quiet = false;
    const heart = setInterval(() => {
      quiet = true;
      news.ring();
    }, limits.heartbeatMs);
    heart.unref();
    const forgetHint = store.onChanges(news.ring);
    ended.addEventListener('abort', ringBoth);
    const said = (watched: Watched): Watched => {
      quiet = false;
      heart.refresh();
      return watched;
    };

    try {
      let place = await begin(namespace, resumeAt);
      let pollMs = limits.pollMinMs;
      yield said({ place });
      for (;;) {
        if (caller.aborted) return;
        if (shutdown.aborted) throw stopping();
        const [found] = await namespaces.load([namespace]);
        checkIsThere(namespace, found);
        const { changes, next } = await read(namespace, place);
        for (const change of changes) {
          if (wants(change.delivery)) yield said({ change, place: change.seq });
        }
        const moved = next !== place;
        place = next;
        if (quiet) yield said({ place });
        if (changes.length >= limits.pageMax) continue;
        pollMs = moved ? limits.pollMinMs : Math.min(pollMs * 2, limits.pollMaxMs);
        await end.sleep(limits.restMs);
        if (!ended.aborted) await news.sleep(pollMs);
      }
    } finally {
      clearInterval(heart);
      forgetHint();
      ended.removeEventListener('abort', ringBoth);
    }
  }

  /** Where to begin: after the place, or at the present end. */
  async function begin(namespace: string, resumeAt: number | undefined): Promise<number> {
    const present = await store.changesSince({ namespace, limit: 1 });
    if (present === 'GAP') throw gap();
    // Ahead of the end is where another database had been, or this one before it was restored.
    if (resumeAt !== undefined && resumeAt > present.next) throw gap();
    return resumeAt ?? present.next;
  }

  async function read(namespace: string, after: number) {
    const page = await store.changesSince({ namespace, after, limit: limits.pageMax });
    if (page === 'GAP') throw gap();
    return page;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function gap(): DomainError {
  return new DomainError(
    'RESUME_TOKEN_EXPIRED',
    'what happened after this resume_token is no longer kept, or was never known here; list what was missed ' +
      'with ListDeliveries, and watch again without a resume_token',
  );
}

function stopping(): DomainError {
  return new DomainError('SERVER_STOPPING', 'the server is stopping; watch again from the last resume_token');
}

/** Ends a sleep early, the one under way or else the next. */
interface Bell {
  readonly ring: () => void;
  readonly sleep: (ms: number) => Promise<void>;
}

function createBell(): Bell {
  let rung = false;
  let wake = () => {};
  return {
    ring() {
      rung = true;
      wake();
    },
    async sleep(ms) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          timer.unref();
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      rung = false;
    },
  };
}
