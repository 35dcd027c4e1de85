import { hash } from 'node:crypto';
import { composedId } from '../id.ts';
import type { Principal } from './principal.ts';

/** Who made a call that changes something, as its entry in the audit log says it. */
export interface Caller {
  readonly kind: CallerKind;
  /** The id of the key, or the name of the certificate that has the role; empty for a caller who has shown neither. */
  readonly id: string;
  /** The address that the call came from; empty where that is not known. */
  readonly address: string;
}

export const CALLER_KINDS = ['ANONYMOUS', 'KEY', 'CERTIFICATE'] as const;
export type CallerKind = (typeof CALLER_KINDS)[number];

/** A call, as all of its entries name it. */
export interface AuditedCall {
  /** `newId('audit')`; the id of its entry. */
  readonly id: string;
  readonly at: number;
  /** `carillon.v1.WebhookService/Update`. */
  readonly method: string;
  readonly caller: Caller;
  /** Empty for a call without a name. */
  readonly requestId: string;
  /** The namespace that it means; undefined where it means none. */
  readonly namespace: string | undefined;
}

export const AUDIT_OUTCOMES = ['DONE', 'REFUSED'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export const RESOURCE_TYPES = [
  'Webhook',
  'Event',
  'Delivery',
  'ApiKey',
  'Namespace',
  'SealKey',
  'Standby',
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export const CHANGE_KINDS = ['CREATED', 'UPDATED', 'REMOVED'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What became of one resource. It has ids and the names of fields, and never a value. */
export interface AuditChange {
  readonly kind: ChangeKind;
  readonly type: ResourceType;
  /** By which callers know it. */
  readonly id: string;
  /** Of a webhook, and of the webhook of a delivery. */
  readonly uid?: string | undefined;
  /** The fields that changed, by their names in the API. */
  readonly fields?: readonly string[] | undefined;
  /** Of fields that are lists of things with ids, the ids that were there before, and that are there now. */
  readonly before?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
}

/** What a call did in one namespace: the first of its changes, and how many there are. */
export interface Changes {
  readonly first: readonly AuditChange[];
  readonly count: number;
}

/** An entry of the audit log. A call that changes things in several namespaces has one in each. */
export interface AuditEntry extends AuditedCall {
  readonly outcome: AuditOutcome;
  /** Why it was refused; empty when it was not. */
  readonly reason: string;
  readonly changes: Changes;
}

export const NO_CHANGES: Changes = { first: [], count: 0 };

/** How many changes an entry names; of the others it has the count. */
const CHANGES_NAMED_MAX = 20;

/** What both did together. */
export function joined(before: Changes, more: Changes): Changes {
  const first = [...before.first, ...more.first].slice(0, CHANGES_NAMED_MAX);
  return { first, count: before.count + more.count };
}

/** The id of its entry in a namespace: its own where it does what it means to, and one that follows from that elsewhere. */
export function entryIdOf({ id, at, namespace: own }: AuditedCall, namespace: string | undefined): string {
  if (namespace === own) return id;
  return composedId('audit', at, hash('sha256', JSON.stringify([id, namespace ?? null]), 'buffer'));
}

export function callerOf(principal: Principal, address: string | undefined): Caller {
  const from = { address: address ?? '' };
  switch (principal.kind) {
    case 'ANONYMOUS':
      return { kind: 'ANONYMOUS', id: '', ...from };
    case 'KEY':
      return { kind: 'KEY', id: principal.keyId, ...from };
    case 'CERTIFICATE':
      return { kind: 'CERTIFICATE', id: principal.certificate, ...from };
    default:
      return principal satisfies never;
  }
}
