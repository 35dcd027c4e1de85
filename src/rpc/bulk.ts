import type { BulkOrder } from '../control/bulk-deliveries.ts';
import type { Principal } from '../domain/access/principal.ts';
import type { Fields } from '../domain/listing/condition.ts';
import { readFilter } from '../domain/listing/filter.ts';
import { theNamespace } from './namespace.ts';
import { readToken, writeToken } from './page.ts';

/** What the requests have that want something of all that a filter lets through. */
interface BulkRequest {
  readonly namespace: string;
  readonly filter: string;
  readonly validateOnly: boolean;
  readonly pageToken: string;
}

interface BulkCall {
  readonly order: BulkOrder;
  /** The token that goes on from a place; empty without one. */
  readonly tokenOf: (next: string | undefined) => string;
}

/** Reads a request of the method. Raises INVALID for a filter that cannot be read, and a token of another request. */
export function bulkOf<Row>(
  method: string,
  request: BulkRequest,
  principal: Principal,
  fields: Fields<Row>,
): BulkCall {
  const { filter, validateOnly, pageToken } = request;
  const namespace = theNamespace(request.namespace, principal);
  const where = readFilter(filter, fields);
  const query = [method, namespace, filter, validateOnly];
  return {
    order: { namespace, where, validateOnly, from: readToken(query, pageToken) },
    tokenOf: (next) => (next === undefined ? '' : writeToken(query, next)),
  };
}
