import type { ReasonEntry } from './reason-entry.ts';

/** Reasons that are about how a call is made and by whom, and not about what it is for. */
export const REQUEST_REASONS = {
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
  API_KEY_MISSING: {
    code: 'UNAUTHENTICATED',
    when: 'The call has no key, and the server takes only calls with one.',
    todo: 'Send `authorization: Bearer ck_…`.',
  },
  API_KEY_INVALID: {
    code: 'UNAUTHENTICATED',
    when: 'What `authorization` holds is no key of this server: another scheme, white space, or a key that it does not have.',
    todo: 'Send a key of this server, or ask for one who has the role ADMIN.',
  },
  API_KEY_EXPIRED: {
    code: 'UNAUTHENTICATED',
    when: 'The time of the key is over.',
    todo: 'Ask for another key.',
    metadata: ['apiKeyId'],
  },
  API_KEY_REVOKED: {
    code: 'UNAUTHENTICATED',
    when: 'The key was revoked. A stream that was begun with it ends so.',
    todo: 'Ask for another key.',
    metadata: ['apiKeyId'],
  },
  ROLE_TOO_SMALL: {
    code: 'PERMISSION_DENIED',
    when: 'The role of the key does not allow the method.',
    todo: 'Use a key with the role in the metadata.',
    metadata: ['role'],
  },
  NAMESPACE_NOT_ALLOWED: {
    code: 'PERMISSION_DENIED',
    when: 'The namespace is not that of the key, whether or not it exists.',
    todo: 'Name that of the key, which is in the metadata, or none; or use another key.',
    metadata: ['namespace'],
  },
} as const satisfies Record<string, ReasonEntry>;
