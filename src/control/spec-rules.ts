import type { FieldViolation } from '../domain/error.ts';
import { charsetFault, decodeText, encodeText } from '../domain/event/charset.ts';
import { eventTypeViolations } from '../domain/event/match.ts';
import { contentKind, isMediaType } from '../domain/event/media-type.ts';
import type { Problems } from '../domain/problems.ts';
import { violationsOf } from '../domain/problems.ts';
import { checkTemplate, headersTogetherFault, headerTemplateViolations } from '../domain/template/judge.ts';
import type { RunContext, TemplatedWebhook } from '../domain/template/scope.ts';
import { jsonFault } from '../domain/template/template.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import type { AskedPayload, AskedSpec } from '../domain/webhook/asked.ts';
import { compatibilityViolations } from '../domain/webhook/compatibility.ts';
import { type AskedCredentials, NO_CREDENTIALS } from '../domain/webhook/credentials.ts';
import { judgeDestination } from '../domain/webhook/destination.ts';
import { BODY_BYTES_MAX, type Payload } from '../domain/webhook/payload.ts';
import { DEFAULT_NAMESPACE, type WebhookSpec } from '../domain/webhook/webhook.ts';
import { noteHeaderViolations } from './credentials.ts';

export interface SpecRules {
  readonly problems: Problems;
  readonly policy: AddressPolicy;
  readonly now: number;
  /** The webhook that is to be so, if there is one. */
  readonly webhook?: Pick<TemplatedWebhook, 'id' | 'callerId' | 'namespace'>;
  /** The secret headers that are asked for; none when undefined. */
  readonly credentials?: AskedCredentials;
  /** Only these fields of the webhook, by their names in the proto file; all when undefined. */
  readonly only?: ReadonlySet<string>;
}

const NEW_WEBHOOK = { id: '', namespace: DEFAULT_NAMESPACE };

/** The compatibility signature, and what else makes headers. */
const SIGNED_IN_HEADER = ['compatibility_signature', 'headers', 'secret_headers', 'auth', 'payload'];

/** The payload, and what its templates read. */
const READ_BY_PAYLOAD = ['payload', 'name', 'destination', 'labels'];

/**
 * Notes what is wrong with a webhook that is asked for so, of which `spec` is what applies, its secret headers among
 * the others. The rules of its schedule stand in `domain/schedule/rules.ts`: whether they matter depends on what is
 * registered already.
 */
export async function noteSpecViolations(
  asked: AskedSpec,
  spec: WebhookSpec,
  { problems, policy, now, webhook = NEW_WEBHOOK, credentials = NO_CREDENTIALS, only }: SpecRules,
): Promise<void> {
  const isTouched = (name: string) => only === undefined || only.has(name);
  problems.addAll(eventTypeViolations(spec.eventTypes, 'event_types'));
  if (isTouched('destination')) {
    const verdict = judgeDestination(spec.destination, { policy });
    if ('refused' in verdict) problems.add('destination', verdict.refused);
  }
  if (isTouched('filter') || isTouched('event_types')) await noteFilter(spec, problems);
  const areHeadersTouched = ['headers', 'secret_headers', 'auth'].some(isTouched);
  if (areHeadersTouched) noteHeaderViolations({ spec: asked, credentials }, problems);
  if (spec.compatibility !== undefined && SIGNED_IN_HEADER.some(isTouched)) {
    const others = [...Object.keys(spec.headers), ...Object.keys(spec.payload?.headerTemplates ?? {})];
    problems.addAll(compatibilityViolations(spec.compatibility, others, 'compatibility_signature'));
  }
  const sample: RunContext = { webhook: { ...webhook, effective: spec }, now };
  const isPayloadTouched = READ_BY_PAYLOAD.some(isTouched);
  if (spec.payload !== undefined && isPayloadTouched) {
    notePayload(spec.payload, asked.payload ?? {}, sample, problems.under('payload'));
  }
  if (problems.count() > 0 || !(isPayloadTouched || SIGNED_IN_HEADER.some(isTouched))) return;
  const fault = headersTogetherFault(sample);
  if (fault !== undefined) problems.add('headers', `are too many with those of header_templates: ${fault}`);
}

/**
 * What is wrong with taking from a webhook the last that made it ring: it would ring on the server's default
 * schedule, which nobody asked for.
 */
export function lastRingViolations(before: AskedSpec, after: AskedSpec): FieldViolation[] {
  if (rings(after) || !rings(before)) return [];
  const field = before.schedule === undefined ? 'event_types' : 'schedule';
  const description =
    'is the last that makes it ring and cannot be taken away: give another schedule or event_types, or pause or remove it';
  return [{ field, description }];
}

function rings({ schedule, eventTypes = [] }: AskedSpec): boolean {
  return schedule !== undefined || eventTypes.length > 0;
}

/** What is wrong with a filter. CEL is loaded with the first one: most servers never see any. */
export async function filterViolations(filter: string, field: string): Promise<readonly FieldViolation[]> {
  const { checkFilter } = await import('../domain/filter/filter.ts');
  return violationsOf(() => checkFilter(filter, field));
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

async function noteFilter({ filter, eventTypes }: WebhookSpec, problems: Problems): Promise<void> {
  if (filter === undefined) return;
  problems.addAll(await filterViolations(filter, 'filter'));
  if (eventTypes.length === 0) {
    problems.add('filter', 'has no events to look at: give event_types too, * for all, or leave it out');
  }
}

function notePayload(
  { body, contentType }: Payload,
  { headerTemplates = {} }: AskedPayload,
  sample: RunContext,
  problems: Problems,
): void {
  if (!isMediaType(contentType)) {
    problems.add('content_type', 'must be a media type such as application/json; charset=utf-8');
  } else {
    const fault = charsetFault(contentType);
    if (fault !== undefined) problems.add('content_type', fault);
  }
  if (body !== undefined) noteBody(body, contentType, sample, problems);
  problems.addAll(headerTemplateViolations(headerTemplates, 'header_templates', sample));
}

function noteBody(
  body: NonNullable<Payload['body']>,
  contentType: string,
  sample: RunContext,
  problems: Problems,
): void {
  const field = body.kind;
  const bytes =
    body.kind === 'data'
      ? body.data.length
      : Buffer.byteLength(body.kind === 'text' ? body.text : body.source);
  if (bytes > BODY_BYTES_MAX) {
    problems.add(field, `has ${bytes} bytes; at most ${BODY_BYTES_MAX} are allowed`);
  } else if (body.kind === 'template') {
    problems.addAll(violationsOf(() => checkTemplate(body.source, field, contentType, sample)));
  } else {
    const fault = staticBodyFault(body, contentType);
    if (fault !== undefined) problems.add(field, fault);
  }
}

function staticBodyFault(
  body: Exclude<NonNullable<Payload['body']>, { kind: 'template' }>,
  contentType: string,
): string | undefined {
  if (body.kind === 'text') {
    const encoded = encodeText(body.text, contentType);
    return 'fault' in encoded ? encoded.fault : jsonFault(body.text, contentType);
  }
  if (contentKind(contentType) !== 'JSON') return undefined;
  const text = decodeText(body.data, contentType);
  return text === undefined
    ? 'is not JSON, as its content type says: it is not UTF-8'
    : jsonFault(text, contentType);
}
