import { DomainError, type FieldViolation } from '../domain/error.ts';
import { judgeHeaders } from '../domain/event/header-rules.ts';
import { isMediaType } from '../domain/event/media-type.ts';
import { join, type Problems } from '../domain/problems.ts';
import { checkTemplate, judgeHeaderTemplates, type RunContext } from '../domain/template/template.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import { judgeDestination } from '../domain/webhook/destination.ts';
import { BODY_BYTES_MAX, type Payload } from '../domain/webhook/payload.ts';
import { DEFAULT_NAMESPACE, type WebhookSpec } from '../domain/webhook/webhook.ts';

export interface Judging {
  /** The path of the webhook in the request. */
  readonly field: string;
  readonly problems: Problems;
  readonly policy: AddressPolicy;
  readonly now: number;
  /** Headers with their names as the caller wrote them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same of header templates. */
  readonly headerTemplates: Readonly<Record<string, string>>;
  /** Only these fields of the webhook, by their names in the proto file; all when undefined. */
  readonly only?: ReadonlySet<string>;
}

/**
 * Notes which rules a webhook breaks that the proto files cannot express. Those of its schedule and its
 * event types are in the domain.
 */
export async function judgeSpec(spec: WebhookSpec, judging: Judging): Promise<void> {
  const { field, problems, policy, headers, only } = judging;
  const judges = (name: string) => only === undefined || only.has(name);
  if (judges('destination')) {
    const verdict = judgeDestination(spec.destination, { policy });
    if ('refused' in verdict) problems.add(join(field, 'destination'), verdict.refused);
  }
  if (judges('filter') || judges('event_types')) await judgeFilter(spec, join(field, 'filter'), problems);
  if (judges('headers')) problems.addAll(judgeHeaders(headers, join(field, 'headers')));
  if (judges('payload') && spec.payload !== undefined) judgePayload(spec.payload, spec, judging);
}

async function judgeFilter(
  { filter, eventTypes }: WebhookSpec,
  field: string,
  problems: Problems,
): Promise<void> {
  if (filter === undefined) return;
  problems.addAll(await filterViolations(filter, field));
  if (eventTypes.length === 0) {
    problems.add(field, 'has no events to look at: give event_types too, * for all, or leave it out');
  }
}

function judgePayload(
  { body, contentType }: Payload,
  spec: WebhookSpec,
  { field: webhookField, problems, headerTemplates, now }: Judging,
): void {
  const field = join(webhookField, 'payload');
  const sample: RunContext = { webhook: { id: '', namespace: DEFAULT_NAMESPACE, spec }, now };
  if (!isMediaType(contentType)) {
    problems.add(join(field, 'content_type'), 'must be a media type such as application/json; charset=utf-8');
  }
  if (body !== undefined) judgeBody(body, join(field, body.kind), sample, problems);
  problems.addAll(judgeHeaderTemplates(headerTemplates, join(field, 'header_templates'), sample));
}

function judgeBody(
  body: NonNullable<Payload['body']>,
  field: string,
  sample: RunContext,
  problems: Problems,
): void {
  const bytes =
    body.kind === 'data'
      ? body.data.length
      : Buffer.byteLength(body.kind === 'text' ? body.text : body.source);
  if (bytes > BODY_BYTES_MAX) {
    problems.add(field, `has ${bytes} bytes; at most ${BODY_BYTES_MAX} are allowed`);
  } else if (body.kind === 'template') {
    problems.addAll(violationsOf(() => checkTemplate(body.source, field, sample)));
  }
}

/** What is wrong with a filter. CEL is loaded with the first one: most servers never see any. */
export async function filterViolations(filter: string, field: string): Promise<readonly FieldViolation[]> {
  const { checkFilter } = await import('../domain/filter/filter.ts');
  return violationsOf(() => checkFilter(filter, field));
}

/** The violations of an INVALID that is raised. */
export function violationsOf(check: () => void): readonly FieldViolation[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof DomainError && error.code === 'INVALID') return error.violations;
    throw error;
  }
}
