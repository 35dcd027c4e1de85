import type { Attempt } from '../domain/delivery/attempt.ts';
import type { Transition, WaitingDelivery } from '../domain/delivery/delivery.ts';
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

/** A delivery that is FAILED without an attempt. */
export interface Unsent extends Pick<Ending, 'webhook' | 'delivery' | 'now'> {
  /** Its event's type, and its id as readers see it. */
  readonly event: { readonly type: string; readonly publicId: string };
  readonly transition: Extract<Transition, { to: 'FAILED' }>;
}

/** The operational event that one gives rise to, if its own event is none. */
export function newsOfUnsent({
  webhook,
  event,
  delivery,
  transition,
  now,
}: Unsent): readonly OperationalEvent[] {
  if (isOperational(event.type)) return NONE;
  const about = aboutOf({ webhook, event, delivery, now }, delivery.attempts);
  const { reason, message } = transition;
  return [{ type: 'carillon.delivery.failed', ...about, reason, ...(message !== undefined && { message }) }];
}

/** The operational events that an attempt gives rise to: mostly none. */
export function newsOf(ending: Ending): readonly OperationalEvent[] {
  const { event, attempt, verdict, health, disabled, now } = ending;
  const { transition, success } = verdict;
  const recovered = success && isRecovery(health, now);
  if (transition.to !== 'FAILED' && disabled === undefined && !recovered) return NONE;
  if (isOperational(event.type)) return NONE;
  const { outcome, number } = attempt;
  const about = aboutOf(
    { ...ending, event: { type: event.type, publicId: publicId(event) } },
    number,
    outcome.kind === 'answered' ? outcome.status : undefined,
  );
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

function aboutOf(
  { webhook, event, delivery, now }: Omit<Unsent, 'transition'>,
  attemptCount: number,
  lastStatus?: number,
) {
  const { namespace, spec } = webhook;
  const about: OperationalDelivery = {
    id: delivery.id,
    eventId: event.publicId,
    eventType: event.type,
    attemptCount,
    ...(lastStatus !== undefined && { lastStatus }),
  };
  return {
    namespace,
    time: now,
    webhook: { id: webhookIdOf(webhook), uid: webhook.id, name: spec.name, destination: spec.destination },
    delivery: about,
  };
}
