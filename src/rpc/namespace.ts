import { invalidRequest } from '../domain/error.ts';
import type { Problems } from '../domain/problems.ts';
import { DEFAULT_NAMESPACE } from '../domain/webhook/webhook.ts';

/**
 * The namespace that a request names. This version has only one; whoever names another is told so,
 * rather than being served from the wrong one.
 */
export function namespaceOf(name: string, field: string, problems: Problems): string {
  if (name !== '' && name !== DEFAULT_NAMESPACE) problems.add(field, RULE);
  return DEFAULT_NAMESPACE;
}

/** The same for a request in which nothing else can be wrong. Raises INVALID. */
export function theNamespace(name: string): string {
  if (name === '' || name === DEFAULT_NAMESPACE) return DEFAULT_NAMESPACE;
  throw invalidRequest([{ field: 'namespace', description: RULE }]);
}

const RULE = `must be ${JSON.stringify(DEFAULT_NAMESPACE)} or empty: this version has no other namespaces`;
