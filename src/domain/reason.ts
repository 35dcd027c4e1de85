import type { ErrorCode, ReasonEntry } from './reason-entry.ts';
import { REQUEST_REASONS } from './request-reasons.ts';

export type { ErrorCode, ReasonCode, ReasonEntry } from './reason-entry.ts';

/** Reasons that callers of the API are given. */
export const API_REASONS = {
  ...REQUEST_REASONS,
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
  NAMESPACE_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such namespace, or no longer.',
    todo: 'Name one that there is, or have it made with CreateNamespace.',
    metadata: ['id'],
  },
  API_KEY_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such key, or it is for another namespace than the key of the caller.',
    todo: 'Look for its id with ListApiKeys.',
    metadata: ['id'],
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
  NAMESPACE_ALREADY_EXISTS: {
    code: 'ALREADY_EXISTS',
    when: 'There is a namespace of the name already.',
    todo: 'Give another name, or change that one with UpdateNamespace.',
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
  WEBHOOK_WITHOUT_SCHEDULE: {
    code: 'FAILED_PRECONDITION',
    when: 'The webhook has no schedule; only events ring it.',
    todo: 'Give it a schedule, or publish an event.',
    metadata: ['id'],
  },
  NAMESPACE_SUSPENDED: {
    code: 'FAILED_PRECONDITION',
    when: 'The namespace is suspended, and what was asked for would make something ring.',
    todo: 'Have it resumed with ResumeNamespace. Reading and managing go on.',
    metadata: ['id'],
  },
  NAMESPACE_DELETING: {
    code: 'FAILED_PRECONDITION',
    when: 'The namespace is being deleted.',
    todo: 'Nothing; for another of the same name wait until GetNamespace does not find it.',
    metadata: ['id'],
  },
  NAMESPACE_NOT_EMPTY: {
    code: 'FAILED_PRECONDITION',
    when: 'The namespace has webhooks, and force is not set.',
    todo: 'Set force to delete all that it owns.',
    metadata: ['id', 'count'],
  },
  NAMESPACE_PERMANENT: {
    code: 'FAILED_PRECONDITION',
    when: 'The namespace `default` cannot be deleted.',
    todo: 'Suspend it to stop it.',
    metadata: ['id'],
  },
  DELIVERY_NOT_PENDING: {
    code: 'FAILED_PRECONDITION',
    when: 'The delivery is finished and cannot be cancelled.',
    todo: 'Nothing: it will not be sent again.',
    metadata: ['id', 'state'],
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
  PUBLISH_RATE_EXCEEDED: {
    code: 'EXHAUSTED',
    when: 'The namespace publishes faster than its quota allows.',
    todo: 'Publish again after the delay in RetryInfo.',
    metadata: ['perSecond', 'burst'],
  },
  TOO_MANY_WEBHOOKS: {
    code: 'EXHAUSTED',
    when: 'The namespace has as many webhooks as its quota allows.',
    todo: 'Remove some, or have the quota raised with UpdateNamespace.',
    metadata: ['max'],
  },
  TOO_MANY_NAMESPACES: {
    code: 'EXHAUSTED',
    when: 'There are as many namespaces as there may be.',
    todo: 'Delete some that nobody needs.',
    metadata: ['max'],
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
  TOO_MANY_WRONG_KEYS: {
    code: 'EXHAUSTED',
    when: 'Too many calls came from this address without a key, or with one that is not taken. Calls with a good key go on.',
    todo: 'Call with a good key, or after the delay in RetryInfo.',
  },
  TOO_MANY_CALLS: {
    code: 'EXHAUSTED',
    when: 'More calls were made with the key than its rate limit allows; each message of a stream counts as one.',
    todo: 'Call again after the delay in RetryInfo.',
    metadata: ['callsPerSecond'],
  },
  TOO_MANY_API_KEYS: {
    code: 'EXHAUSTED',
    when: 'There are as many keys as there may be.',
    todo: 'Revoke some that nobody uses.',
    metadata: ['max'],
  },
  RENDERED_TOO_LARGE: {
    code: 'EXHAUSTED',
    when: 'The templates of the webhooks that ask for the event make too much of it.',
    todo: 'Publish less data, or make the templates shorter.',
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

/** Reasons why a server does not start, or cannot go on, which no caller of the API is given. */
export const SERVER_REASONS = {
  EXPOSED: {
    code: 'FAILED_PRECONDITION',
    when: 'The server would listen where others can reach it, without keys or without TLS.',
    todo: 'Do what the message says, or say with --no-keys or --plaintext that it is meant.',
  },
  SETTING_INVALID: {
    code: 'INVALID',
    when: 'A setting, or an option of the command line, cannot be used.',
    todo: 'Mend it where the message says that it came from.',
  },
  ADDRESS_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The address cannot be listened on.',
    todo: 'Give another one.',
  },
  DATABASE_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The database cannot be opened.',
    todo: 'Give another path, or stop the process that has it.',
  },
  SECRETS_KEY_UNUSABLE: {
    code: 'FAILED_PRECONDITION',
    when: 'The key that seals secrets cannot be read, or is not the one that they were sealed with.',
    todo: 'Start with the right one.',
  },
} as const satisfies Record<string, ReasonEntry>;

export const REASONS = { ...API_REASONS, ...SERVER_REASONS };

export type Reason = keyof typeof REASONS;

/** Reasons that a `DomainError` can have. */
export type DomainReason = {
  [R in Reason]: (typeof REASONS)[R]['code'] extends ErrorCode ? R : never;
}[Reason];
