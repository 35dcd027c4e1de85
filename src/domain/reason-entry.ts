/** What is said of a reason: see `reason.ts`. */
export interface ReasonEntry {
  /** Every error with this reason has this code (google.rpc.Code). */
  readonly code: ReasonCode;
  /** When it is given. */
  readonly when: string;
  /** What its caller does about it. */
  readonly todo: string;
  /** What may stand in the metadata: names in lowerCamelCase, with the unit where there is one. */
  readonly metadata?: readonly string[];
}

/** Codes of the domain. What a protocol says on its own account has the others. */
export type ErrorCode =
  | 'INVALID'
  | 'UNAUTHENTICATED'
  | 'OUT_OF_RANGE'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'FAILED_PRECONDITION'
  | 'PERMISSION_DENIED'
  | 'EXHAUSTED'
  | 'UNAVAILABLE';

export type ReasonCode = ErrorCode | 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'UNIMPLEMENTED' | 'INTERNAL';
