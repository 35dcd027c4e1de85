import type { AddressPolicy } from '../domain/address.ts';
import { judgeDestination } from '../domain/destination.ts';
import { DomainError, type FieldViolation } from '../domain/error.ts';
import { judgeHeaders } from '../domain/header-rules.ts';
import { BODY_BYTES_MAX, checkTemplate, type Payload } from '../domain/template.ts';
import { DEFAULT_NAMESPACE, type WebhookSpec } from '../domain/webhook.ts';
import { join, type Problems } from './problems.ts';

export interface Judging {
  /** The path of the webhook in the request. */
  readonly field: string;
  readonly problems: Problems;
  readonly policy: AddressPolicy;
  readonly now: number;
  /** Headers with their names as the caller wrote them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Only these fields of the webhook, by their names in the proto file; all when undefined. */
  readonly only?: ReadonlySet<string>;
}

/**
 * Notes which rules a webhook breaks that the proto files cannot express. The schedule's are in the
 * domain.
 */
export function judgeSpec(spec: WebhookSpec, judging: Judging): void {
  const { field, problems, policy, now, headers, only } = judging;
  const judges = (name: string) => only === undefined || only.has(name);
  if (judges('destination')) {
    const verdict = judgeDestination(spec.destination, { policy });
    if ('refused' in verdict) problems.add(join(field, 'destination'), verdict.refused);
  }
  if (judges('headers')) problems.addAll(judgeHeaders(headers, join(field, 'headers')));
  if (judges('payload') && spec.payload !== undefined) {
    judgePayload(spec.payload, spec, join(field, 'payload'), now, problems);
  }
}

function judgePayload(
  payload: Payload,
  spec: WebhookSpec,
  field: string,
  now: number,
  problems: Problems,
): void {
  const { body, contentType } = payload;
  if (!MEDIA_TYPE.test(contentType)) {
    problems.add(join(field, 'content_type'), 'must be a media type such as application/json; charset=utf-8');
  }
  const at = join(field, body.kind);
  const bytes =
    body.kind === 'data'
      ? body.data.length
      : Buffer.byteLength(body.kind === 'text' ? body.text : body.source);
  if (bytes > BODY_BYTES_MAX) {
    problems.add(at, `has ${bytes} bytes; at most ${BODY_BYTES_MAX} are allowed`);
  } else if (body.kind === 'template') {
    const sample = { webhook: { id: '', namespace: DEFAULT_NAMESPACE, spec }, now };
    problems.addAll(violationsOf(() => checkTemplate(body.source, at, sample)));
  }
}

/** RFC 9110, section 8.3.1, with parameters. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = `[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[\\t\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*")`;
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:${PARAMETER})*$`);

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
