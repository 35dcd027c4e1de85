import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { REASONS, type Reason } from '../domain/reason.ts';
import type { ReasonCode } from '../domain/reason-entry.ts';
import { clip } from '../domain/text.ts';

/** Whose reasons these are (google.rpc.ErrorInfo). A name for programs, and no place to look at. */
const ERROR_DOMAIN = 'carillon.dev';

export const CODES: Record<ReasonCode, Code> = {
  INVALID: Code.InvalidArgument,
  OUT_OF_RANGE: Code.OutOfRange,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  ABORTED: Code.Aborted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  EXHAUSTED: Code.ResourceExhausted,
  UNAVAILABLE: Code.Unavailable,
  CANCELLED: Code.Canceled,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
};

export type Metadata = Readonly<Record<string, string | number>>;

export type Detail = NonNullable<ConstructorParameters<typeof ConnectError>[3]>[number];

/** How much is repeated of what a caller gave: all of it goes into a header. */
const VALUE_LENGTH = 300;

export function errorInfo(reason: Reason, metadata: Metadata = {}): Detail {
  const entries = Object.entries(metadata).map(([name, value]) => [
    name,
    clip(String(value).toWellFormed(), VALUE_LENGTH),
  ]);
  const value = { reason, domain: ERROR_DOMAIN, metadata: Object.fromEntries(entries) };
  return { desc: ErrorInfoSchema, value };
}

/** An error that a protocol raises on its own account. A few have another code than the list says. */
export function protocolError(
  reason: Reason,
  message: string,
  metadata?: Metadata,
  code = CODES[REASONS[reason].code],
): ConnectError {
  return new ConnectError(message, code, undefined, [errorInfo(reason, metadata)]);
}

/** Gives an error its reason, unless it has one. One that Connect made keeps all that it has. */
export function withInfo(error: ConnectError, reason: Reason, metadata?: Metadata): ConnectError {
  const has = error.details.some((detail) => 'desc' in detail && detail.desc === ErrorInfoSchema);
  if (!has) error.details.unshift(errorInfo(reason, metadata));
  return error;
}

/** The reason of an error that Connect made, whose code is all that we know of it. */
export function reasonOf(code: Code): Reason {
  return BY_CODE[code] ?? 'INTERNAL_ERROR';
}

const BY_CODE: Partial<Record<Code, Reason>> = {
  [Code.InvalidArgument]: 'MALFORMED_REQUEST',
  [Code.Unimplemented]: 'WRONG_MESSAGE_COUNT',
  [Code.ResourceExhausted]: 'MESSAGE_TOO_LARGE',
  [Code.DeadlineExceeded]: 'DEADLINE_PASSED',
  [Code.Canceled]: 'CALL_CANCELLED',
};
