import { DomainError } from '../error.ts';
import { encodeText } from '../event/charset.ts';
import type { OpenedEvent } from '../event/data.ts';
import { type DeliveryFormat, isUnmade, type Rendered, RUN_EVENT_TYPE } from '../event/event.ts';
import { HEADERS_TOTAL_BYTES_MAX, headerValueFault } from '../event/header-rules.ts';
import { contentKind } from '../event/media-type.ts';
import { toRfc3339 } from '../rfc3339.ts';
import { BODY_BYTES_MAX, deliveryFormatOf, type Payload } from '../webhook/payload.ts';
import { type HeaderTemplates, headerTemplatesOf, rendersEvents } from './header-templates.ts';
import { renderLiquid } from './liquid.ts';
import { metered } from './liquid-meter.ts';
import { eventScope, type RunContext, runScope, type TemplatedWebhook, webhookScope } from './scope.ts';

/** What a run sends when its webhook says nothing else: the article's greeting. */
const GREETING_CONTENT_TYPE = 'text/plain; charset=utf-8';

const utf8 = new TextEncoder();

/** How a delivery is made of its event, and what templates made for it, if they make anything. */
export interface Made {
  readonly format: DeliveryFormat;
  readonly rendered?: Rendered;
}

/**
 * The bytes of a run's body, their media type, and the headers that are made of the run. Raises INVALID when a
 * template exceeds a limit, its result `BODY_BYTES_MAX`, a header's value is none, or a body is not the JSON
 * that it is said to be.
 */
export function renderRun(context: RunContext): Required<Rendered> {
  const { payload, name } = context.webhook.effective;
  if (payload === undefined) return { ...greeting(name, context.now), headers: NO_HEADERS };
  const given = runScope(context);
  return metered(() => {
    const headers = renderHeaders(headerTemplatesOf(payload).ofEvent, given);
    if (payload.body === undefined) return { ...greeting(name, context.now), headers };
    return {
      body: payloadBytes(payload.body, payload.contentType, given),
      contentType: payload.contentType,
      headers,
    };
  });
}

/**
 * What templates make of an event for one webhook: a body if its payload is a template, and the headers that
 * are made of the event. Undefined without such templates. Raises INVALID as `renderRun` does: a template that
 * was good when it was registered can fail on what an event holds.
 */
export function renderForEvent(
  webhook: TemplatedWebhook,
  opened: OpenedEvent,
  now: number,
): Rendered | undefined {
  const { payload } = webhook.effective;
  if (payload === undefined || !rendersEvents(payload)) return undefined;
  const given = eventScope(webhook, opened, now);
  return metered(() => {
    const headers = renderHeaders(headerTemplatesOf(payload).ofEvent, given);
    if (payload.body?.kind !== 'template') return { headers };
    return {
      body: payloadBytes(payload.body, payload.contentType, given),
      contentType: payload.contentType,
      headers,
    };
  });
}

/**
 * How an event is delivered to a webhook, as that is now. A run is sent as it is, for it has its body already,
 * unless that could not be made. Raises INVALID as `renderRun` does.
 */
export function makeDelivery(webhook: TemplatedWebhook, opened: OpenedEvent, now: number): Made {
  const { event } = opened;
  if (event.type === RUN_EVENT_TYPE) {
    if (isUnmade(event)) return { format: 'RENDERED', rendered: renderRun(runOf(webhook, opened, now)) };
    const headers = renderEventHeaders(webhook, opened, now);
    return { format: 'BODY', ...(Object.keys(headers).length > 0 && { rendered: { headers } }) };
  }
  const rendered = renderForEvent(webhook, opened, now);
  return { format: deliveryFormatOf(webhook.effective.payload), ...(rendered !== undefined && { rendered }) };
}

/** The headers that are made of an event, which can be a run. Raises INVALID as `renderRun` does. */
export function renderEventHeaders(
  webhook: TemplatedWebhook,
  opened: OpenedEvent,
  now: number,
): Readonly<Record<string, string>> {
  const { ofEvent } = headerTemplatesOf(webhook.effective.payload);
  if (ofEvent.length === 0) return NO_HEADERS;
  const isRun = opened.event.type === RUN_EVENT_TYPE;
  const given = isRun ? runScope(runOf(webhook, opened, now)) : eventScope(webhook, opened, now);
  return metered(() => renderHeaders(ofEvent, given));
}

