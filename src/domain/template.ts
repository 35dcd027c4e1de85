import { Liquid, type Template } from 'liquidjs';
import { DomainError, invalid } from './error.ts';
import type { Webhook } from './webhook.ts';

/** What a run sends. */
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

/** What a run sends when its webhook says nothing else: the article's greeting. */
export const GREETING_CONTENT_TYPE = 'text/plain; charset=utf-8';

/** The largest body of a payload, rendered or not. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** The longest source of a template, in UTF-16 units. */
export const TEMPLATE_LENGTH_MAX = 64 * 1024;

/** Compiled templates kept; the longest unused is dropped. */
const TEMPLATES_MAX = 256;
/** What a rendering may cost: liquidjs' count of memory, and milliseconds, since it blocks everyone else. */
const LIMITS = {
  parseLimit: TEMPLATE_LENGTH_MAX,
  memoryLimit: 10 * BODY_BYTES_MAX,
  renderLimit: 20,
} as const;

const liquid = new Liquid({
  ...LIMITS,
  strictFilters: true,
  ownPropertyOnly: true,
  // In place of the file system, which a template must not reach.
  templates: {},
  jsTruthy: false,
});
const compiled = new Map<string, Template[]>();
const utf8 = new TextEncoder();

/** What a run is about. */
export interface RunContext {
  readonly webhook: Pick<Webhook, 'id' | 'namespace' | 'spec'>;
  /** The nominal time; undefined for a trigger. */
  readonly nominalAt?: number;
  readonly now: number;
}

/**
 * Checks that a template can be parsed and rendered. Raises INVALID about `field`, with the place of
 * the mistake.
 */
export function checkTemplate(source: string, field: string, sample: RunContext): void {
  try {
    liquid.renderSync(compile(source), scope(sample));
  } catch (error) {
    throw invalid(field, `is not a template that can be rendered: ${(error as Error).message}`);
  }
}

/**
 * The bytes of a run's body and their media type. Raises INVALID when the template exceeds a limit,
 * or its result `BODY_BYTES_MAX`.
 */
export function renderRun(context: RunContext): { body: Uint8Array; contentType: string } {
  const { payload, name } = context.webhook.spec;
  if (payload === undefined) {
    const text = `Hello ${name}, current time is ${new Date(context.now).toISOString()}`;
    return { body: utf8.encode(text), contentType: GREETING_CONTENT_TYPE };
  }
  return { body: payloadBytes(payload, context), contentType: payload.contentType };
}

function payloadBytes(payload: Payload, context: RunContext): Uint8Array {
  switch (payload.body.kind) {
    case 'text':
      return utf8.encode(payload.body.text);
    case 'data':
      return payload.body.data;
    case 'template': {
      const bytes = utf8.encode(renderTemplate(payload.body.source, context));
      if (bytes.length > BODY_BYTES_MAX) {
        throw new DomainError('INVALID', `the template made a body of more than ${BODY_BYTES_MAX} bytes`);
      }
      return bytes;
    }
    default:
      return payload.body satisfies never;
  }
}

function renderTemplate(source: string, context: RunContext): string {
  try {
    return liquid.renderSync(compile(source), scope(context)) as string;
  } catch (error) {
    throw new DomainError('INVALID', `the template cannot be rendered: ${(error as Error).message}`);
  }
}

function compile(source: string): Template[] {
  const known = compiled.get(source);
  const template = known ?? liquid.parse(source);
  // A Map keeps its order of insertion: taken out and put in again, the oldest is the longest unused.
  if (known !== undefined) compiled.delete(source);
  else if (compiled.size >= TEMPLATES_MAX) compiled.delete(compiled.keys().next().value!);
  compiled.set(source, template);
  return template;
}

function scope({ webhook, nominalAt, now }: RunContext): object {
  const { name, destination, labels } = webhook.spec;
  return {
    webhook: { id: webhook.id, namespace: webhook.namespace, name, destination, labels },
    run: {
      scheduled_at: nominalAt === undefined ? null : new Date(nominalAt).toISOString(),
      manual: nominalAt === undefined,
    },
    now: new Date(now).toISOString(),
  };
}
