import type { Control } from '../control/control.ts';
import type { Door } from '../domain/access/door.ts';
import type { ProxyPolicy } from '../domain/access/source.ts';
import type { Clock } from '../domain/clock.ts';
import type { Random } from '../domain/random.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { Replayer } from '../publish/replayer.ts';
import type { Log } from '../telemetry/log.ts';
import type { InflowLimits } from './inflow-limits.ts';
import type { OutboxLimits } from './outbox-limits.ts';
import type { Rules } from './proto-rules.ts';
import type { StreamLimits } from './stream-limits.ts';

/** What the API works with. */
export interface ApiDeps {
  readonly control: Control;
  /** Who may come in. */
  readonly door: Door;
  /** Fans events out to the webhooks that asked for them. */
  readonly publisher: Publisher;
  /** Sends events again that were published before. */
  readonly replayer: Replayer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: ApiSettings;
}

/** What handlers work with that check the rules of their requests themselves, to report them with their own. */
export interface HandlerDeps extends Pick<ApiDeps, 'control'> {
  readonly rules: Rules;
}

/** What the server says of itself beside its health, in headers of the answer. */
export interface About {
  readonly version?: string;
  /** Which release of the time zone database schedules go by, such as `2026c`. */
  readonly timeZoneRules?: string | undefined;
}

export interface ApiSettings extends Partial<ProxyPolicy> {
  readonly about?: About;
  /** The names by which the API may be called, besides addresses and `localhost`: see `HostPolicy`. */
  readonly allowedHosts: readonly string[];
  /** The origins whose pages may call the API from a browser: see `OriginPolicy`. */
  readonly corsOrigins: readonly string[];
  /** The largest request message, and the largest body. */
  readonly messageBytesMax: number;
  /** How long a caller may take no message of a stream, if not `STALL_MS`; then it is cut off. */
  readonly stallMs?: number;
  /** Bounds of answers that nobody reads, other than `OUTBOX_LIMITS`. */
  readonly outbox?: Partial<OutboxLimits>;
  /** Bounds of requests in work, other than `INFLOW_LIMITS`. */
  readonly inflow?: Partial<InflowLimits>;
  /** Bounds of PublishStream other than `STREAM_LIMITS`. */
  readonly publishStream?: Partial<StreamLimits>;
}
