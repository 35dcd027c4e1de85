import type { Attempt } from '../domain/delivery/attempt.ts';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { isRecovery, type LaneHealth } from '../domain/delivery/lane.ts';
import type { Verdict } from '../domain/delivery/settle.ts';
import { type EventBody, publicId } from '../domain/event/event.ts';
import {
  isOperational,
  type OperationalDelivery,
  type OperationalEvent,
} from '../domain/webhook/operational.ts';
import type { DisabledReason, Webhook } from '../domain/webhook/webhook.ts';
import { webhookIdOf } from '../domain/webhook/webhook.ts';

/** An attempt, and what it means. */
export interface Ending {
  readonly webhook: Webhook;
  readonly event: EventBody;
  readonly delivery: WaitingDelivery;
  readonly attempt: Attempt;
  readonly verdict: Verdict;
  /** The lane's health before the attempt. */
  readonly health: LaneHealth;
  /** Why the webhook is disabled because of this attempt; undefined when it is not. */
  readonly disabled: DisabledReason | undefined;
  readonly now: number;
}

const NONE: readonly OperationalEvent[] = [];

/** The operational events that an attempt gives rise to: mostly none. */
export function newsOf(ending: Ending): readonly OperationalEvent[] {
  const { event, verdict, health, disabled, now } = ending;
  const { transition, success } = verdict;
  const recovered = success && isRecovery(health, now);
  if (transition.to !== 'FAILED' && disabled === undefined && !recovered) return NONE;
  if (isOperational(event.type)) return NONE;
  const about = aboutOf(ending);
  const news: OperationalEvent[] = [];
  if (transition.to === 'FAILED')
    news.push({ type: 'carillon.delivery.failed', ...about, reason: transition.reason });
  if (disabled !== undefined) news.push({ type: 'carillon.webhook.disabled', ...about, reason: disabled });
  if (recovered) {
    const { failingSince } = health;
    news.push({
      type: 'carillon.webhook.recovered',
      ...about,
      ...(failingSince !== null && { failingSince }),
    });
  }
  return news;
}

function aboutOf({ webhook, event, delivery, attempt, now }: Ending) {
  const { namespace, spec } = webhook;
  const { outcome } = attempt;
  const about: OperationalDelivery = {
    id: delivery.id,
    eventId: publicId(event),
    eventType: event.type,
    attemptCount: attempt.number,
    ...(outcome.kind === 'answered' && { lastStatus: outcome.status }),
  };
  return {
    namespace,
    time: now,
    webhook: { id: webhookIdOf(webhook), uid: webhook.id, name: spec.name, destination: spec.destination },
    delivery: about,
  };
}
