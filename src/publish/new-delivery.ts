import type { OpenedEvent } from '../domain/event/data.ts';
import { RUN_EVENT_TYPE } from '../domain/event/event.ts';
import { renderForEvent, renderRunHeaders, type TemplatedWebhook } from '../domain/template/template.ts';
import { deliveryFormatOf } from '../domain/webhook/payload.ts';
import type { NewDelivery } from '../store/store.ts';

/** What of a log publishing writes to. */
export interface PublishLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The filters of events. They are loaded when the first is met, for they take their time, and most servers have none. */
export function loadFilters(): Promise<typeof import('../domain/filter/filter.ts')> {
  return import('../domain/filter/filter.ts');
}

/**
 * A delivery of an event to a webhook, as that is now. Raises INVALID when its templates cannot be
 * rendered. A run is sent as it is: it has its body already.
 */
export function deliveryTo(
  webhook: TemplatedWebhook,
  opened: OpenedEvent,
  { id, now }: { id: string; now: number },
): NewDelivery {
  const base = { id, webhookId: webhook.id };
  const { type, nominalAt } = opened.event;
  if (type === RUN_EVENT_TYPE) {
    const headers = renderRunHeaders({ webhook, now, ...(nominalAt !== undefined && { nominalAt }) });
    return { ...base, format: 'BODY', ...(Object.keys(headers).length > 0 && { rendered: { headers } }) };
  }
  const rendered = renderForEvent(webhook, opened, now);
  const format = deliveryFormatOf(webhook.effective.payload);
  return { ...base, format, ...(rendered !== undefined && { rendered }) };
}

/** What a delivery's rendering takes of memory. */
export function renderedBytes({ rendered }: NewDelivery): number {
  return rendered?.body?.length ?? 0;
}
