/**
 * The whole error model. The domain and the store raise `DomainError` with one of these codes; `rpc/`
 * translates it once to a Connect code and google.rpc details. Anything else that is thrown is a bug
 * and becomes INTERNAL, with its message in the log only.
 */
export type ErrorCode =
  | 'INVALID'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'FAILED_PRECONDITION'
  | 'EXHAUSTED'
  | 'UNAVAILABLE';

/** A field of a request and the rule it breaks. */
export interface FieldViolation {
  /** The path as the caller writes it, in snake case: `webhook.schedule.cron`. Empty for the whole. */
  readonly field: string;
  /** What is wrong and what would be right, as a sentence without a full stop. */
  readonly description: string;
}

export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly violations: readonly FieldViolation[];

  constructor(code: ErrorCode, message: string, violations: readonly FieldViolation[] = []) {
    super(message);
    this.name = 'DomainError';
    this.code = code;
    this.violations = violations;
  }
}

/** An INVALID error about one field. */
export function invalid(field: string, description: string): DomainError {
  return new DomainError('INVALID', `${field}: ${description}`, [{ field, description }]);
}
