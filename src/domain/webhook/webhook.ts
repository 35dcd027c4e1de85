import type { LaneHealth } from '../delivery/lane.ts';
import type { OverflowPolicy } from '../delivery/overflow.ts';
import type { RetryPolicy } from '../delivery/retry-policy.ts';
import { isOwnForm } from '../id.ts';
import type { RunCursor, Schedule } from '../schedule/schedule.ts';
import type { AskedSpec } from './asked.ts';
import type { Compatibility } from './compatibility.ts';
import type { AskedConsent, Consent } from './consent.ts';
import type { Payload } from './payload.ts';
import type { SigningSecret } from './rotation.ts';
import type { AskedTls } from './tls.ts';

/** The tenant of everything that names none. */
export const DEFAULT_NAMESPACE = 'default';

/** What applies to a webhook: what its caller asked for, and defaults where nothing was said. */
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
  /** Whether requests are signed with the key of the namespace too. */
  readonly asymmetric: boolean;
  /** How requests are signed beside that, as another sender did. */
  readonly compatibility?: Compatibility;
  /** How TLS is spoken with the destination, where not as with others. */
  readonly tls?: AskedTls;
  /** What the destination is asked before anything is sent to it. */
  readonly consent?: AskedConsent;
}

/** What a destination can bear. */
export interface Limits {
  /** Requests in flight at once. */
  readonly concurrency: number;
  /** How fast requests may start; as fast as concurrency allows when undefined. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  /** One at a time, by when each first became due; a retry holds back what comes after it (`delivery/order.ts`). */
  readonly ordered: boolean;
  /** How many deliveries may wait. */
  readonly waitingMax: number;
  /** Which are given up beyond that, or where the namespace is full of them. */
  readonly overflow: OverflowPolicy;
}

export type WebhookState = 'ACTIVE' | 'PAUSED' | 'DISABLED';

/** Why a webhook is DISABLED. */
export type DisabledReason = 'GONE' | 'FAILING';

/** A registration, as the store keeps it. */
export interface Webhook {
  /** Made here and never used again: what rows, lanes, runs and seals are keyed by. Callers know it as the uid. */
  readonly id: string;
  /** The id that its caller gave it, within its namespace. */
  readonly callerId?: string;
  readonly namespace: string;
  /** What its caller asked for, as it was given: the one that is stored. */
  readonly spec: AskedSpec;
  /** What applies: `withDefaults` of it, with the defaults of today. */
  readonly effective: WebhookSpec;
  /** Newest first. Those that have ended stay until they are swept; `liveSecrets` leaves them out. */
  readonly secrets: readonly SigningSecret[];
  /** That of the compatibility signature, sealed; there is one where there is such a signature. */
  readonly compatibilitySecret?: Uint8Array;
  /** Its credentials, sealed (see `credentials.ts`); undefined when it has none. */
  readonly sealedCredentials?: Uint8Array;
  readonly state: WebhookState;
  readonly stateReason?: DisabledReason;
  /** It does not ring, since its namespace is suspended. Known to those who ring it, and not written with it. */
  readonly suspended?: true;
  readonly cursor: RunCursor;
  readonly health: LaneHealth;
  /** The version with which its health began anew, when it was resumed or pointed elsewhere; 0 before. */
  readonly healthVersion: number;
  /** What its destination has said; there is something where it is asked. */
  readonly consent?: Consent;
  /** How many events its filter failed on. */
  readonly filterFailures: number;
  readonly createdAt: number;
  /** When a caller, or Carillon by disabling it, changed it last. */
  readonly updatedAt: number;
  /** Grows with each such change: the etag. Runs and breaker changes leave it alone. */
  readonly version: number;
}

/** The id by which callers know a webhook. */
export function webhookIdOf({ id, callerId }: Pick<Webhook, 'id' | 'callerId'>): string {
  return callerId ?? id;
}

/** An id that a caller can give to a webhook (AIP-133): it is a label of DNS (RFC 1035), so it fits anywhere. */
const CALLER_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What is wrong with an id that a caller wants for a new webhook; undefined when nothing is. */
export function callerIdFault(id: string): string | undefined {
  if (isOwnForm(id)) {
    return 'has the form of an id made by Carillon, and there is no such webhook: give one of your own, or none';
  }
  if (CALLER_ID.test(id)) return undefined;
  return 'must be 1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last';
}
