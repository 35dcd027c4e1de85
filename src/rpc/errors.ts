import { Code, ConnectError } from '@connectrpc/connect';
import {
  BadRequestSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import { DomainError, type ErrorCode, type FieldViolation } from '../domain/error.ts';
import { clip, invalidRequest } from '../domain/problems.ts';

/** How long a caller should wait when we are full or without our database. */
const RETRY_MS = 1000;

/** How much is repeated of a name or a destination, which can be long: all of it goes into a header. */
const RESOURCE_LENGTH = 300;

const CODES: Record<ErrorCode, Code> = {
  INVALID: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  ABORTED: Code.Aborted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  EXHAUSTED: Code.ResourceExhausted,
  UNAVAILABLE: Code.Unavailable,
};

type Detail = NonNullable<ConstructorParameters<typeof ConnectError>[3]>[number];

export interface Translation {
  /** A path that the caller did not write, taken off the front of every field. */
  readonly hiddenPath?: string;
  /** Called for what nobody foresaw: logs it, and returns an id to tell the caller. */
  readonly report: (reason: unknown) => string;
}

/**
 * The one place where errors become what a caller sees (AIP-193). A DomainError keeps its message and
 * gets its google.rpc details; a ConnectError was made for a caller already; anything else is a bug,
 * of which the caller learns an id and nothing more.
 */
export function toConnectError(reason: unknown, { hiddenPath = '', report }: Translation): ConnectError {
  if (reason instanceof DomainError) return fromDomain(reason, hiddenPath);
  if (reason instanceof ConnectError) return reason;
  return new ConnectError(`internal error; it is in the server's log under ${report(reason)}`, Code.Internal);
}

/** What has no such id, or lies in another namespace: the two look the same. */
export function notFound(type: 'Webhook' | 'Delivery' | 'Event', id: string): ConnectError {
  return aboutResource(Code.NotFound, `there is no ${type.toLowerCase()} ${id}`, type, id);
}

/** What exists already under another id. */
export function alreadyExists(type: 'Webhook' | 'Event', name: string, message: string): ConnectError {
  return aboutResource(Code.AlreadyExists, message, type, name);
}

function aboutResource(code: Code, text: string, type: string, fullName: string): ConnectError {
  const message = clip(text.toWellFormed(), RESOURCE_LENGTH);
  const name = clip(fullName.toWellFormed(), RESOURCE_LENGTH);
  const info = {
    desc: ResourceInfoSchema,
    value: { resourceType: `carillon.v1.${type}`, resourceName: name, description: message },
  };
  return new ConnectError(message, code, undefined, [info]);
}

/** An error of the domain, with its google.rpc details. */
export function fromDomain(error: DomainError, hiddenPath = ''): ConnectError {
  const violations = error.violations.map((violation) => unhide(violation, hiddenPath));
  const message =
    hiddenPath !== '' && violations.length > 0 ? invalidRequest(violations).message : error.message;
  return new ConnectError(
    message.toWellFormed(),
    CODES[error.code],
    undefined,
    details(error.code, violations),
    error,
  );
}

function details(code: ErrorCode, violations: readonly FieldViolation[]): Detail[] {
  switch (code) {
    case 'INVALID':
      if (violations.length === 0) return [];
      return [{ desc: BadRequestSchema, value: { fieldViolations: [...violations] } }];
    case 'FAILED_PRECONDITION': {
      if (violations.length === 0) return [];
      const failed = violations.map(({ field, description }) => ({
        type: 'STATE',
        subject: field,
        description,
      }));
      return [{ desc: PreconditionFailureSchema, value: { violations: failed } }];
    }
    case 'EXHAUSTED':
    case 'UNAVAILABLE': {
      const retryDelay = { seconds: BigInt(RETRY_MS / 1000), nanos: 0 };
      return [{ desc: RetryInfoSchema, value: { retryDelay } }];
    }
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'ABORTED':
      return [];
    default:
      return code satisfies never;
  }
}

function unhide({ field, description }: FieldViolation, hiddenPath: string): FieldViolation {
  if (hiddenPath === '') return { field, description };
  if (field === hiddenPath) return { field: '', description };
  return {
    field: field.startsWith(`${hiddenPath}.`) ? field.slice(hiddenPath.length + 1) : field,
    description,
  };
}
