import type { OverflowPolicy } from '../delivery/overflow.ts';
import type { RetryPolicy } from '../delivery/retry-policy.ts';
import type { Exceptions, InZone, Schedule, When } from '../schedule/schedule.ts';
import type { MarkedAuth } from './auth.ts';
import type { AskedCompatibility } from './compatibility.ts';
import type { AskedConsent } from './consent.ts';
import type { Payload } from './payload.ts';
import type { SecretMark } from './secret-mark.ts';
import type { AskedTls } from './tls.ts';

/**
 * A webhook as a caller asks for it. A name and a destination are enough; for the rest `withDefaults` says
 * what applies where nothing is given.
 */
export interface AskedSpec {
  readonly name: string;
  readonly destination: string;
  readonly schedule?: AskedSchedule;
  readonly eventTypes?: readonly string[];
  readonly filter?: string;
  readonly payload?: AskedPayload;
  /** Extra request headers, their names as the caller writes them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is known of headers whose values are secret, by their names in lower case. The values are sealed. */
  readonly secretHeaders?: Readonly<Record<string, SecretMark>>;
  /** How it is let in, with what is known of its secret. */
  readonly auth?: MarkedAuth;
  /** How TLS is spoken with it. */
  readonly tls?: AskedTls;
  /** What it is asked before anything is sent to it. */
  readonly consent?: AskedConsent;
  readonly timeoutMs?: number;
  readonly retryPolicy?: Partial<RetryPolicy>;
  readonly limits?: AskedLimits;
  readonly labels?: Readonly<Record<string, string>>;
  readonly asymmetric?: boolean;
  /** Without its secret, which is the webhook's. */
  readonly compatibility?: AskedCompatibility;
}

export interface AskedSchedule extends Partial<Omit<Schedule, 'when' | 'exceptions'>> {
  readonly when: AskedWhen;
  readonly exceptions?: Partial<Exceptions>;
}

/** What is read in a zone may leave the zone out, and what happens where its clocks change. */
export type AskedWhen = ZoneOptional<When>;

type ZoneOptional<W> = W extends InZone ? Omit<W, keyof InZone> & Partial<InZone> : W;

export type AskedPayload = Partial<Payload>;

export interface AskedLimits {
  readonly concurrency?: number;
  readonly rate?: { readonly perSecond: number; readonly burst?: number };
  readonly ordered?: boolean;
  readonly waitingMax?: number;
  readonly overflow?: OverflowPolicy;
}
