import type { FailedReason } from '../delivery/delivery.ts';
import { RESERVED_TYPE_PREFIX, RUN_EVENT_TYPE } from '../event/event.ts';
import type { DisabledReason } from './webhook.ts';

/**
 * What Carillon has to say about its own work. Each is published as an event of the webhook's namespace,
 * in the reserved type space, so that anyone can subscribe a webhook to it.
 */
export type OperationalEvent =
  | WebhookDisabled
  | WebhookRecovered
  | ConsentGranted
  | ConsentRefused
  | DeliveryFailed;

/** Nothing more is sent to the webhook until somebody resumes it. */
export interface WebhookDisabled extends About {
  readonly type: 'carillon.webhook.disabled';
  readonly reason: DisabledReason;
}

/** The first success after a trouble worth mentioning (`isRecovery`). */
export interface WebhookRecovered extends About {
  readonly type: 'carillon.webhook.recovered';
  /** The first failure since the success before; undefined when it is not known any more. */
  readonly failingSince?: number;
}

/** A delivery is FAILED: nothing more is sent of it unless somebody asks. */
export interface DeliveryFailed extends About {
  readonly type: 'carillon.delivery.failed';
  readonly reason: FailedReason;
  /** What kept it from being sent, where no attempt shows it. */
  readonly message?: string;
}

/** The destination has said that it wants to be sent to. */
export interface ConsentGranted extends AboutWebhook {
  readonly type: 'carillon.webhook.consent_granted';
  /** Requests a minute. */
  readonly allowedPerMinute?: number;
}

/** It has answered without saying so, for the first time since it is asked. */
export interface ConsentRefused extends AboutWebhook {
  readonly type: 'carillon.webhook.consent_refused';
  readonly reason: string;
}

interface About extends AboutWebhook {
  /** The delivery whose attempt showed it. */
  readonly delivery: OperationalDelivery;
}

interface AboutWebhook {
  readonly namespace: string;
  /** When it was found out. */
  readonly time: number;
  readonly webhook: {
    /** The id by which callers know it. */
    readonly id: string;
    readonly uid: string;
    readonly name: string;
    readonly destination: string;
  };
}

export interface OperationalDelivery {
  readonly id: string;
  /** As readers see it. */
  readonly eventId: string;
  readonly eventType: string;
  readonly attemptCount: number;
  /** The status code of the answer; undefined when there was none. */
  readonly lastStatus?: number;
}

/**
 * Whether events of this type cause no operational events: they are such events themselves, and would
 * never end. Runs are in the reserved space too, but one that fails is news.
 */
export function isOperational(type: string): boolean {
  return type.startsWith(RESERVED_TYPE_PREFIX) && type !== RUN_EVENT_TYPE;
}

/** The data of the event that is published, to be written as JSON. */
export function operationalData(event: OperationalEvent): Record<string, unknown> {
  const { time, webhook } = event;
  return {
    webhook,
    ...detailOf(event),
    ...('delivery' in event && { delivery: deliveryData(event.delivery) }),
    time: new Date(time).toISOString(),
  };
}

function deliveryData(delivery: OperationalDelivery): Record<string, unknown> {
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    attempt_count: delivery.attemptCount,
    last_status: delivery.lastStatus ?? null,
  };
}

function detailOf(event: OperationalEvent): Record<string, unknown> {
  switch (event.type) {
    case 'carillon.webhook.disabled':
      return { reason: event.reason };
    case 'carillon.delivery.failed':
      return { reason: event.reason, ...(event.message !== undefined && { message: event.message }) };
    case 'carillon.webhook.recovered': {
      const { failingSince } = event;
      return { failing_since: failingSince === undefined ? null : new Date(failingSince).toISOString() };
    }
    case 'carillon.webhook.consent_granted':
      return { allowed_rate: event.allowedPerMinute ?? null };
    case 'carillon.webhook.consent_refused':
      return { reason: event.reason };
    default:
      return event satisfies never;
  }
}
