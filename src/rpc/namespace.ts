import { ANONYMOUS, type Principal } from '../domain/access/principal.ts';
import type { FieldViolation } from '../domain/error.ts';
import type { Problems } from '../domain/problems.ts';
import { DEFAULT_NAMESPACE } from '../domain/webhook/webhook.ts';

/**
 * What is wrong with the namespace that a request names. This version has only one; whoever names
 * another is told so, rather than being served from the wrong one.
 */
export function namespaceViolations(
  name: string,
  field: string,
  { namespaces }: Principal,
): readonly FieldViolation[] {
  return name === '' || namespaces.includes(name) ? [] : [{ field, description: RULE }];
}

/** The namespace of a request whose handler reports everything that is wrong with it together. */
export function namespaceOf(name: string, field: string, problems: Problems): string {
  problems.addAll(namespaceViolations(name, field, ANONYMOUS));
  return theNamespace(name);
}

/** The namespace of a request that the guard has admitted. */
export function theNamespace(name: string): string {
  return name === '' ? DEFAULT_NAMESPACE : name;
}

const RULE = `must be ${JSON.stringify(DEFAULT_NAMESPACE)} or empty: this version has no other namespaces`;
