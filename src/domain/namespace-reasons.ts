import type { ReasonEntry } from './reason-entry.ts';

/** Reasons that are about namespaces: tenants, and how much they may have. A part of the list in `reason.ts`. */
export const NAMESPACE_REASONS = {
  NAMESPACE_NOT_FOUND: {
    code: 'NOT_FOUND',
    when: 'There is no such namespace, or no longer.',
    todo: 'Name one that there is, or have it made with CreateNamespace.',
    metadata: ['id'],
  },
  NAMESPACE_ALREADY_EXISTS: {
    code: 'ALREADY_EXISTS',
    when: 'There is a namespace of the name already.',
    todo: 'Give another name, or change that one with UpdateNamespace.',
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
} as const satisfies Record<string, ReasonEntry>;
