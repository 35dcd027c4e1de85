import type { LaneHealth } from '../delivery/lane.ts';
import type { RetryPolicy } from '../delivery/retry-policy.ts';
import type { RunCursor, Schedule } from '../schedule/schedule.ts';
import type { Payload } from './payload.ts';

/** The tenant of everything that names none. */
export const DEFAULT_NAMESPACE = 'default';

/** What a caller asks for when registering. */
export interface WebhookSpec {
  readonly name: string;
  /** As the caller wrote it; it is compared by its characters. */
  readonly destination: string;
  /** When it rings by itself; undefined for one that only events ring. */
  readonly schedule?: Schedule;
  /** Types, beginnings (`order.*`) or `*`; none for one that only its schedule rings. */
  readonly eventTypes: readonly string[];
  /** A CEL expression that an event must fulfil. */
  readonly filter?: string;
  /** What a run and an event send; the greeting and the envelope when undefined. */
  readonly payload?: Payload;
  /** Extra request headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The time an attempt may take, from connecting to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly retryPolicy: RetryPolicy;
  readonly limits: Limits;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a destination can bear. */
export interface Limits {
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** How fast requests may start; as fast as concurrency allows when undefined. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  /** First in, first out by arrival, one at a time, a retry holding back what came after it. */
  readonly ordered: boolean;
}

export type WebhookState = 'ACTIVE' | 'PAUSED' | 'DISABLED';

/** Why a webhook is DISABLED. */
export type DisabledReason = 'GONE' | 'FAILING';

/** A registration, as the store keeps it. */
export interface Webhook {
  readonly id: string;
  readonly namespace: string;
  readonly spec: WebhookSpec;
  /** Signing secrets, sealed (see `secret.ts`), newest first. */
  readonly sealedSecrets: readonly Uint8Array[];
  readonly state: WebhookState;
  readonly stateReason?: DisabledReason;
  readonly cursor: RunCursor;
  readonly health: LaneHealth;
  /** How many events its filter failed on. */
  readonly filterFailures: number;
  readonly createdAt: number;
  /** When a caller, or Carillon by disabling it, changed it last. */
  readonly updatedAt: number;
  /** Grows with each such change: the etag. Runs and breaker changes leave it alone. */
  readonly version: number;
}
