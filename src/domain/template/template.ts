import { DomainError, type FieldViolation, invalid } from '../error.ts';
import { encodeText } from '../event/charset.ts';
import type { OpenedEvent } from '../event/data.ts';
import { presentedId, type Rendered } from '../event/event.ts';
import { HEADERS_TOTAL_BYTES_MAX, headerValueFault, headerViolations } from '../event/header-rules.ts';
import { toRfc3339 } from '../rfc3339.ts';
import { BODY_BYTES_MAX, type Payload, rendersEvents } from '../webhook/payload.ts';
import { type Webhook, webhookIdOf } from '../webhook/webhook.ts';
import { renderLiquid } from './liquid.ts';
import { TEMPLATE_LENGTH_MAX } from './liquid-engine.ts';
import { metered } from './liquid-meter.ts';

/** What a run sends when its webhook says nothing else: the article's greeting. */
const GREETING_CONTENT_TYPE = 'text/plain; charset=utf-8';

const utf8 = new TextEncoder();

/** What templates need of a webhook. */
export type TemplatedWebhook = Pick<Webhook, 'id' | 'callerId' | 'namespace' | 'effective'>;

/** What a run is about. */
export interface RunContext {
  readonly webhook: TemplatedWebhook;
  /** The nominal time; undefined for a trigger. */
  readonly nominalAt?: number;
  readonly now: number;
}

/**
 * Checks that a template can be parsed and rendered, for a run and for an event without data. Raises
 * INVALID about `field`, with the place of the mistake.
 */
export function checkTemplate(source: string, field: string, sample: RunContext): void {
  if (source.length > TEMPLATE_LENGTH_MAX) throw invalid(field, tooLong(source));
  try {
    for (const given of samplesOf(sample)) metered(() => renderLiquid(source, given));
  } catch (error) {
    throw invalid(field, `is not a template that can be rendered: ${(error as Error).message}`);
  }
}

/**
 * The rules that the names and templates of extra headers break; `field` is their path, as
 * `webhook.payload.header_templates`. A value that is wrong whatever the event holds is found here.
 */
export function headerTemplateViolations(
  templates: Readonly<Record<string, string>>,
  field: string,
  sample: RunContext,
): FieldViolation[] {
  const names = Object.fromEntries(Object.keys(templates).map((name) => [name, '']));
  const violations = headerViolations(names, field);
  for (const given of samplesOf(sample)) {
    metered(() => {
      for (const [name, source] of Object.entries(templates)) {
        const at = `${field}[${JSON.stringify(name)}]`;
        if (violations.some((violation) => violation.field === at)) continue;
        const description = headerTemplateFault(source, given);
        if (description !== undefined) violations.push({ field: at, description });
      }
    });
  }
  return violations;
}

/**
 * The bytes of a run's body, their media type, and its extra headers. Raises INVALID when a template
 * exceeds a limit, its result `BODY_BYTES_MAX`, or a header's value is none.
 */
export function renderRun(context: RunContext): Required<Rendered> {
  const { payload, name } = context.webhook.effective;
  if (payload === undefined) return { ...greeting(name, context.now), headers: NO_HEADERS };
  const given = runScope(context);
  return metered(() => {
    const headers = renderHeaders(payload, given);
    if (payload.body === undefined) return { ...greeting(name, context.now), headers };
    return {
      body: payloadBytes(payload.body, payload.contentType, given),
      contentType: payload.contentType,
      headers,
    };
  });
}

/** The extra headers of a run whose body is there already. Raises as `renderRun`. */
export function renderRunHeaders(context: RunContext): Readonly<Record<string, string>> {
  return metered(() => renderHeaders(context.webhook.effective.payload, runScope(context)));
}

/**
 * What templates make of an event for one webhook: a body if its payload is a template, and headers.
 * Undefined without templates. Raises INVALID as `renderRun` does: a template that was good when it was
 * registered can fail on what an event holds.
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
    const headers = renderHeaders(payload, given);
    if (payload.body?.kind !== 'template') return { headers };
    return {
      body: payloadBytes(payload.body, payload.contentType, given),
      contentType: payload.contentType,
      headers,
    };
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function greeting(name: string, now: number) {
  const text = `Hello ${name}, current time is ${toRfc3339(now)}`;
  return { body: utf8.encode(text), contentType: GREETING_CONTENT_TYPE };
}

/** What a template is tried with. Each is a rendering of its own, with all the steps of one. */
function samplesOf(sample: RunContext): { readonly event: object | null }[] {
  const event = { ...webhookScope(sample.webhook, sample.now), run: null, event: SAMPLE_EVENT };
  return [runScope(sample), event];
}

const SAMPLE_EVENT = { id: '', type: '', source: '', subject: '', time: toRfc3339(0), data: {} };

function headerTemplateFault(
  source: string,
  given: ReturnType<typeof samplesOf>[number],
): string | undefined {
  if (source.length > TEMPLATE_LENGTH_MAX) return tooLong(source);
  try {
    const value = renderLiquid(source, given).trim();
    // What it makes of an event depends on what that holds.
    return given.event === null ? headerValueFault(value) : undefined;
  } catch (error) {
    return `is not a template that can be rendered: ${(error as Error).message}`;
  }
}

function tooLong(source: string): string {
  return `has ${source.length} characters: give at most ${TEMPLATE_LENGTH_MAX}`;
}

function payloadBytes(body: NonNullable<Payload['body']>, contentType: string, given: object): Uint8Array {
  switch (body.kind) {
    case 'text':
      return textBytes(body.text, contentType);
    case 'data':
      return body.data;
    case 'template': {
      const bytes = textBytes(renderTemplate(body.source, given), contentType);
      if (bytes.length > BODY_BYTES_MAX) {
        throw new DomainError(
          'TEMPLATE_FAILED',
          `the template made a body of more than ${BODY_BYTES_MAX} bytes`,
          {
            metadata: { maxBytes: BODY_BYTES_MAX },
          },
        );
      }
      return bytes;
    }
    default:
      return body satisfies never;
  }
}

function textBytes(text: string, contentType: string): Uint8Array {
  const encoded = encodeText(text, contentType);
  if ('bytes' in encoded) return encoded.bytes;
  throw new DomainError('TEMPLATE_FAILED', `the body ${encoded.fault}`);
}

function renderHeaders(payload: Payload | undefined, given: object): Readonly<Record<string, string>> {
  const headers: [string, string][] = [];
  let total = 0;
  for (const name in payload?.headerTemplates) {
    // White space around a value is no part of it (RFC 9110, 5.5), and templates come with line breaks.
    const value = renderTemplate(payload!.headerTemplates[name]!, given).trim();
    const refused = headerValueFault(value);
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

function runScope({ webhook, nominalAt, now }: RunContext) {
  return {
    ...webhookScope(webhook, now),
    run: {
      scheduled_at: nominalAt === undefined ? null : toRfc3339(nominalAt),
      manual: nominalAt === undefined,
    },
    event: null,
  };
}

function eventScope(webhook: TemplatedWebhook, opened: OpenedEvent, now: number): object {
  const { event } = opened;
  return {
    ...webhookScope(webhook, now),
    run: null,
    event: {
      id: presentedId(event),
      type: event.type,
      source: event.source ?? '',
      subject: event.subject ?? '',
      time: toRfc3339(event.time),
      data: templateData(opened),
    },
  };
}

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

function webhookScope(webhook: TemplatedWebhook, now: number): object {
  const { namespace, effective } = webhook;
  const { name, destination, labels } = effective;
  return { webhook: { id: webhookIdOf(webhook), namespace, name, destination, labels }, now: toRfc3339(now) };
}
