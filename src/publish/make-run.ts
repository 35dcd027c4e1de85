import { DomainError, madeOrError } from '../domain/error.ts';
import { type Event, type Rendered, RUN_EVENT_TYPE } from '../domain/event/event.ts';
import { newId, runEventId } from '../domain/id.ts';
import type { Random } from '../domain/random.ts';
import { renderRun } from '../domain/template/template.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { NewDelivery } from '../store/store.ts';

/** A run of a schedule as an event, with its one delivery. */
export interface Run {
  readonly event: Event;
  readonly delivery: NewDelivery;
  /** Why its body could not be made. */
  readonly fault?: DomainError;
}

export interface RunInput {
  readonly webhook: Webhook;
  /** The nominal time; undefined for a trigger, which belongs to no schedule. */
  readonly nominalAt?: number;
  readonly now: number;
  readonly random: Random;
}

/**
 * Makes a run. Its body is rendered here, once, so that a retry repeats the same bytes. Where that fails the run
 * has none, and its delivery is to be rendered when it has its turn.
 */
export function makeRun({ webhook, nominalAt, now, random }: RunInput): Run {
  const scheduled = nominalAt === undefined ? {} : { nominalAt };
  const made = madeOrError(() => renderRun({ webhook, now, ...scheduled }));
  const fault = made instanceof DomainError ? made : undefined;
  const { body, contentType, headers } = made instanceof DomainError ? NOTHING : made;
  const kept = Object.keys(headers).length > 0 ? { rendered: { headers } } : {};
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
      ...(fault === undefined ? { format: 'BODY', ...kept } : { format: 'RENDERED', toRender: true }),
    },
    ...(fault !== undefined && { fault }),
  };
}

const NOTHING: Required<Rendered> = { body: new Uint8Array(), contentType: '', headers: {} };
