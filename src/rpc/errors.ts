import { ConnectError } from '@connectrpc/connect';
import {
  BadRequestSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';
import { DomainError, type FieldViolation, invalidRequest, type Resource } from '../domain/error.ts';
import { clip } from '../domain/text.ts';
import {
  CODES,
  type Detail,
  errorInfo,
  type Metadata,
  protocolError,
  reasonOf,
  withInfo,
} from './error-info.ts';

/** How long a caller should wait when we are full or without our database. */
const RETRY_MS = 1000;

/** How much is repeated of a name or a destination, which can be long: all of it goes into a header. */
const RESOURCE_LENGTH = 300;

/** Every 401 says how to do better (RFC 9110, section 11.6.1). */
const CHALLENGE = { 'www-authenticate': 'Bearer realm="carillon"' };

export interface Translation {
  /** A path that the caller did not write, taken off the front of every field. */
  readonly hiddenPath?: string;
  /** Called for what nobody foresaw: logs it, and returns an id to tell the caller. */
  readonly report: (reason: unknown) => string;
}

/**
 * The one place where errors become what a caller sees (AIP-193). A DomainError keeps its message and
 * gets its google.rpc details; a ConnectError comes from the protocol itself, ours or Connect's own, and
 * gets a reason if it has none; anything else is a bug, of which the caller learns an id and nothing more.
 */
export function toConnectError(reason: unknown, { hiddenPath = '', report }: Translation): ConnectError {
  if (reason instanceof DomainError) return fromDomain(reason, hiddenPath);
  if (reason instanceof ConnectError) return withInfo(reason, reasonOf(reason.code));
  const errorId = report(reason);
  const message = `internal error; it is in the server's log under ${errorId}`;
  return protocolError('INTERNAL_ERROR', message, { errorId });
}

/** An error of the domain, with its google.rpc details. */
export function fromDomain(error: DomainError, hiddenPath = ''): ConnectError {
  const hidden = error.code === 'INVALID' ? hiddenPath : '';
  const violations = error.violations.map((violation) => unhide(violation, hidden));
  const text = hidden !== '' && violations.length > 0 ? invalidRequest(violations).message : error.message;
  const message = error.resource === undefined ? text.toWellFormed() : shortened(text);
  const about = error.resource === undefined ? [] : [resourceInfo(error.resource, message)];
  return new ConnectError(
    message,
    CODES[error.code],
    error.code === 'UNAUTHENTICATED' ? CHALLENGE : undefined,
    [errorInfo(error.reason, metadataOf(error, violations)), ...details(error, violations), ...about],
    error,
  );
}

/** What the error says of itself, and the first field or the resource that it is about. */
function metadataOf({ code, resource, metadata }: DomainError, [first]: readonly FieldViolation[]): Metadata {
  const field = code === 'INVALID' && first !== undefined && first.field !== '' ? { field: first.field } : {};
  return { ...field, ...(resource !== undefined && { id: resource.id }), ...metadata };
}

function resourceInfo({ type, id }: Resource, description: string): Detail {
  const value = { resourceType: `carillon.v1.${type}`, resourceName: shortened(id), description };
  return { desc: ResourceInfoSchema, value };
}

function shortened(text: string): string {
  return clip(text.toWellFormed(), RESOURCE_LENGTH);
}

function details({ code, retryMs = RETRY_MS }: DomainError, violations: readonly FieldViolation[]): Detail[] {
  switch (code) {
    case 'INVALID':
    case 'ALREADY_EXISTS':
      if (violations.length === 0) return [];
      return [
        {
          desc: BadRequestSchema,
          value: {
            fieldViolations: violations.map(({ field, description, reason = '' }) => ({
              field,
              description,
              reason,
            })),
          },
        },
      ];
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
      const retryDelay = toDelay(retryMs);
      return [{ desc: RetryInfoSchema, value: { retryDelay } }];
    }
    case 'OUT_OF_RANGE':
    case 'NOT_FOUND':
    case 'ABORTED':
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return [];
    default:
      return code satisfies never;
  }
}

function toDelay(ms: number): { seconds: bigint; nanos: number } {
  const whole = Math.ceil(ms);
  return { seconds: BigInt(Math.floor(whole / 1000)), nanos: (whole % 1000) * 1_000_000 };
}

function unhide(violation: FieldViolation, hiddenPath: string): FieldViolation {
  const { field } = violation;
  if (hiddenPath === '') return violation;
  if (field === hiddenPath) return { ...violation, field: '' };
  return field.startsWith(`${hiddenPath}.`)
    ? { ...violation, field: field.slice(hiddenPath.length + 1) }
    : violation;
}
