import type { KeyObject } from 'node:crypto';
import type { WaitingDelivery } from '../domain/delivery.ts';
import type { EventBody } from '../domain/event.ts';
import { sign } from '../domain/signature.ts';
import type { Webhook } from '../domain/webhook.ts';

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
  readonly webhook: Pick<Webhook, 'spec'>;
  readonly delivery: Pick<WaitingDelivery, 'id'>;
  readonly event: EventBody;
  /** 1 for the first. */
  readonly attemptNumber: number;
  /** The webhook's signing keys, newest first. */
  readonly keys: readonly KeyObject[];
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
  const { webhook, delivery, event, attemptNumber, keys, now, userAgent } = parts;
  const { destination, timeoutMs, headers: extra } = webhook.spec;
  const timestamp = Math.floor(now / 1000);
  const headers = [
    'webhook-id',
    delivery.id,
    'webhook-timestamp',
    String(timestamp),
    'webhook-signature',
    sign(keys, delivery.id, timestamp, event.body),
    'content-type',
    event.contentType,
    'user-agent',
    userAgent,
    'carillon-attempt',
    String(attemptNumber),
  ];
  if (event.nominalAt !== undefined) headers.push('carillon-scheduled-at', rfc3339(event.nominalAt));
  // Registration refused every name above, so none of them can be replaced or doubled here.
  for (const name in extra) headers.push(name, extra[name]!);
  return { destination, headers, body: event.body, timeoutMs };
}

/** In UTC, with a fraction only where there is one. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
