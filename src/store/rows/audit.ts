/** Between entries of the audit log and their rows. */
import type { AuditEntry, Changes } from '../../domain/access/audit.ts';
import { composedId } from '../../domain/id.ts';
import type { AuditQuery } from '../audit-log.ts';
import { type AuditFilter, GREATEST, LEAST } from './filters.ts';
import { AUDIT, type AuditRow } from './tables.ts';

export function toAuditRow(entry: AuditEntry): AuditRow {
  const { caller, changes } = entry;
  return [
    entry.id,
    entry.namespace ?? null,
    entry.at,
    entry.method,
    caller.kind,
    caller.id,
    caller.address,
    entry.requestId,
    entry.outcome,
    entry.reason,
    JSON.stringify(changes.first),
    changes.count,
  ];
}

export function fromAuditRow(row: AuditRow): AuditEntry {
  const { at } = AUDIT;
  return {
    id: row[at.id],
    namespace: row[at.namespace] ?? undefined,
    at: row[at.at],
    method: row[at.method],
    caller: { kind: row[at.callerKind], id: row[at.caller], address: row[at.address] },
    requestId: row[at.requestId],
    outcome: row[at.outcome],
    reason: row[at.reason],
    changes: { first: JSON.parse(row[at.changes]) as Changes['first'], count: row[at.changeCount] },
  };
}

export function toAuditFilter(query: AuditQuery): AuditFilter {
  const { namespace, descending, after, limit, since, until, where } = query;
  const above = since === undefined ? LEAST : idBefore(since);
  const below = until === undefined ? GREATEST : idBefore(until);
  return {
    namespace,
    descending,
    above: after !== undefined && !descending && after > above ? after : above,
    below: after !== undefined && descending && after < below ? after : below,
    limit,
    where,
  };
}

/** Not greater than any id of an entry that was made at this time or later, and greater than all others. */
export function idBefore(at: number): string {
  return composedId('audit', at, NOTHING);
}

const NOTHING = new Uint8Array(10);
