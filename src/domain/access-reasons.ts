import type { ReasonEntry } from './reason-entry.ts';

/** Reasons that are about keys: who calls, and what they may do. A part of the list in `reason.ts`. */
export const ACCESS_REASONS = {
  API_KEY_MISSING: {
    code: 'UNAUTHENTICATED',
    when: 'The call has no key, and the server takes only calls with one.',
    todo: 'Send `authorization: Bearer ck_…`, or connect with a certificate, if the server takes those.',
  },
  API_KEY_INVALID: {
    code: 'UNAUTHENTICATED',
    when: 'What `authorization` holds is no key of this server: another scheme, white space, several keys, or one that it does not have.',
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
  CERTIFICATE_INVALID: {
    code: 'UNAUTHENTICATED',
    when: 'The certificate of the client was not signed by an authority that the server takes, has expired, or is not one for clients.',
    todo: 'Connect with another certificate, or send a key.',
  },
  CERTIFICATE_WITHOUT_ROLE: {
    code: 'UNAUTHENTICATED',
    when: 'The server gives no role to any of the names in the certificate of the client.',
    todo: 'Ask who runs the server to list one of them in `--client-roles`, or send a key.',
  },
  ROLE_TOO_SMALL: {
    code: 'PERMISSION_DENIED',
    when: 'The role of the key, or of the certificate, does not allow the method.',
    todo: 'Use one with the role in the metadata.',
    metadata: ['role'],
  },
  NAMESPACE_NOT_ALLOWED: {
    code: 'PERMISSION_DENIED',
    when: 'The namespace is not that of the key or the certificate, whether or not it exists.',
    todo: 'Name that of the key or the certificate, which is in the metadata, or none; or use another.',
    metadata: ['namespace'],
  },
  FIRST_KEY_NOT_ADMIN: {
    code: 'FAILED_PRECONDITION',
    when: 'The first key would be one that can make no other, while every call needs one from then on.',
    todo: 'Make one with the role ADMIN for all namespaces first.',
  },
  API_KEY_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such key, or it is for another namespace than the key of the caller.',
    todo: 'Look for its id with ListApiKeys.',
    metadata: ['id'],
  },
  TOO_MANY_WRONG_KEYS: {
    code: 'EXHAUSTED',
    when: 'Too many calls came from this address without a key or a certificate, or with one that is not taken. Calls with a good one go on.',
    todo: 'Call with a good one, or after the delay in RetryInfo.',
  },
  TOO_MANY_CALLS: {
    code: 'EXHAUSTED',
    when: 'More calls were made with the key, or the certificate, than its rate limit allows; each message of a stream counts as one.',
    todo: 'Call again after the delay in RetryInfo.',
    metadata: ['callsPerSecond'],
  },
  TOO_MANY_API_KEYS: {
    code: 'EXHAUSTED',
    when: 'There are as many keys as there may be.',
    todo: 'Revoke some that nobody uses.',
    metadata: ['max'],
  },
} as const satisfies Record<string, ReasonEntry>;
