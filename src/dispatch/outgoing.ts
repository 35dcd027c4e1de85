import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import { openEvent } from '../domain/event/data.ts';
import type { Rendered } from '../domain/event/event.ts';
import { requestHeadFault } from '../domain/event/header-rules.ts';
import { headerTemplatesOf } from '../domain/template/header-templates.ts';
import { renderEventHeaders, renderOwnHeaders } from '../domain/template/template.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { buildRequest, type OutgoingRequest } from '../outbound/request.ts';
import type { Bodies, HeldEvent } from './bodies.ts';
import type { Flight } from './lane.ts';

/**
 * The request of a delivery's next attempt: what was made of the event, once, and what is the webhook's own, as
 * the webhook is now. Raises INVALID when it cannot be made.
 */
export type MakeRequest = (flight: Flight, held: HeldEvent, rendered?: Rendered) => OutgoingRequest;

export interface OutgoingDeps {
  readonly bodies: Pick<Bodies, 'present'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly userAgent: string;
}

type Headers = Readonly<Record<string, string>>;

export function createMakeRequest({ bodies, clock, userAgent }: OutgoingDeps): MakeRequest {
  /** By the webhook as it was read, which is read anew when it changes. */
  const ownHeaders = new WeakMap<Webhook, Headers>();

  function ownHeadersOf(webhook: Webhook): Headers {
    const known = ownHeaders.get(webhook);
    if (known !== undefined) return known;
    const headers = renderOwnHeaders(webhook);
    ownHeaders.set(webhook, headers);
    return headers;
  }

  /** What was made of the event, and by templates that are newer than that or the webhook's own. */
  function withHeadersNow(webhook: Webhook, held: HeldEvent, rendered?: Rendered): Rendered | undefined {
    const { own, ofEvent } = headerTemplatesOf(webhook.effective.payload);
    const lacks = ofEvent.some(([name]) => !Object.hasOwn(rendered?.headers ?? {}, name));
    if (own.length === 0 && !lacks) return rendered;
    const { event } = held;
    const late = lacks ? renderEventHeaders(webhook, openEvent(event), event.createdAt) : {};
    return { ...rendered, headers: { ...late, ...rendered?.headers, ...ownHeadersOf(webhook) } };
  }

  return ({ target, delivery }, held, rendered) => {
    const { webhook, credentials, tls, keys } = target;
    const presented = bodies.present(held, delivery.format, withHeadersNow(webhook, held, rendered));
    const request = buildRequest({
      webhook,
      delivery,
      event: held.event,
      presented,
      attemptNumber: delivery.attempts + 1,
      credentials,
      ...(tls !== undefined && { tls }),
      keys,
      now: clock.now(),
      userAgent,
    });
    const fault = requestHeadFault(request);
    if (fault !== undefined) throw new DomainError('TEMPLATE_FAILED', fault);
    return request;
  };
}