/** The headers that are the webhook's own. Raises INVALID as `renderRun` does. */
export function renderOwnHeaders(webhook: TemplatedWebhook): Readonly<Record<string, string>> {
  const { own } = headerTemplatesOf(webhook.effective.payload);
  return own.length === 0 ? NO_HEADERS : metered(() => renderHeaders(own, webhookScope(webhook)));
}

/** What is wrong with text that is said to be of this media type; undefined when nothing is. */
export function jsonFault(text: string, contentType: string): string | undefined {
  if (contentKind(contentType) !== 'JSON') return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    // Without the part of the text that V8 shows, which is data that was published.
    const reason = (error as Error).message.replace(/, (?:\.\.\.)?"[\s\S]*$/, '');
    return `is not JSON, as its content type says: ${reason}`;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function runOf(webhook: TemplatedWebhook, { event }: OpenedEvent, now: number): RunContext {
  const { nominalAt } = event;
  return { webhook, now, ...(nominalAt !== undefined && { nominalAt }) };
}

function greeting(name: string, now: number) {
  const text = `Hello ${name}, current time is ${toRfc3339(now)}`;
  return { body: utf8.encode(text), contentType: GREETING_CONTENT_TYPE };
}

function payloadBytes(body: NonNullable<Payload['body']>, contentType: string, given: object): Uint8Array {
  switch (body.kind) {
    case 'text':
      return textBytes(body.text, contentType);
    case 'data':
      return body.data;
    case 'template':
      return templateBytes(renderTemplate(body.source, given), contentType);
    default:
      return body satisfies never;
  }
}

function templateBytes(text: string, contentType: string): Uint8Array {
  const bytes = textBytes(text, contentType);
  if (bytes.length > BODY_BYTES_MAX) {
    throw new DomainError(
      'TEMPLATE_FAILED',
      `the template made a body of more than ${BODY_BYTES_MAX} bytes`,
      { metadata: { maxBytes: BODY_BYTES_MAX } },
    );
  }
  const fault = jsonFault(text, contentType);
  if (fault !== undefined)
    throw new DomainError('TEMPLATE_FAILED', `the body that the template made ${fault}`);
  return bytes;
}

function textBytes(text: string, contentType: string): Uint8Array {
  const encoded = encodeText(text, contentType);
  if ('bytes' in encoded) return encoded.bytes;
  throw new DomainError('TEMPLATE_FAILED', `the body ${encoded.fault}`);
}

/** What can be done about a value that no header can hold. */
export const HEADER_REMEDY = 'use printable ASCII or Latin-1, or the filter percent_encode';

function renderHeaders(templates: HeaderTemplates['own'], given: object): Readonly<Record<string, string>> {
  const headers: [string, string][] = [];
  let total = 0;
  for (const [name, source] of templates) {
    // White space around a value is no part of it (RFC 9110, 5.5), and templates come with line breaks.
    const value = renderTemplate(source, given).trim();
    const refused = headerValueFault(value, HEADER_REMEDY);
    if (refused !== undefined) throw new DomainError('TEMPLATE_FAILED', `the header ${name} ${refused}`);
    total += name.length + value.length + 4;
    headers.push([name, value]);
  }
  if (total > HEADERS_TOTAL_BYTES_MAX) {
    throw new DomainError(
      'TEMPLATE_FAILED',
      `the templates made headers of more than ${HEADERS_TOTAL_BYTES_MAX} bytes`,
      { metadata: { maxBytes: HEADERS_TOTAL_BYTES_MAX } },
    );
  }
  // Not by assignment, which would lose a header named __proto__.
  return headers.length === 0 ? NO_HEADERS : Object.fromEntries(headers);
}

function renderTemplate(source: string, given: object): string {
  try {
    return renderLiquid(source, given);
  } catch (error) {
    throw new DomainError('TEMPLATE_FAILED', `the template cannot be rendered: ${(error as Error).message}`);
  }
}
