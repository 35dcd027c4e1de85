import type { Delivery } from '../../domain/delivery/delivery.ts';
import { invalid } from '../../domain/error.ts';
import type { TypePattern } from '../../domain/event/match.ts';
import { quote } from '../../domain/text.ts';
import { type DeliveryFilter, readComparison } from './list-filter-fields.ts';
import { FilterMistake, readFilterText } from './list-filter-text.ts';

export type { DeliveryFilter } from './list-filter-fields.ts';

/** The longest filter, in characters; the proto file says so too. */
export const FILTER_LENGTH_MAX = 1024;

/** How much of a filter a message repeats from where it went wrong. */
const NEAR_LENGTH = 24;

/**
 * Which deliveries a caller wants, from a filter as `ListDeliveriesRequest.filter` describes it. Undefined
 * when it contradicts itself, so that nothing can match. Raises INVALID that says where it went wrong.
 */
export function readDeliveryFilter(text: string): DeliveryFilter | undefined {
  if (text.length > FILTER_LENGTH_MAX) {
    throw invalid('filter', `has ${text.length} characters: give at most ${FILTER_LENGTH_MAX}`);
  }
  try {
    return readFilterText(text)
      .map(readComparison)
      .reduce<DeliveryFilter | undefined>((all, one) => all && one && bothOf(all, one), {});
  } catch (reason) {
    if (!(reason instanceof FilterMistake)) throw reason;
    throw invalid('filter', `${place(text, reason.at)}: ${reason.message}`);
  }
}

/** What satisfies both filters; undefined when nothing can. */
export function bothOf(a: DeliveryFilter, b: DeliveryFilter): DeliveryFilter | undefined {
  if (differ(a.webhookId, b.webhookId) || differ(a.eventId, b.eventId) || differ(a.state, b.state)) {
    return undefined;
  }
  const eventType = a.eventType && b.eventType && bothTypes(a.eventType, b.eventType);
  if (a.eventType && b.eventType && eventType === undefined) return undefined;
  const since = Math.max(a.since ?? -Infinity, b.since ?? -Infinity);
  const until = Math.min(a.until ?? Infinity, b.until ?? Infinity);
  if (since >= until) return undefined;
  const lastStatus = a.lastStatus &&
    b.lastStatus && {
      from: Math.max(a.lastStatus.from, b.lastStatus.from),
      to: Math.min(a.lastStatus.to, b.lastStatus.to),
    };
  if (lastStatus && lastStatus.from > lastStatus.to) return undefined;
  return {
    ...a,
    ...b,
    ...(eventType && { eventType }),
    ...(since !== -Infinity && { since }),
    ...(until !== Infinity && { until }),
    ...(lastStatus && { lastStatus }),
  };
}

/** Whether a delivery satisfies a filter, as the store judges it. */
export function satisfies(delivery: Delivery, filter: DeliveryFilter): boolean {
  const { webhookId, eventId, eventType, state, since, until, lastStatus } = filter;
  return (
    (webhookId === undefined || delivery.webhookId === webhookId || delivery.webhookCallerId === webhookId) &&
    (eventId === undefined || delivery.eventId === eventId) &&
    (eventType === undefined || ofType(eventType, delivery.eventType)) &&
    (state === undefined || delivery.state === state) &&
    (since === undefined || delivery.createdAt >= since) &&
    (until === undefined || delivery.createdAt < until) &&
    (lastStatus === undefined ||
      (delivery.lastStatus !== undefined &&
        delivery.lastStatus >= lastStatus.from &&
        delivery.lastStatus <= lastStatus.to))
  );
}

function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** The narrower of two patterns that agree; undefined when they do not. */
function bothTypes(a: TypePattern, b: TypePattern): TypePattern | undefined {
  if ('exact' in a) return ofType(b, a.exact) ? a : undefined;
  if ('exact' in b) return ofType(a, b.exact) ? b : undefined;
  if (a.prefix.startsWith(b.prefix)) return a;
  return b.prefix.startsWith(a.prefix) ? b : undefined;
}

function ofType(pattern: TypePattern, type: string): boolean {
  return 'exact' in pattern ? pattern.exact === type : type.startsWith(pattern.prefix);
}

/** `at character 9, near "OR state"`, counted as a person counts. */
function place(text: string, at: number): string {
  const near = text.slice(at, at + NEAR_LENGTH);
  const character = [...text.slice(0, at)].length + 1;
  return near === '' ? 'at its end' : `at character ${character}, near ${quote(near)}`;
}
