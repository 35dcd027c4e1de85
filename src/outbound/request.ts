import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { type EventBody, presentedId } from '../domain/event/event.ts';
import type { Presented } from '../domain/event/present.ts';
import { compatibilitySignature } from '../domain/webhook/compatibility.ts';
import type { AskedConsent } from '../domain/webhook/consent.ts';
import { type Credentials, credentialHeaders } from '../domain/webhook/credentials.ts';
import type { DestinationTls } from '../domain/webhook/destination-tls.ts';
import { type Grant, grantOf } from '../domain/webhook/grant.ts';
import { isSecretHeader, MASK } from '../domain/webhook/secret-headers.ts';
import { keysAt, type SigningKeys, sign, signWithPrivateKey } from '../domain/webhook/signature.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';

/** One POST, ready to be sent. */
export interface OutgoingRequest {
  /** `POST` when undefined. */
  readonly method?: 'OPTIONS';
  /** As its owner wrote it. */
  readonly destination: string;
  /** Names, in lower case, and values in turn. */
  readonly headers: string[];
  /** The same with `***` for values that are secret, to be written down; undefined when none is. */
  readonly recordedHeaders?: readonly string[];
  /** Those values. */
  readonly secrets?: readonly string[];
  /** What a token is to be got with, if the header `authorization` is to have one: `***` stands in its place. */
  readonly grant?: Grant;
  readonly body: Uint8Array;
  /** How TLS is spoken with the destination; undefined where it is as with others. */
  readonly tls?: DestinationTls;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
}

export interface RequestParts {
  readonly webhook: Pick<Webhook, 'id' | 'effective'>;
  readonly delivery: Pick<WaitingDelivery, 'id' | 'replayOf'>;
  readonly event: Pick<EventBody, 'id' | 'callerId' | 'nominalAt'>;
  /** The body, its type, and the headers that the event and its delivery bring. */
  readonly presented: Presented;
  /** 1 for the first. */
  readonly attemptNumber: number;
  /** What is sent to be let in. */
  readonly credentials: Credentials;
  readonly tls?: DestinationTls;
  readonly keys: SigningKeys;
  /** The time of this attempt. */
  readonly now: number;
  /** `Carillon/<version>`. */
  readonly userAgent: string;
}

/**
 * The POST for one attempt. Its id and body are the delivery's own and the same in every attempt; the
 * timestamp, and so the signature, are those of the attempt (Standard Webhooks 1.0.0, "Webhook
 * headers"), or a retry after minutes would be refused as a replay.
 */
export function buildRequest(parts: RequestParts): OutgoingRequest {
  const { webhook, delivery, event, presented, attemptNumber, keys, now, userAgent } = parts;
  const { body } = presented;
  const timestamp = Math.floor(now / 1000);
  const headers = [
    'webhook-id',
    delivery.id,
    'webhook-timestamp',
    String(timestamp),
    'webhook-signature',
    signatures(keys, { id: delivery.id, now, timestamp, body }),
    'content-type',
    presented.contentType,
    'user-agent',
    userAgent,
    // The answer goes into a log, to be read.
    'accept-encoding',
    'identity',
    'carillon-attempt',
    String(attemptNumber),
    'carillon-event-id',
    presentedId(event),
  ];
  const { consent } = webhook.effective;
  // "The sender MUST use the WebHook-Request-Origin request header for each delivery request" (4.1.2).
  if (consent !== undefined) headers.push('webhook-request-origin', consent.origin);
  const { compatibility } = keys;
  if (compatibility !== undefined)
    headers.push(compatibility.header, compatibilitySignature(compatibility, timestamp, body));
  if (delivery.replayOf !== undefined) headers.push('carillon-replay-of', delivery.replayOf);
  if (event.nominalAt !== undefined) headers.push('carillon-scheduled-at', rfc3339(event.nominalAt));
  return { ...letIn(headers, parts, presented.headers), body };
}

/** What is asked of the destination before anything is sent to it. */
export function consentRequest(
  webhook: Pick<Webhook, 'id' | 'effective'>,
  consent: AskedConsent,
  { userAgent, ...parts }: Pick<RequestParts, 'credentials' | 'tls' | 'userAgent'>,
): OutgoingRequest {
  const headers = ['webhook-request-origin', consent.origin];
  if (consent.perMinute !== undefined) headers.push('webhook-request-rate', String(consent.perMinute));
  headers.push('user-agent', userAgent, 'accept-encoding', 'identity');
  // What stands in front of the destination is to let the question in as it does what follows.
  return { method: 'OPTIONS', ...letIn(headers, { ...parts, webhook }), body: NOTHING };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NOTHING = new Uint8Array(0);

/** A request with these headers, then those that let the webhook in, then those of its event, and then the webhook's own. */
function letIn(
  headers: string[],
  { webhook, credentials, tls }: Pick<RequestParts, 'webhook' | 'credentials' | 'tls'>,
  ofEvent: Readonly<Record<string, string>> = {},
): Omit<OutgoingRequest, 'method' | 'body'> {
  const { destination, timeoutMs, headers: own } = webhook.effective;
  const { auth } = credentials;
  const ours = headers.length;
  // Nobody who publishes events says as whom the webhook's owner calls.
  addHeaders(headers, credentialHeaders(credentials));
  const secret = headers.length;
  addHeaders(headers, ofEvent);
  addHeaders(headers, own);
  const kept = recorded(headers, ours, secret);
  // A password alone, which stands in the header in base64.
  if (auth !== undefined) kept?.secrets.push(auth.secret);
  const grant = auth?.kind === 'oauth2' ? grantOf(auth, webhook.id, destination, tls) : undefined;
  return { destination, headers, ...kept, ...(grant && { grant }), ...(tls && { tls }), timeoutMs };
}

interface Signed {
  readonly id: string;
  readonly now: number;
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/** One of each secret, newest first, and one of the namespace's key for who wants it. */
function signatures(keys: SigningKeys, { id, now, timestamp, body }: Signed): string {
  const symmetric = sign(keysAt(keys.secrets, now), id, timestamp, body);
  if (keys.asymmetric === undefined) return symmetric;
  return `${symmetric} ${signWithPrivateKey(keys.asymmetric, id, timestamp, body)}`;
}

/**
 * Adds headers whose names are not there yet. So our own win over those that were made for this event, and
 * these over the ones that the webhook has for all events. All names are in lower case.
 */
function addHeaders(headers: string[], added: Readonly<Record<string, string>>): void {
  for (const name in added) if (!hasHeader(headers, name)) headers.push(name, added[name]!);
}

interface Recorded {
  readonly recordedHeaders: string[];
  readonly secrets: string[];
}

/**
 * What is written down of headers, and the values that are left out there. All from `ours` to `secret` are secret;
 * those that follow are so by their names. Undefined when none is.
 */
function recorded(headers: readonly string[], ours: number, secret: number): Recorded | undefined {
  let kept: Recorded | undefined;
  for (let i = ours; i < headers.length; i += 2) {
    if (i >= secret && !isSecretHeader(headers[i]!)) continue;
    kept ??= { recordedHeaders: [...headers], secrets: [] };
    kept.recordedHeaders[i + 1] = MASK;
    kept.secrets.push(headers[i + 1]!);
  }
  return kept;
}

function hasHeader(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true;
  return false;
}

/** In UTC, with a fraction only where there is one. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
