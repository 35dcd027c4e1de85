import { type Webhook as WebhookMessage, WebhookView } from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Control } from '../../control/control.ts';
import type { Webhook } from '../../domain/webhook/webhook.ts';
import { basicTo, webhookInFullTo } from '../convert/webhook.ts';

/** Webhooks as a view shows them (AIP-157). */
export async function viewOf(
  { webhooks }: Pick<Control, 'webhooks'>,
  view: WebhookView,
  rows: readonly Webhook[],
): Promise<WebhookMessage[]> {
  if (view !== WebhookView.FULL) return rows.map(basicTo);
  const traffic = await webhooks.traffic(rows);
  return rows.map((row, i) => webhookInFullTo(row, traffic[i] ?? null));
}
