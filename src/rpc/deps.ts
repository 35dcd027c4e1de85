import type { Clock } from '../domain/clock.ts';
import type { Random } from '../domain/random.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { Replayer } from '../publish/replayer.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import type { StreamLimits, WatchLimits } from './stream-limits.ts';

/** What the API works with. */
export interface ApiDeps {
  readonly store: Pick<
    Store,
    | 'createWebhooks'
    | 'updateWebhooks'
    | 'getWebhooks'
    | 'findWebhook'
    | 'listWebhooks'
    | 'removeWebhooks'
    | 'listDeliveries'
    | 'getDelivery'
    | 'changesSince'
    | 'onChanges'
    | 'retryDeliveries'
    | 'cancelDeliveries'
    | 'getEvents'
    | 'listEvents'
    | 'purgeEvents'
  >;
  readonly clock: Clock;
  readonly random: Random;
  /** Seals signing secrets; `SEALING_KEY_BYTES` long. */
  readonly sealKey: Uint8Array;
  /** Rings an ACTIVE webhook once, now, and returns the id of the delivery. */
  readonly trigger: (webhook: Webhook) => Promise<string>;
  /** Fans events out to the webhooks that asked for them. */
  readonly publisher: Publisher;
  /** Sends events again that were published before. */
  readonly replayer: Replayer;
  readonly settings: ApiSettings;
  readonly log: Log;
}

export interface ApiSettings {
  /** The shortest period of a schedule. */
  readonly everyMinMs: number;
  /** The period of a webhook that names no schedule. */
  readonly defaultEveryMs: number;
  /** Where destinations may point. */
  readonly addressPolicy: AddressPolicy;
  /** The names by which the API may be called, besides addresses and `localhost`: see `HostPolicy`. */
  readonly allowedHosts: readonly string[];
  /** The origins whose pages may call the API from a browser: see `OriginPolicy`. */
  readonly corsOrigins: readonly string[];
  /** The largest request message, and the largest body. */
  readonly messageBytesMax: number;
  /** How long a caller may take no message of a stream, if not `STALL_MS`; then it is cut off. */
  readonly stallMs?: number;
  /** Bounds of WatchDeliveries other than `WATCH_LIMITS`. */
  readonly watch?: Partial<WatchLimits>;
  /** Bounds of PublishStream other than `STREAM_LIMITS`. */
  readonly publishStream?: Partial<StreamLimits>;
}
