import { create } from '@bufbuild/protobuf';
import { type AuditEntry, ListAuditEntriesResponseSchema } from '../../../../gen/carillon/v1/audit_pb.ts';
import { flagValue } from '../command.ts';
import { allOf, exactly } from '../filter.ts';
import { gather, type Job, namespaceOf, show, tellMore, withTimesFixed } from '../job.ts';
import { table } from '../table.ts';
import { rangeJson } from '../values.ts';
import { AUDIT_COLUMNS } from './shown.ts';

/** `carillon audit`. */
export async function audit(given: Job): Promise<void> {
  const job = withTimesFixed(given);
  const { invocation, connection, paper } = job;
  const query = {
    namespace: namespaceOf(invocation),
    allNamespaces: flagValue(invocation, '--all-namespaces') !== undefined,
    filter: filterOf(job),
    orderBy: flagValue(invocation, '--order-by') ?? '',
  };
  const found = await gather<AuditEntry>(invocation, async (pageSize, pageToken) => {
    const page = await connection.admin.listAuditEntries({ ...query, pageSize, pageToken });
    return { rows: page.auditEntries, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListAuditEntriesResponseSchema, {
    auditEntries: [...found.rows],
    nextPageToken: found.nextPageToken,
  });
  show(job, ListAuditEntriesResponseSchema, answer, () =>
    found.rows.length === 0 ? 'no audit entries\n' : table(AUDIT_COLUMNS, found.rows, paper),
  );
  tellMore(job, found);
}

function filterOf({ invocation, world }: Job): string {
  const parts: string[] = [];
  const resource = flagValue(invocation, '--resource');
  if (resource !== undefined) parts.push(`resource_ids:${exactly(resource)}`);
  const caller = flagValue(invocation, '--caller');
  if (caller !== undefined) parts.push(`caller = ${exactly(caller)}`);
  if (flagValue(invocation, '--refused') !== undefined) parts.push('outcome = REFUSED');
  const { since, until } = rangeJson(invocation, world.now());
  if (since !== undefined) parts.push(`create_time >= ${since}`);
  if (until !== undefined) parts.push(`create_time < ${until}`);
  return allOf(parts, invocation);
}
