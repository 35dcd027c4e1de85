/** What lists are asked for, and the parts that they come in. */
import type { Condition } from '../../domain/listing/condition.ts';
import type { WebhookOrder } from '../../domain/listing/place.ts';
import type { StateCode } from './codes.ts';

/** Undefined is no condition. */
export interface WebhookFilter {
  readonly namespace: string;
  readonly by: WebhookOrder;
  readonly descending: boolean;
  /** Only what is beyond this place. */
  readonly from: string | undefined;
  readonly limit: number;
  readonly name: string | undefined;
  readonly where: Condition | undefined;
}

/** Undefined is no condition. */
export interface Span {
  readonly ascending: boolean;
  /** Only ids beyond this one. */
  readonly from: string | undefined;
  readonly limit: number;
  readonly since: number;
  readonly until: number;
  readonly type: TypeFilter | undefined;
  readonly where: Condition | undefined;
}

/** Types that begin so, or exactly one. */
export interface TypeFilter {
  readonly text: string;
  readonly exact: boolean;
}

export interface DeliveryFilter extends Span {
  readonly namespace: string;
  readonly webhookId: string | undefined;
  /** One of these. */
  readonly states: readonly StateCode[] | undefined;
  readonly eventId: string | undefined;
  readonly status: { readonly from: number; readonly to: number } | undefined;
}

export interface EventFilter extends Span {
  readonly namespace: string;
}

/** Undefined is no condition, and a namespace that is undefined any. */
export interface AuditFilter {
  readonly namespace: string | undefined;
  readonly descending: boolean;
  /** Only ids between these two, which are not included. */
  readonly above: string;
  readonly below: string;
  readonly limit: number;
  readonly where: Condition | undefined;
}

/** A part of a list, and where to go on; null at the end. A part can be short without being the last. */
export interface Listed<Row> {
  readonly rows: Row[];
  readonly next: string | null;
  /** How many entries were looked at. */
  readonly looked: number;
}

/** An id less than any, and one greater. */
export const LEAST = '';
export const GREATEST = '~';
