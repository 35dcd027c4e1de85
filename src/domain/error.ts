import { clip } from './text.ts';

/**
 * The whole error model. The domain, the store and the use cases raise `DomainError` with one of these
 * codes; `rpc/errors.ts` translates it once to a Connect code and google.rpc details. Anything else that
 * is thrown is a bug and becomes INTERNAL, with its message in the log only.
 */
export type ErrorCode =
  | 'INVALID'
  | 'OUT_OF_RANGE'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'FAILED_PRECONDITION'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'EXHAUSTED'
  | 'UNAVAILABLE';

/** A field of a request and the rule it breaks. */
export interface FieldViolation {
  /** The path as the caller writes it, in snake case: `webhook.schedule.cron`. Empty for the whole. */
  readonly field: string;
  /** What is wrong and what would be right, as a sentence without a full stop. */
  readonly description: string;
}

/** The nouns that an error can be about. */
export type ResourceType = 'Webhook' | 'Event' | 'Delivery';

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
}

export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly violations: readonly FieldViolation[];
  readonly resource: Resource | undefined;

  constructor(code: ErrorCode, message: string, { violations = [], resource }: ErrorDetails = {}) {
    super(message);
    this.name = 'DomainError';
    this.code = code;
    this.violations = violations;
    this.resource = resource;
  }
}

const SUMMARY_LENGTH = 1000;

/** An INVALID error about one field. */
export function invalid(field: string, description: string): DomainError {
  return new DomainError('INVALID', `${field}: ${description}`, { violations: [{ field, description }] });
}

/** An INVALID error whose message is all of its violations in a line, for clients that show no details. */
export function invalidRequest(violations: readonly FieldViolation[]): DomainError {
  const sentences = violations.map(({ field, description }) =>
    field === '' ? description : `${field}: ${description}`,
  );
  return new DomainError('INVALID', clip(sentences.join('; '), SUMMARY_LENGTH), { violations });
}

/** Nothing has this id, or what has it lies in another namespace: the two look the same. */
export function notFound(type: ResourceType, id: string): DomainError {
  return new DomainError('NOT_FOUND', `there is no ${nounOf(type)} ${id}`, { resource: { type, id } });
}

/** Something else has what only one can have. */
export function alreadyExists(type: ResourceType, id: string, message: string): DomainError {
  return new DomainError('ALREADY_EXISTS', message, { resource: { type, id } });
}

/** It was changed by others meanwhile. The description follows its name: `was changed since …`. */
export function aborted(type: ResourceType, id: string, description: string): DomainError {
  const resource = { type, id };
  return new DomainError('ABORTED', `${nounOf(type)} ${id} ${description}`, { resource });
}

/** It is in a state that does not allow this. The description follows its name: `is PAUSED; resume it first`. */
export function failedPrecondition(type: ResourceType, id: string, description: string): DomainError {
  return new DomainError('FAILED_PRECONDITION', `${nounOf(type)} ${id} ${description}`, {
    violations: [{ field: id, description }],
    resource: { type, id },
  });
}

/** This caller may not do this, whatever it says. */
export function permissionDenied(message: string): DomainError {
  return new DomainError('PERMISSION_DENIED', message);
}

function nounOf(type: ResourceType): string {
  return type.toLowerCase();
}
