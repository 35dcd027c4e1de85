import type { Principal } from '../domain/access/principal.ts';
import type { Condition, Fields } from '../domain/listing/condition.ts';
import { readFilter } from '../domain/listing/filter.ts';
import { type Order, readOrder } from '../domain/listing/order.ts';
import { noProblems } from '../domain/problems.ts';
import { theNamespace } from './namespace.ts';

/** What the requests of all lists have. */
interface ListRequest {
  readonly namespace: string;
  readonly filter: string;
  readonly orderBy: string;
}

/** How something is listed. */
interface ListRules<Row, By extends string> {
  readonly fields: Fields<Row>;
  /** The fields that it can be ordered by. */
  readonly orders: readonly By[];
  /** How it is ordered when nothing is asked for. */
  readonly usual: Order<By>;
}

interface Listing<By extends string> {
  readonly namespace: string;
  readonly where: Condition | undefined;
  readonly order: Order<By>;
  /** What a token has to be of. */
  readonly query: readonly unknown[];
}

/** Reads what a request for a list of the method wants. Raises INVALID that names all that is wrong with it. */
export function listingOf<Row, By extends string>(
  method: string,
  request: ListRequest,
  principal: Principal,
  { fields, orders, usual }: ListRules<Row, By>,
): Listing<By> {
  const problems = noProblems();
  const namespace = theNamespace(request.namespace, principal);
  const where = problems.attempt(() => readFilter(request.filter, fields));
  const order = problems.attempt(() => readOrder(request.orderBy, orders, usual)) ?? usual;
  problems.raise();
  return { namespace, where, order, query: [method, namespace, request.filter, order.by, order.descending] };
}
