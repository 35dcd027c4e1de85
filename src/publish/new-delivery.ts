import { DomainError, madeOrError } from '../domain/error.ts';
import type { OpenedEvent } from '../domain/event/data.ts';
import type { TemplatedWebhook } from '../domain/template/scope.ts';
import { makeDelivery } from '../domain/template/template.ts';
import { deliveryFormatOf } from '../domain/webhook/payload.ts';
import type { NewDelivery } from '../store/store.ts';

/** What of a log publishing writes to. */
export interface PublishLog {
  warn(fields: object, message: string): void;
}

/** The filters of events. They are loaded when the first is met, for they take their time, and most servers have none. */
export function loadFilters(): Promise<typeof import('../domain/filter/filter.ts')> {
  return import('../domain/filter/filter.ts');
}

/**
 * A delivery of an event to a webhook, as that is now. Where templates fail on the event it is to be rendered
 * when it has its turn: it fails then, for whoever looks, unless the templates were mended meanwhile.
 */
export function deliveryTo(
  webhook: TemplatedWebhook,
  opened: OpenedEvent,
  { id, now }: { id: string; now: number },
): NewDelivery {
  const base = { id, webhookId: webhook.id };
  const made = madeOrError(() => makeDelivery(webhook, opened, now));
  if (!(made instanceof DomainError)) return { ...base, ...made };
  return { ...base, format: deliveryFormatOf(webhook.effective.payload), toRender: true };
}

/** What a delivery's rendering takes of memory. */
export function renderedBytes({ rendered }: NewDelivery): number {
  return rendered?.body?.length ?? 0;
}
