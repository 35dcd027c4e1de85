import { type DomainReason, REASONS } from './reason.ts';
import type { ErrorCode } from './reason-entry.ts';
import { clip } from './text.ts';

/**
 * The whole error model. The domain, the store and the use cases raise `DomainError` with a reason of the list in
 * `reason.ts`, which has its code; `rpc/errors.ts` translates it once to a Connect code and google.rpc details.
 * Anything else that is thrown is a bug and becomes INTERNAL, with its message in the log only.
 */

/** A field of a request and the rule it breaks. */
export interface FieldViolation {
  /** The path as the caller writes it, in snake case: `webhook.schedule.cron`. Empty for the whole. */
  readonly field: string;
  /** What is wrong and what would be right, as a sentence without a full stop. */
  readonly description: string;
  /** What kind of rule it is; INVALID_FIELD without one. */
  readonly reason?: InvalidReason;
}

/** Reasons that are about what a request says. */
export type InvalidReason = {
  [R in DomainReason]: (typeof REASONS)[R]['code'] extends 'INVALID' ? R : never;
}[DomainReason];

/** The nouns that an error can be about. */
export type ResourceType = 'Webhook' | 'Event' | 'Delivery' | 'Namespace' | 'ApiKey';

/** What an error is about. */
export interface Resource {
  readonly type: ResourceType;
  /** Its id, or whatever else it was asked for by. */
  readonly id: string;
}

/** What an error says besides its message, for programs to read. */
export interface ErrorDetails {
  /** The fields that break a rule, or are taken; for FAILED_PRECONDITION, what is in the wrong state. */
  readonly violations?: readonly FieldViolation[];
  readonly resource?: Resource;
  /** How long to wait before asking again, of EXHAUSTED and UNAVAILABLE; a second without it. */
  readonly retryMs?: number;
  /** What else the list names for the reason: a bound, a state. The field and the id follow from the others. */
  readonly metadata?: Readonly<Record<string, string | number>>;
}

export class DomainError extends Error {
  readonly reason: DomainReason;
  readonly code: ErrorCode;
  readonly violations: readonly FieldViolation[];
  readonly resource: Resource | undefined;
  readonly metadata: Readonly<Record<string, string | number>>;
  readonly retryMs: number | undefined;

  constructor(reason: DomainReason, message: string, details: ErrorDetails = {}) {
    const { violations = [], resource, metadata = {}, retryMs } = details;
    super(message);
    this.name = 'DomainError';
    this.reason = reason;
    this.code = REASONS[reason].code;
    this.violations = violations;
    this.resource = resource;
    this.metadata = metadata;
    this.retryMs = retryMs;
  }
}

/** What this makes, or the `DomainError` that it raises. */
export function madeOrError<T>(make: () => T): T | DomainError {
  try {
    return make();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

const SUMMARY_LENGTH = 1000;

/** An INVALID error about one field. */
export function invalid(field: string, description: string, reason?: InvalidReason): DomainError {
  const violation = { field, description, ...(reason && { reason }) };
  return new DomainError(reason ?? 'INVALID_FIELD', `${field}: ${description}`, { violations: [violation] });
}

/**
 * An INVALID error whose message is all of its violations in a line, for clients that show no details. Its reason
 * is that of the first.
 */
export function invalidRequest(
  violations: readonly FieldViolation[],
  metadata: ErrorDetails['metadata'] = {},
): DomainError {
  const sentences = violations.map(({ field, description }) =>
    field === '' ? description : `${field}: ${description}`,
  );
  const message = clip(sentences.join('; '), SUMMARY_LENGTH);
  return new DomainError(violations[0]?.reason ?? 'INVALID_FIELD', message, { violations, metadata });
}

/** An INVALID error about the request as a whole. */
export function malformed(
  reason: InvalidReason,
  description: string,
  metadata: ErrorDetails['metadata'] = {},
): DomainError {
  return invalidRequest([{ field: '', description, reason }], metadata);
}

/** Nothing has this id, or what has it lies in another namespace: the two look the same. */
export function notFound(type: ResourceType, id: string): DomainError {
  return new DomainError(NOT_FOUND[type], `there is no ${nounOf(type)} ${id}`, { resource: { type, id } });
}

const NOT_FOUND = {
  Webhook: 'WEBHOOK_NOT_FOUND',
  Event: 'EVENT_NOT_FOUND',
  Delivery: 'DELIVERY_NOT_FOUND',
  Namespace: 'NAMESPACE_NOT_FOUND',
  ApiKey: 'API_KEY_NOT_FOUND',
} as const satisfies Record<ResourceType, DomainReason>;

/** Something else has what only one can have. */
export function alreadyExists(type: keyof typeof TAKEN, id: string, message: string): DomainError {
  return new DomainError(TAKEN[type], message, { resource: { type, id } });
}

const TAKEN = {
  Webhook: 'WEBHOOK_ALREADY_EXISTS',
  Event: 'EVENT_ID_TAKEN',
  Namespace: 'NAMESPACE_ALREADY_EXISTS',
} as const satisfies Partial<Record<ResourceType, DomainReason>>;

/** What a resource is in the way of an error about it. */
type About = Resource & {
  /** Follows its name: `does not have the etag …`, `is PAUSED; resume it first`. */
  readonly description: string;
  readonly metadata?: ErrorDetails['metadata'];
};

/** It was changed by others meanwhile. */
export function aborted(
  reason: 'ETAG_MISMATCH' | 'CONTENDED',
  { type, id, description }: About,
): DomainError {
  return new DomainError(reason, `${nounOf(type)} ${id} ${description}`, { resource: { type, id } });
}

/** It is in a state that does not allow this. */
export function failedPrecondition(
  reason: DomainReason,
  { type, id, description, metadata = {} }: About,
): DomainError {
  return new DomainError(reason, `${nounOf(type)} ${id} ${description}`, {
    violations: [{ field: id, description }],
    resource: { type, id },
    metadata,
  });
}

function nounOf(type: ResourceType): string {
  return type === 'ApiKey' ? 'key' : type.toLowerCase();
}
