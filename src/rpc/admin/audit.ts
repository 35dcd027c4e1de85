import type { ServiceImpl } from '@connectrpc/connect';
import type { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import type { AuditEntry } from '../../domain/access/audit.ts';
import { AUDIT_FIELDS } from '../../domain/listing/fields.ts';
import { readFilter } from '../../domain/listing/filter.ts';
import { readOrder } from '../../domain/listing/order.ts';
import { noProblems } from '../../domain/problems.ts';
import { auditEntryTo } from '../convert/audit.ts';
import type { ApiDeps } from '../deps.ts';
import { namespaceOrAll } from '../namespace.ts';
import { readPage } from '../page.ts';
import { principalOf } from '../transport/principal.ts';

const ORDERS = ['create_time'] as const;
const NEWEST_FIRST = { by: 'create_time', descending: true } as const;

/** The methods of AdminService that are about the audit log. */
export function auditMethods({
  control,
}: Pick<ApiDeps, 'control'>): Pick<ServiceImpl<typeof AdminService>, 'listAuditEntries'> {
  return {
    async listAuditEntries(request, context) {
      const { filter, orderBy, pageSize, pageToken } = request;
      const problems = noProblems();
      const namespace = namespaceOrAll(request, principalOf(context), problems);
      const where = problems.attempt(() => readFilter(filter, AUDIT_FIELDS));
      const order = problems.attempt(() => readOrder(orderBy, ORDERS, NEWEST_FIRST)) ?? NEWEST_FIRST;
      problems.raise();
      const { descending } = order;
      const { rows, nextPageToken } = await readPage({
        query: ['ListAuditEntries', namespace ?? null, filter, descending],
        pageSize,
        pageToken,
        read: control.audit.list({ namespace, where, descending }),
        placeOf: ({ id }) => id,
        bytesOf,
        signal: context.signal,
      });
      return { auditEntries: rows.map(auditEntryTo), nextPageToken };
    },
  };
}

/** What an entry takes on the wire, about. */
function bytesOf({ changes }: AuditEntry): number {
  return 400 + 300 * changes.first.length;
}
