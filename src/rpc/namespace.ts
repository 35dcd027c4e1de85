import type { Message } from '@bufbuild/protobuf';
import { type Principal, shownBy } from '../domain/access/principal.ts';
import { DomainError } from '../domain/error.ts';
import type { Problems } from '../domain/problems.ts';
import { quote } from '../domain/text.ts';
import { DEFAULT_NAMESPACE } from '../domain/webhook/webhook.ts';

/**
 * The namespace that a request means: the one that it names; or else the caller's own, if it has one; or else
 * `default`. Raises PERMISSION_DENIED for one that is not the caller's, whether or not it exists (AIP-211).
 */
export function theNamespace(name: string, principal: Principal): string {
  const { namespace: own } = principal;
  if (name === '') return own ?? DEFAULT_NAMESPACE;
  if (own === undefined || own === name) return name;
  throw new DomainError(
    'NAMESPACE_NOT_ALLOWED',
    `${shownBy(principal)} is for the namespace ${own}, and not for ${quote(name)}; name ${own}, or none, or use a key of the other namespace`,
    { metadata: { namespace: own } },
  );
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
  if (!allNamespaces) return theNamespace(namespace, principal);
  checkIsForAll(principal, 'leave all_namespaces out, or use a key for all');
  if (namespace !== '') problems.add('all_namespaces', 'goes without a namespace; give one or the other');
  return undefined;
}

/** Raises PERMISSION_DENIED for a caller who has one namespace, and says what to do. */
export function checkIsForAll(principal: Principal, todo = 'use a key for all'): void {
  const { namespace: own } = principal;
  if (own === undefined) return;
  const message = `${shownBy(principal)} is for the namespace ${own}, and not for all; ${todo}`;
  throw new DomainError('NAMESPACE_NOT_ALLOWED', message, { metadata: { namespace: own } });
}

/**
 * The namespace that a request names, itself or in the resource that it carries; empty where it names none, and undefined
 * where it has no field for it. Each item of a batch or a stream names its own.
 */
export function namespaceNamedBy(message: Message): string | undefined {
  const { namespace, webhook, event } = message as Message & {
    readonly namespace?: unknown;
    readonly webhook?: { readonly namespace?: unknown };
    readonly event?: { readonly namespace?: unknown };
  };
  const named = namespace ?? webhook?.namespace ?? event?.namespace;
  return typeof named === 'string' ? named : undefined;
}
