import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type {
  WatchDeliveriesRequest,
  WatchDeliveriesResponseSchema,
} from '../../../gen/carillon/v1/delivery_pb.ts';
import type { DeliveryChange } from '../../domain/delivery/delivery.ts';
import { DomainError } from '../../domain/error.ts';
import { attemptTo, deliveryTo } from '../convert/delivery.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { note } from '../transport/call.ts';
import { readDeliveryFilter, satisfies } from './list-filter.ts';
import { readResumeToken, writeResumeToken } from './watch-token.ts';

export interface WatchDeps {
  readonly store: Pick<ApiDeps['store'], 'changesSince' | 'onChanges'>;
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
  /** After so long without a message, one that carries a token alone is sent. */
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

type Message = MessageInitShape<typeof WatchDeliveriesResponseSchema>;

/**
 * DeliveryService.WatchDeliveries. Nothing is buffered for a watcher but the page it is at: it reads the
 * store's log of changes at its caller's pace, and one that falls behind what is kept there ends with
 * OUT_OF_RANGE.
 */
export function createWatch({ store, shutdown, limits: given }: WatchDeps) {
  const limits = { ...WATCH_LIMITS, ...given };
  /** By call. A call that is cut off may never return to its generator, so it is let go by its signal too. */
  const watchers = new Set<HandlerContext>();

  return async function* watch(
    request: WatchDeliveriesRequest,
    context: HandlerContext,
  ): AsyncIterable<Message> {
    if (watchers.size >= limits.watchersMax) {
      throw new DomainError('EXHAUSTED', `${limits.watchersMax} callers watch already; try again later`);
    }
    watchers.add(context);
    const leave = () => void watchers.delete(context);
    context.signal.addEventListener('abort', leave);
    try {
      yield* follow(request, context);
    } finally {
      context.signal.removeEventListener('abort', leave);
      leave();
    }
  };

  async function* follow(request: WatchDeliveriesRequest, context: HandlerContext): AsyncIterable<Message> {
    const namespace = theNamespace(request.namespace);
    note(context, { namespace });
    const filter = readDeliveryFilter(request.filter);
    const resumeAt = request.resumeToken === '' ? undefined : readResumeToken(namespace, request.resumeToken);
    const ended = AbortSignal.any([context.signal, shutdown]);
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
    const said = <T>(message: T): T => {
      quiet = false;
      heart.refresh();
      return message;
    };

    try {
      let place = await begin(namespace, resumeAt);
      let pollMs = limits.pollMinMs;
      // At once, so that the caller knows that it watches, and has a token whatever happens.
      yield said({ resumeToken: writeResumeToken(namespace, place) });
      for (;;) {
        if (ended.aborted) throw endOf(context.signal);
        const { changes, next } = await read(namespace, place);
        for (const change of changes) {
          if (filter !== undefined && satisfies(change.delivery, filter)) yield said(messageOf(change));
        }
        const moved = next !== place;
        place = next;
        if (quiet) yield said({ resumeToken: writeResumeToken(namespace, place) });
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

  /** Where to begin: after the token, or at the present end. */
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

function messageOf({ seq, delivery, attempt }: DeliveryChange): Message {
  return {
    delivery: deliveryTo(delivery),
    ...(attempt && { attempt: attemptTo(attempt) }),
    resumeToken: writeResumeToken(delivery.namespace, seq),
  };
}

function gap(): ConnectError {
  return new ConnectError(
    'what happened after this resume_token is no longer kept, or was never known here; list what was missed ' +
      'with ListDeliveries, and watch again without a resume_token',
    Code.OutOfRange,
  );
}

function endOf(caller: AbortSignal): ConnectError {
  if (!caller.aborted) {
    return new ConnectError(
      'the server is stopping; watch again from the last resume_token',
      Code.Unavailable,
    );
  }
  return caller.reason instanceof ConnectError
    ? caller.reason
    : new ConnectError('the caller went away', Code.Canceled);
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
