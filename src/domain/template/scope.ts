import type { OpenedEvent } from '../event/data.ts';
import { presentedId } from '../event/event.ts';
import { toRfc3339 } from '../rfc3339.ts';
import { type Webhook, webhookIdOf } from '../webhook/webhook.ts';

/** The variables of templates, which docs/payloads.md lists. */

/** What templates need of a webhook. */
export type TemplatedWebhook = Pick<Webhook, 'id' | 'callerId' | 'namespace' | 'effective'>;

/** What a run is about. */
export interface RunContext {
  readonly webhook: TemplatedWebhook;
  /** The nominal time; undefined for a trigger. */
  readonly nominalAt?: number;
  readonly now: number;
}

export function runScope({ webhook, nominalAt, now }: RunContext) {
  return {
    ...webhookScope(webhook),
    now: toRfc3339(now),
    run: {
      scheduled_at: nominalAt === undefined ? null : toRfc3339(nominalAt),
      manual: nominalAt === undefined,
    },
    event: null,
  };
}

export function eventScope(webhook: TemplatedWebhook, opened: OpenedEvent, now: number): object {
  const { event } = opened;
  return {
    ...webhookScope(webhook),
    now: toRfc3339(now),
    run: null,
    event: {
      id: presentedId(event),
      type: event.type,
      source: event.source ?? '',
      subject: event.subject ?? '',
      time: toRfc3339(event.time),
      extensions: event.extensions ?? {},
      data: templateData(opened),
    },
  };
}

/** The scope of an event of which nothing is known. */
export function sampleScope({ webhook, now }: RunContext) {
  const event = { id: '', type: '', source: '', subject: '', time: toRfc3339(0), extensions: {}, data: {} };
  return { ...webhookScope(webhook), now: toRfc3339(now), run: null, event };
}

/** What is the webhook's own. */
export function webhookScope(webhook: TemplatedWebhook): object {
  const { namespace, effective } = webhook;
  const { name, destination, labels } = effective;
  return { webhook: { id: webhookIdOf(webhook), namespace, name, destination, labels } };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function templateData(opened: OpenedEvent): unknown {
  const data = opened.data();
  switch (data.kind) {
    case 'none':
      return null;
    case 'json':
      return data.value;
    case 'text':
      return data.text;
    case 'bytes':
      return Buffer.from(data.bytes).toString('base64');
    default:
      return data satisfies never;
  }
}
