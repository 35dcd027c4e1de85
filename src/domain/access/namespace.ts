import { differing } from '../differing.ts';
import { EVENT_BYTES_MAX } from '../event/event.ts';
import { isOperational } from '../webhook/operational.ts';

/**
 * ACTIVE: everything goes on. SUSPENDED: nothing rings, and nothing new that would ring is taken; what waits stays.
 * DELETING: for its callers it is not there, and what it owns is being deleted.
 */
export type NamespaceState = 'ACTIVE' | 'SUSPENDED' | 'DELETING';

/** A tenant, as the store keeps it. */
export interface Namespace {
  readonly name: string;
  readonly state: NamespaceState;
  /** What was asked for; `effectiveQuotas` says what applies. */
  readonly quotas: AskedQuotas;
  /** 0 for one that was there before namespaces could be made. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Grows with each change: the etag. */
  readonly version: number;
}

/** How much a namespace may have; no bound where a field is not given. */
export interface Quotas {
  readonly webhooksMax?: number;
  /** Deliveries that wait; beyond, the longest lanes overflow. */
  readonly waitingMax: number;
  /** Deliveries that wait for one webhook, which can ask for less. */
  readonly laneWaitingMax?: number;
  /** How fast events may be published. */
  readonly publishRate?: PublishRate;
  /** Of the data of one event. */
  readonly payloadBytesMax: number;
}

export interface PublishRate {
  readonly perSecond: number;
  readonly burst: number;
}

export type AskedQuotas = Partial<Quotas>;

/** What applies to a namespace that says nothing. */
export type QuotaDefaults = Pick<Quotas, 'waitingMax'>;

export function effectiveQuotas(asked: AskedQuotas, { waitingMax }: QuotaDefaults): Quotas {
  return {
    waitingMax,
    payloadBytesMax: EVENT_BYTES_MAX,
    ...asked,
  };
}

/** How much of its quotas a namespace uses. */
export interface Usage {
  readonly webhooks: number;
  readonly waiting: number;
  /** Deliveries that wait in its longest lane. */
  readonly longestLane: number;
}

/** Like the ids that callers give to webhooks: a label of DNS (RFC 1035), so it fits anywhere. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What is wrong with the name of a namespace that is to be made; undefined when nothing is. */
export function namespaceNameFault(name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  return 'must be 1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last';
}

/**
 * Whether a namespace in this state takes an event of this type. What Carillon itself has to say is taken while the
 * namespace is suspended, and waits with the rest.
 */
export function takesEvent(state: NamespaceState, type: string): boolean {
  return state === 'ACTIVE' || (state === 'SUSPENDED' && isOperational(type));
}

/** The fields of a namespace that a change changes, as the proto file names them. */
export function changedInNamespace(before: Namespace, after: Namespace): string[] {
  const quotas = differing(before.quotas, after.quotas).map((name) => QUOTA_FIELDS[name as keyof Quotas]);
  return before.state === after.state ? quotas : ['state', ...quotas];
}

const QUOTA_FIELDS: Readonly<Record<keyof Quotas, string>> = {
  webhooksMax: 'quotas.webhooks',
  waitingMax: 'quotas.waiting',
  laneWaitingMax: 'quotas.waiting_per_webhook',
  publishRate: 'quotas.publish_rate',
  payloadBytesMax: 'quotas.payload_bytes',
};

/** As many namespaces as one server has, deleted ones that are not gone yet included. */
export const NAMESPACES_MAX = 100_000;
