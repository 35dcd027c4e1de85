import { type Event, RUN_EVENT_TYPE } from '../domain/event/event.ts';
import { newId, runEventId } from '../domain/id.ts';
import type { Random } from '../domain/random.ts';
import { renderRun } from '../domain/template/template.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { NewDelivery } from '../store/store.ts';

/** A run of a schedule as an event, with its one delivery. */
export interface Run {
  readonly event: Event;
  readonly delivery: NewDelivery;
}

export interface RunInput {
  readonly webhook: Webhook;
  /** The nominal time; undefined for a trigger, which belongs to no schedule. */
  readonly nominalAt?: number;
  readonly now: number;
  readonly random: Random;
}

/** Makes a run. Its body is rendered here, once, so that a retry repeats the same bytes. Raises what `renderRun` raises. */
export function makeRun(input: RunInput): Run {
  const { webhook, nominalAt, now, random } = input;
  const scheduled = nominalAt === undefined ? {} : { nominalAt };
  const { body, contentType, headers } = renderRun({ webhook, now, ...scheduled });
  return {
    event: {
      id: nominalAt === undefined ? newId('event', now, random) : runEventId(webhook.id, nominalAt),
      namespace: webhook.namespace,
      type: RUN_EVENT_TYPE,
      time: now,
      contentType,
      body,
      headers: {},
      createdAt: now,
      ...scheduled,
    },
    delivery: {
      id: newId('delivery', now, random),
      webhookId: webhook.id,
      format: 'BODY',
      ...(Object.keys(headers).length > 0 && { rendered: { headers } }),
    },
  };
}
