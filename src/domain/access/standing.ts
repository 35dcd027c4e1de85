import { DomainError, failedPrecondition, notFound } from '../error.ts';
import type { Namespace, NamespaceState } from './namespace.ts';

/** Raises NOT_FOUND for a namespace that there is not, and FAILED_PRECONDITION for one that is being deleted. */
export function checkIsThere(name: string, namespace: Namespace | undefined): asserts namespace is Namespace {
  if (namespace === undefined) throw notFound('Namespace', name);
  if (namespace.state === 'DELETING') throw isDeleting(name);
}

/** Raises the same, and FAILED_PRECONDITION for one that is suspended, of what makes something ring. */
export function checkRings(name: string, namespace: Namespace | undefined): asserts namespace is Namespace {
  checkIsThere(name, namespace);
  if (namespace.state === 'SUSPENDED') throw isSuspended(name);
}

/** What `checkRings` raises, or nothing. */
export function ringFault(name: string, namespace: Namespace | undefined): DomainError | undefined {
  try {
    checkRings(name, namespace);
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

/** Why nothing is taken that would ring. */
export function isShut(name: string, state: Exclude<NamespaceState, 'ACTIVE'>): DomainError {
  return state === 'SUSPENDED' ? isSuspended(name) : isDeleting(name);
}

export function isDeleting(name: string): DomainError {
  return failedPrecondition('NAMESPACE_DELETING', {
    type: 'Namespace',
    id: name,
    description: 'is being deleted; its name is free once that is done',
  });
}

function isSuspended(name: string): DomainError {
  return failedPrecondition('NAMESPACE_SUSPENDED', {
    type: 'Namespace',
    id: name,
    description:
      'is suspended: nothing rings in it, and nothing is taken that would; an administrator can resume it',
  });
}
