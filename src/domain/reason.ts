import { ACCESS_REASONS } from './access-reasons.ts';
import { NAMESPACE_REASONS } from './namespace-reasons.ts';
import type { ErrorCode, ReasonEntry } from './reason-entry.ts';
import { SERVER_REASONS } from './server-reasons.ts';

/**
 * Why a call is refused, for programs (google.rpc.ErrorInfo, AIP-193): the one list of reasons. A reason is
 * never renamed and never means anything else; the list grows. `docs/errors.md` shows it to callers, and a
 * test holds the two equal.
 */

/** Reasons that callers of the API are given. */
export const API_REASONS = {
  INVALID_FIELD: {
    code: 'INVALID',
    when: 'One or more fields break a rule.',
    todo: 'Mend the fields that BadRequest names.',
    metadata: ['field'],
  },
  UNKNOWN_FIELD: {
    code: 'INVALID',
    when: 'The request names a field or a query parameter that does not exist.',
    todo: 'Correct its name, or leave it out.',
    metadata: ['field'],
  },
  PAGE_TOKEN_INVALID: {
    code: 'INVALID',
    when: 'The page token belongs to another query.',
    todo: 'List from the first page.',
    metadata: ['field'],
  },
  RESUME_TOKEN_INVALID: {
    code: 'INVALID',
    when: 'The resume token did not come from this method.',
    todo: 'Watch without a token.',
    metadata: ['field'],
  },
  TEMPLATE_FAILED: {
    code: 'INVALID',
    when: 'A template of the webhook cannot be rendered, or makes too much.',
    todo: "Mend the webhook's payload.",
    metadata: ['maxBytes'],
  },
  MALFORMED_JSON: {
    code: 'INVALID',
    when: 'The text is not JSON.',
    todo: 'Mend it at the place that the message names.',
  },
  JSON_TOO_COMPLEX: {
    code: 'INVALID',
    when: 'The JSON nests too deep, or has too many values.',
    todo: 'Send fewer events at a time, or their data as text.',
    metadata: ['maxDepth', 'maxValues'],
  },
  TOO_MUCH_IN_FIELD: {
    code: 'INVALID',
    when: 'A list or a map is far over its bound, or data nests too deep, so that nothing else was looked at.',
    todo: 'Give as much as the message says at most.',
    metadata: ['field'],
  },
  MALFORMED_MESSAGE: {
    code: 'INVALID',
    when: "The bytes are not UTF-8, not base64, or not a message of the method's type.",
    todo: 'Mend the client; compare its proto files with those of the server.',
  },
  MALFORMED_REQUEST: {
    code: 'INVALID',
    when: 'The request breaks the rules of its protocol: its framing, its URL, a header, or a body where none belongs.',
    todo: 'Mend the client.',
    metadata: ['header'],
  },
  COMPRESSION_BROKEN: {
    code: 'INVALID',
    when: 'A message cannot be decompressed.',
    todo: 'Mend the client, or send without compression.',
  },
  COMPRESSION_UNSUPPORTED: {
    code: 'UNIMPLEMENTED',
    when: 'The message is compressed in a way that the server does not know.',
    todo: 'Use one of those that the message names, or none.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    code: 'UNIMPLEMENTED',
    when: 'The method does not take this content type. The Connect protocol says unknown, and REST INVALID_ARGUMENT, with HTTP status 415.',
    todo: 'Send one that the message names.',
    metadata: ['contentType'],
  },
  WRONG_MESSAGE_COUNT: {
    code: 'UNIMPLEMENTED',
    when: 'A method that takes one message got none, or more than one.',
    todo: 'Mend the client.',
  },
  METHOD_NOT_FOUND: {
    code: 'UNIMPLEMENTED',
    when: 'There is no such service or method.',
    todo: 'Use one that the message names, or a newer server.',
    metadata: ['service', 'method'],
  },
  VERB_NOT_ALLOWED: {
    code: 'UNIMPLEMENTED',
    when: 'The path does not take this HTTP verb (405). The Connect protocol says unknown.',
    todo: 'Use one that the Allow header names.',
    metadata: ['verb'],
  },
  HTTP2_REQUIRED: {
    code: 'FAILED_PRECONDITION',
    when: 'A method that streams both ways was called over HTTP/1.1.',
    todo: 'Call it over HTTP/2, or as lines of JSON over REST.',
  },
  PATH_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is nothing at this path.',
    todo: 'Look for the right one at `/docs` or in `/openapi.json`.',
  },
  MESSAGE_TOO_LARGE: {
    code: 'EXHAUSTED',
    when: 'A message is too large, as it arrives or once it is decompressed. HTTP status 413 in REST.',
    todo: 'Send less at a time.',
    metadata: ['maxBytes'],
  },
  REQUEST_TOO_SLOW: {
    code: 'DEADLINE_EXCEEDED',
    when: 'A body or a message did not arrive in time.',
    todo: 'Send it again.',
    metadata: ['maxSeconds'],
  },
  DEADLINE_PASSED: {
    code: 'DEADLINE_EXCEEDED',
    when: 'The deadline that the caller set has passed.',
    todo: 'Call again with a longer one. What was asked for may have been done.',
  },
  CALL_CANCELLED: {
    code: 'CANCELLED',
    when: 'The caller cancelled the call, or its connection broke.',
    todo: 'Call again. What was asked for may have been done.',
  },
  HOST_NOT_ALLOWED: {
    code: 'PERMISSION_DENIED',
    when: 'The server may not be called by this name.',
    todo: 'Call it by its address, or start it with `--allowed-hosts`.',
    metadata: ['host'],
  },
  ORIGIN_NOT_ALLOWED: {
    code: 'PERMISSION_DENIED',
    when: 'Pages of this origin may not call the server.',
    todo: 'Start it with `--cors-origins`.',
    metadata: ['origin'],
  },
  ...ACCESS_REASONS,
  ...NAMESPACE_REASONS,
  WEBHOOK_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such webhook, or no longer.',
    todo: 'Look for it with List.',
    metadata: ['id'],
  },
  EVENT_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such event, or no longer.',
    todo: 'Look for it with ListEvents.',
    metadata: ['id'],
  },
  DELIVERY_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such delivery, or no longer.',
    todo: 'Look for it with ListDeliveries.',
    metadata: ['id'],
  },
  SECRET_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'The webhook has no such signing secret, or it has ended.',
    todo: 'Look for it in `signing_secrets` of the webhook. One that is not there signs nothing.',
    metadata: ['secretId'],
  },
  SERVICE_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'A health check asks for a service that does not exist.',
    todo: 'Use one that `Health/List` names.',
    metadata: ['service'],
  },
  WEBHOOK_ALREADY_EXISTS: {
    code: 'ALREADY_EXISTS',
    when: 'Another webhook has the name and the destination.',
    todo: 'Change that one, whose id is in the metadata, or give another name.',
    metadata: ['id'],
  },
  EVENT_ID_TAKEN: {
    code: 'ALREADY_EXISTS',
    when: 'An event with the id and other content was published before.',
    todo: 'Give this one another id.',
    metadata: ['id'],
  },
  REQUEST_ID_TAKEN: {
    code: 'ALREADY_EXISTS',
    when: 'The request_id was given to another call within 24 h, by method or content.',
    todo: 'Give each call its own.',
  },
  ETAG_MISMATCH: {
    code: 'ABORTED',
    when: 'The webhook was changed since it had the etag that was given. HTTP status 412 where it came as If-Match.',
    todo: 'Read it, decide anew, and send its etag.',
    metadata: ['id'],
  },
  CONTENDED: {
    code: 'ABORTED',
    when: 'Others changed the webhook at the same time, again and again.',
    todo: 'Call again.',
    metadata: ['id'],
  },
  WEBHOOK_NOT_ACTIVE: {
    code: 'FAILED_PRECONDITION',
    when: 'The webhook is paused or disabled.',
    todo: 'Resume it first.',
    metadata: ['id', 'state'],
  },
  SECRET_IS_LAST: {
    code: 'FAILED_PRECONDITION',
    when: 'The signing secret is the only one that the webhook has, so it cannot be withdrawn.',
    todo: 'Call RotateSecret with an overlap of 0, which replaces it at once.',
    metadata: ['id', 'secretId'],
  },
  TOO_MANY_SECRETS: {
    code: 'FAILED_PRECONDITION',
    when: 'As many secrets sign beside the newest as may.',
    todo: 'Withdraw one, wait until one ends, or rotate with an overlap of 0.',
    metadata: ['id', 'max'],
  },
  WEBHOOK_WITHOUT_SCHEDULE: {
    code: 'FAILED_PRECONDITION',
    when: 'The webhook has no schedule; only events ring it.',
    todo: 'Give it a schedule, or publish an event.',
    metadata: ['id'],
  },
  DELIVERY_NOT_PENDING: {
    code: 'FAILED_PRECONDITION',
    when: 'The delivery is finished and cannot be cancelled.',
    todo: 'Nothing: it will not be sent again.',
    metadata: ['id', 'state'],
  },
  WEBHOOK_FULL: {
    code: 'FAILED_PRECONDITION',
    when: 'As much waits for the webhook, or in its namespace, as may: what is sent again would overflow at once.',
    todo: 'Cancel what waits for it, or raise limits.waiting_max, and retry then.',
    metadata: ['id'],
  },
  DELIVERY_SUCCEEDED: {
    code: 'FAILED_PRECONDITION',
    when: 'The delivery has succeeded and cannot be retried.',
    todo: 'Replay its event to send it once more.',
    metadata: ['id'],
  },
  EVENT_DATA_ERASED: {
    code: 'FAILED_PRECONDITION',
    when: "The event's data was erased, so the delivery cannot be sent again.",
    todo: 'Publish the event anew.',
    metadata: ['id'],
  },
  TOO_MANY_MATCHES: {
    code: 'FAILED_PRECONDITION',
    when: 'More webhooks match than one call takes.',
    todo: 'Name them more precisely.',
    metadata: ['max'],
  },
  SEVERAL_MATCHES: {
    code: 'FAILED_PRECONDITION',
    when: 'More than one webhook would be removed, and force is not set.',
    todo: 'Name one, or set force.',
    metadata: ['count'],
  },
  SEAL_KEY_NOT_REPLACED: {
    code: 'FAILED_PRECONDITION',
    when: 'The key that seals secrets cannot be replaced by the server, or not by what is in its file.',
    todo: 'Do what the message says; nothing was changed.',
  },
  REQUEST_BROKEN_OFF: {
    code: 'FAILED_PRECONDITION',
    when: 'A call with this request_id was broken off, and it is not known how much of it was done.',
    todo: 'Look, and ask for the rest with another request_id.',
  },
  RESUME_TOKEN_EXPIRED: {
    code: 'OUT_OF_RANGE',
    when: 'What happened after the resume token is no longer kept.',
    todo: 'List what was missed, and watch without a token.',
  },
  ANSWER_TOO_LARGE: {
    code: 'OUT_OF_RANGE',
    when: 'What is asked for is larger together than an answer may be.',
    todo: 'Ask for fewer at a time.',
    metadata: ['max'],
  },
  TOO_MANY_WAITING: {
    code: 'EXHAUSTED',
    when: 'Too many deliveries are waiting to make more.',
    todo: 'Publish again later, after the delay in RetryInfo.',
    metadata: ['scope'],
  },
  TOO_MANY_STREAMS: {
    code: 'EXHAUSTED',
    when: 'Too many streams of this method are open.',
    todo: 'Close some, or try again later.',
    metadata: ['max'],
  },
  TOO_MANY_REQUEST_IDS: {
    code: 'EXHAUSTED',
    when: 'Too many calls with a request_id are remembered; each is forgotten after 24 h.',
    todo: 'Call again later, or without a request_id.',
  },
  RENDERED_TOO_LARGE: {
    code: 'EXHAUSTED',
    when: 'The templates of the webhooks that ask for the event make too much of it.',
    todo: 'Publish less data, or make the templates shorter.',
    metadata: ['maxBytes'],
  },
  SERVER_BUSY: {
    code: 'EXHAUSTED',
    when: 'The bytes of requests in work are at their bound, and there was no room in time; or the request came too slowly while others waited for room.',
    todo: 'Call again after the delay in RetryInfo.',
    metadata: ['maxBytes'],
  },
  DATABASE_BUSY: {
    code: 'EXHAUSTED',
    when: 'Too many calls wait for the database.',
    todo: 'Call again after the delay in RetryInfo.',
  },
  DATABASE_UNAVAILABLE: {
    code: 'UNAVAILABLE',
    when: 'The database cannot be used now; its disk is full, say.',
    todo: 'Call again later; look into the log of the server.',
  },
  SERVER_STOPPING: {
    code: 'UNAVAILABLE',
    when: 'The server is stopping.',
    todo: 'Call again, which reaches the next one.',
  },
  INTERNAL_ERROR: {
    code: 'INTERNAL',
    when: 'Something happened that nobody foresaw.',
    todo: 'Report it, with the lines that the log of the server has under errorId.',
    metadata: ['errorId'],
  },
} as const satisfies Record<string, ReasonEntry>;

export const REASONS = { ...API_REASONS, ...SERVER_REASONS };

export type Reason = keyof typeof REASONS;

/** Reasons that a `DomainError` can have. */
export type DomainReason = {
  [R in Reason]: (typeof REASONS)[R]['code'] extends ErrorCode ? R : never;
}[Reason];
