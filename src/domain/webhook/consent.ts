import { isOurs, type Outcome } from '../delivery/attempt.ts';
import { backedOff } from '../delivery/lane.ts';
import { retryAfterMs } from '../delivery/retry-after.ts';
import { quote } from '../text.ts';

/**
 * Whether a destination wants to be sent to: the validation handshake of CloudEvents, "HTTP 1.1 Web Hooks for Event
 * Delivery" 1.0.2, section 4.
 */
export interface AskedConsent {
  /** The DNS name of the sending system. */
  readonly origin: string;
  /** Requests a minute that are asked for. */
  readonly perMinute?: number;
}

/** What a destination has said. */
export interface Consent {
  readonly state: 'PENDING' | 'GRANTED' | 'REFUSED';
  /** What it answered, or what kept it from answering. */
  readonly reason?: string;
  /** Requests a minute that it allows; as many as one likes when undefined. */
  readonly allowedPerMinute?: number;
  readonly askedAt?: number;
  /** When it is asked, again if it was; null when it consents. */
  readonly dueAt: number | null;
  /** How often in a row it was asked in vain. */
  readonly tries: number;
  /** The webhook's version with which all this began. */
  readonly since: number;
}

/** How long after the first question in vain the next is; it doubles each time. */
const ASK_AGAIN_MS = 5_000;
const ASK_AGAIN_MAX_MS = 60 * 60_000;
const REASON_LENGTH = 48;

/** What stands before the first question. */
export function unasked(now: number, since: number): Consent {
  return { state: 'PENDING', dueAt: now, tries: 0, since };
}

/** What a destination's answer says. */
export type ConsentAnswer =
  | { readonly says: 'YES'; readonly allowedPerMinute?: number }
  | { readonly says: 'NO' | 'NOTHING'; readonly reason: string };

/** Reads an answer: only one that says the origin, or `*`, and how often it may be sent to, is a consent (section 4.2). */
export function judgeConsent({ origin, perMinute }: AskedConsent, outcome: Outcome): ConsentAnswer {
  if (outcome.kind === 'failed') return { says: 'NOTHING', reason: outcome.message };
  const { status, headers } = outcome;
  const said = headers['webhook-allowed-origin']?.trim();
  if (said === undefined) return no(`it answered ${status} without WebHook-Allowed-Origin`);
  if (status < 200 || status > 299) return no(`it answered ${status}, which is no consent`);
  // Names of DNS are the same in any case (RFC 4343).
  if (said !== '*' && said.toLowerCase() !== origin.toLowerCase()) {
    return no(`its WebHook-Allowed-Origin is ${quote(said, REASON_LENGTH)}, and neither ${origin} nor *`);
  }
  const rate = headers['webhook-allowed-rate']?.trim();
  if (rate === '*') return { says: 'YES' };
  if (rate === undefined)
    return { says: 'YES', ...(perMinute !== undefined && { allowedPerMinute: perMinute }) };
  if (!/^0*[1-9]\d{0,8}$/.test(rate)) {
    return no(
      `its WebHook-Allowed-Rate is ${quote(rate, REASON_LENGTH)}, and neither a number of requests a minute nor *`,
    );
  }
  return { says: 'YES', allowedPerMinute: Number(rate) };
}

/** What stands after an answer. `unit` is in [0, 1). */
export function afterAnswer(
  before: Consent,
  answer: ConsentAnswer,
  { outcome, now, unit }: { readonly outcome: Outcome; readonly now: number; readonly unit: number },
): Consent {
  const { since, tries } = before;
  const { startedAt: askedAt } = outcome;
  if (answer.says === 'YES') {
    const { allowedPerMinute } = answer;
    const bound = allowedPerMinute === undefined ? {} : { allowedPerMinute };
    return { state: 'GRANTED', ...bound, askedAt, dueAt: null, tries: 0, since };
  }
  const asked = outcome.kind === 'answered' ? retryAfterMs(outcome.headers['retry-after'], now) : 0;
  const waitMs = Math.max(backedOff(ASK_AGAIN_MS, ASK_AGAIN_MAX_MS, tries, unit), asked);
  // Whoever has refused, and cannot be reached later, has refused all the same.
  const state = answer.says === 'NO' ? 'REFUSED' : before.state;
  // Trouble of our own says nothing about it.
  const more = isOurs(outcome) ? 0 : 1;
  return { state, reason: answer.reason, askedAt, dueAt: now + waitMs, tries: tries + more, since };
}

/** Whether a webhook may be sent to, as far as its destination has a say in that. */
export function isConsented({ effective, consent }: Consenting): boolean {
  return effective.consent === undefined || consent?.state === 'GRANTED';
}

/** What keeps a webhook from being sent to, for as long as it is to; undefined where its destination does not. */
export function withheld(
  webhook: Consenting,
): { readonly reason: 'NO_CONSENT'; readonly until: number } | undefined {
  const dueAt = webhook.consent?.dueAt;
  if (isConsented(webhook) || dueAt === undefined || dueAt === null) return undefined;
  return { reason: 'NO_CONSENT', until: dueAt };
}

/** A webhook, of which this is all that matters here. */
interface Consenting {
  readonly effective: { readonly consent?: AskedConsent };
  readonly consent?: Consent;
}

/** Tokens a second and the most that can be saved up, so that no minute has more requests than the destination allows. */
export function rateWithin<R extends { readonly perSecond: number; readonly burst: number }>(
  rate: R | undefined,
  allowedPerMinute: number | undefined,
): R | { readonly perSecond: number; readonly burst: number } | undefined {
  if (allowedPerMinute === undefined) return rate;
  const perSecond = allowedPerMinute / 60;
  if (rate === undefined || rate.perSecond >= perSecond) return { perSecond, burst: 1 };
  // What is saved up comes on top of what is added in a minute.
  const burst = Math.max(1, Math.min(rate.burst, Math.floor(allowedPerMinute - 60 * rate.perSecond)));
  return { perSecond: rate.perSecond, burst };
}

function no(reason: string): ConsentAnswer {
  return { says: 'NO', reason };
}
