import { REQUEST_BOUNDS, type RequestBounds } from '../../domain/claim.ts';
import { WAITING_BOUNDS, type WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { DEFAULT_EVERY_MS, type DefaultSettings } from '../../domain/webhook/defaults.ts';
import { FEED_BOUNDS, type FeedBounds } from '../calls/feed.ts';

/**
 * What can be set about a store on SQLite. Everything has a default fit for a server; the defaults of the
 * bounds on what waits are in `WAITING_BOUNDS`, and those on what is remembered of calls in `REQUEST_BOUNDS`.
 */
export interface SqliteOptions
  extends Partial<WaitingBounds>,
    Partial<RequestBounds>,
    Partial<FeedBounds>,
    Partial<DefaultSettings> {
  /**
   * How long a write waits for others to share its commit with, in milliseconds, while the database's
   * thread is idle but others wrote a moment ago. More makes a busy server cheaper and a lone caller slower. Default 2.
   */
  readonly lingerMs?: number;
  /** Calls that may be unanswered at a time; beyond, they are refused with EXHAUSTED. Default 10,000. */
  readonly callsMax?: number;
  /** Bytes of payload that may be unanswered at a time; beyond, calls are refused. Default 64 MiB. */
  readonly callBytesMax?: number;
  /**
   * Called once if the database's thread ends by itself. Everything outstanding has been rejected by
   * then, and every later call will be: the process should stop and be started again.
   */
  readonly onFatal?: (error: Error) => void;
  /** Whether a database is meant that is older than the one that was there last, or new. Default false. */
  readonly restored?: boolean;
  /** Whether a database that is not up to date is refused. Default false. */
  readonly noMigrate?: boolean;
  /** Called with a sentence for the log about what was found when it was opened. */
  readonly warn?: (sentence: string) => void;
}

/** The same with every default filled in. */
export type SqliteSettings = Required<SqliteOptions>;

const MIB = 1024 * 1024;

export function settings(options: SqliteOptions): SqliteSettings {
  return {
    defaultEveryMs: options.defaultEveryMs ?? DEFAULT_EVERY_MS,
    lingerMs: options.lingerMs ?? 2,
    callsMax: options.callsMax ?? 10_000,
    callBytesMax: options.callBytesMax ?? 64 * MIB,
    visibleRowsMax: options.visibleRowsMax ?? FEED_BOUNDS.visibleRowsMax,
    visibleBytesMax: options.visibleBytesMax ?? FEED_BOUNDS.visibleBytesMax,
    changedMax: options.changedMax ?? FEED_BOUNDS.changedMax,
    waitingMax: options.waitingMax ?? WAITING_BOUNDS.waitingMax,
    namespaceWaitingMax: options.namespaceWaitingMax ?? WAITING_BOUNDS.namespaceWaitingMax,
    requestsMax: options.requestsMax ?? REQUEST_BOUNDS.requestsMax,
    requestBytesMax: options.requestBytesMax ?? REQUEST_BOUNDS.requestBytesMax,
    onFatal: options.onFatal ?? (() => {}),
    restored: options.restored ?? false,
    noMigrate: options.noMigrate ?? false,
    warn: options.warn ?? (() => {}),
  };
}
