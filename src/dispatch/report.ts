import type { Attempt } from '../domain/delivery/attempt.ts';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import type { Verdict } from '../domain/delivery/settle.ts';
import { type EventBody, publicId } from '../domain/event/event.ts';
import { toRfc3339 } from '../domain/rfc3339.ts';
import { withoutQuery } from '../domain/webhook/destination.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Log } from '../telemetry/log.ts';
import type { Unsent } from './news.ts';

export interface AttemptReport {
  readonly webhook: Webhook;
  readonly event: EventBody;
  readonly delivery: WaitingDelivery;
  readonly attempt: Attempt;
  readonly verdict: Verdict;
}

/** Logs one wide line for each attempt: everything about it but the bodies and headers. */
export function logAttempt(log: Log, report: AttemptReport): void {
  const { webhook, event, delivery, attempt, verdict } = report;
  const { outcome, number } = attempt;
  const { transition } = verdict;
  const destination = withoutQuery(webhook.spec.destination);
  const fault = outcome.kind === 'failed' ? outcome : outcome.bodyFault;
  const fields = {
    namespace: webhook.namespace,
    webhookId: webhook.id,
    webhookName: webhook.spec.name,
    destination,
    deliveryId: delivery.id,
    eventId: publicId(event),
    eventType: event.type,
    attempt: number,
    durationMs: Math.round(outcome.durationMs),
    state: transition.to,
    ...('reason' in transition && { reason: transition.reason }),
    ...(transition.to === 'PENDING' && { retryAt: toRfc3339(transition.dueAt) }),
    ...(outcome.kind === 'answered' && { status: outcome.status }),
    ...(fault !== undefined && { errorClass: fault.errorClass }),
  };
  // These are the words of the article that Carillon began from; people search their logs for them.
  const result =
    outcome.kind === 'answered' ? `response code: ${outcome.status}` : `no response: ${outcome.message}`;
  const body = outcome.kind === 'answered' && fault !== undefined ? ` (its body: ${fault.message})` : '';
  const message = `Webhook to '${destination}' dispatched, ${result}${body}`;
  if (verdict.success) log.info(fields, message);
  else log.warn(fields, message);
}

/** Logs one line for a delivery that is FAILED without an attempt. */
export function logUnsent(log: Log, { webhook, event, delivery, transition }: Unsent): void {
  const { name } = webhook.spec;
  const destination = withoutQuery(webhook.spec.destination);
  const { reason, message } = transition;
  const fields = {
    namespace: webhook.namespace,
    webhookId: webhook.id,
    webhookName: name,
    destination,
    deliveryId: delivery.id,
    eventId: event.publicId,
    eventType: event.type,
    state: transition.to,
    reason,
  };
  log.error(fields, `delivery not sent: ${message ?? reason}`);
}
