import type { DeliveryFormat } from '../event/event.ts';

/** What a run and an event send. */
export interface Payload {
  /** A template is for runs and events; text and data are for runs. Undefined: the greeting, and `eventFormat`. */
  readonly body?:
    | { readonly kind: 'template'; readonly source: string }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'data'; readonly data: Uint8Array };
  /** The media type of `body`. */
  readonly contentType: string;
  /** How an event is sent without a template. */
  readonly eventFormat: EventFormat;
  /** Values of extra request headers as templates, names in lower case. */
  readonly headerTemplates: Readonly<Record<string, string>>;
}

export type EventFormat = 'ENVELOPE' | 'RAW' | 'CLOUDEVENTS_BINARY' | 'CLOUDEVENTS_STRUCTURED';

/** The largest body of a payload, rendered or not. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** How an event is sent to a webhook with this payload. */
export function deliveryFormatOf(payload: Payload | undefined): DeliveryFormat {
  if (payload === undefined) return 'ENVELOPE';
  if (payload.body?.kind === 'template') return 'RENDERED';
  return payload.eventFormat === 'RAW' ? 'BODY' : payload.eventFormat;
}
