import { REQUEST_BOUNDS, type RequestBounds } from '../../domain/claim.ts';
import { WAITING_BOUNDS, type WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { DEFAULT_EVERY_MS, type DefaultSettings } from '../../domain/webhook/defaults.ts';
import { FEED_BOUNDS, type FeedBounds } from '../calls/feed.ts';
import type { ClientBounds } from './client.ts';
import type { PgEnvironment } from './connection/parameters.ts';
import type { SharedSettings } from './shared-settings.ts';

/** What can be set about a store on PostgreSQL. Everything has a default fit for a server. */
export interface PostgresOptions
  extends Partial<WaitingBounds>,
    Partial<RequestBounds>,
    Partial<FeedBounds>,
    Partial<ClientBounds>,
    Partial<DefaultSettings> {
  /** How long an answer of the server may take, before the connection is taken for lost; else the URL says it. */
  readonly answerMs?: number;
  /** Variables that libpq heeds, for what the URL does not say. Default none. */
  readonly env?: PgEnvironment;
  /** A file that has nothing but the password. */
  readonly passwordFile?: string | undefined;
  /** Whether a schema that is not up to date is refused. Default false. */
  readonly noMigrate?: boolean;
  /** Settings by which all servers of the schema must agree. */
  readonly shared?: SharedSettings;
  /** Called with a sentence for the log about what was found when it was opened. */
  readonly warn?: (sentence: string) => void;
}

/** The same with every default filled in. */
export interface PostgresSettings extends Required<Omit<PostgresOptions, NotFilled>> {
  readonly passwordFile: string | undefined;
  readonly shared: SharedSettings | undefined;
}

type NotFilled = 'answerMs' | 'passwordFile' | 'shared';

const MIB = 1024 * 1024;

export function settings(options: PostgresOptions): PostgresSettings {
  return {
    defaultEveryMs: options.defaultEveryMs ?? DEFAULT_EVERY_MS,
    callsMax: options.callsMax ?? 10_000,
    callBytesMax: options.callBytesMax ?? 64 * MIB,
    patienceMs: options.patienceMs ?? 5_000,
    env: options.env ?? {},
    passwordFile: options.passwordFile,
    noMigrate: options.noMigrate ?? false,
    shared: options.shared,
    visibleRowsMax: options.visibleRowsMax ?? FEED_BOUNDS.visibleRowsMax,
    visibleBytesMax: options.visibleBytesMax ?? FEED_BOUNDS.visibleBytesMax,
    changedMax: options.changedMax ?? FEED_BOUNDS.changedMax,
    waitingMax: options.waitingMax ?? WAITING_BOUNDS.waitingMax,
    namespaceWaitingMax: options.namespaceWaitingMax ?? WAITING_BOUNDS.namespaceWaitingMax,
    requestsMax: options.requestsMax ?? REQUEST_BOUNDS.requestsMax,
    requestBytesMax: options.requestBytesMax ?? REQUEST_BOUNDS.requestBytesMax,
    warn: options.warn ?? (() => {}),
  };
}
