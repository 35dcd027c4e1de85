import type { Principal } from '../domain/access/principal.ts';
import { DomainError, type FieldViolation } from '../domain/error.ts';
import type { Problems } from '../domain/problems.ts';
import { quote } from '../domain/text.ts';
import { DEFAULT_NAMESPACE } from '../domain/webhook/webhook.ts';

/**
 * The namespace that a request means: the one that it names; or else the caller's own, if it has one; or else
 * `default`. Raises PERMISSION_DENIED for one that is not the caller's, whether or not it exists (AIP-211).
 */
export function theNamespace(name: string, { namespace: own }: Principal): string {
  if (name === '') return own ?? DEFAULT_NAMESPACE;
  if (own === undefined || own === name) return name;
  throw new DomainError(
    'NAMESPACE_NOT_ALLOWED',
    `this key is for the namespace ${own}, and not for ${quote(name)}; name ${own}, or none, or use a key of the other namespace`,
    { metadata: { namespace: own } },
  );
}

/**
 * The same for a handler that reports everything that is wrong with a request together: notes a namespace that this
 * version does not have. Raises PERMISSION_DENIED at once.
 */
export function namespaceOf(name: string, field: string, principal: Principal, problems: Problems): string {
  const namespace = theNamespace(name, principal);
  problems.addAll(namespaceViolations(namespace, field));
  return namespace;
}

/**
 * The namespace that a request means which can mean all of them as well: undefined for all. Raises PERMISSION_DENIED
 * like `theNamespace`, and for all of them unless they are the caller's.
 */
export function namespaceOrAll(
  { namespace, allNamespaces }: { readonly namespace: string; readonly allNamespaces: boolean },
  principal: Principal,
  problems: Problems,
): string | undefined {
  if (!allNamespaces) return namespaceOf(namespace, 'namespace', principal, problems);
  const { namespace: own } = principal;
  if (own !== undefined) {
    const message = `this key is for the namespace ${own}, and not for all; leave all_namespaces out, or use a key for all`;
    throw new DomainError('NAMESPACE_NOT_ALLOWED', message, { metadata: { namespace: own } });
  }
  if (namespace !== '') problems.add('all_namespaces', 'goes without a namespace; give one or the other');
  return undefined;
}

/**
 * What is wrong with a namespace that its caller may name. This version has only one; whoever names
 * another is told so, rather than being served from the wrong one.
 */
export function namespaceViolations(namespace: string, field: string): readonly FieldViolation[] {
  return namespace === DEFAULT_NAMESPACE ? [] : [{ field, description: RULE }];
}

const RULE = `must be ${JSON.stringify(DEFAULT_NAMESPACE)} or empty: this version has no other namespaces`;
