import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { type EventBody, presentedId } from '../domain/event/event.ts';
import type { Presented } from '../domain/event/present.ts';
import { compatibilitySignature } from '../domain/webhook/compatibility.ts';
import { keysAt, type SigningKeys, sign, signWithPrivateKey } from '../domain/webhook/signature.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';

/** One POST, ready to be sent. */
export interface OutgoingRequest {
  /** As its owner wrote it. */
  readonly destination: string;
  /** Names, in lower case, and values in turn. */
  readonly headers: string[];
  readonly body: Uint8Array;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
}

export interface RequestParts {
  readonly webhook: Pick<Webhook, 'effective'>;
  readonly delivery: Pick<WaitingDelivery, 'id' | 'replayOf'>;
  readonly event: Pick<EventBody, 'id' | 'callerId' | 'nominalAt'>;
  /** The body, its type, and the headers that the event and its delivery bring. */
  readonly presented: Presented;
  /** 1 for the first. */
  readonly attemptNumber: number;
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
  const { destination, timeoutMs } = webhook.effective;
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
  const { compatibility } = keys;
  if (compatibility !== undefined)
    headers.push(compatibility.header, compatibilitySignature(compatibility, timestamp, body));
  if (delivery.replayOf !== undefined) headers.push('carillon-replay-of', delivery.replayOf);
  if (event.nominalAt !== undefined) headers.push('carillon-scheduled-at', rfc3339(event.nominalAt));
  addHeaders(headers, presented.headers);
  addHeaders(headers, webhook.effective.headers);
  return { destination, headers, body, timeoutMs };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

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

function hasHeader(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true;
  return false;
}

/** In UTC, with a fraction only where there is one. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
