import {
  type AuditChange,
  AuditChange_KindSchema,
  type AuditEntry,
  AuditEntry_CallerKind,
  AuditEntry_CallerKindSchema,
  AuditEntry_Outcome,
} from '../../../../gen/carillon/v1/audit_pb.ts';
import { enumName } from '../job.ts';
import type { Column } from '../table.ts';
import { msOf } from '../times.ts';

/** An entry in a list. When it was is told in full: it may have to be put beside another log. */
export const AUDIT_COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'TIME', text: ({ createTime }) => new Date(msOf(createTime) ?? 0).toISOString() },
  { title: 'NAMESPACE', text: ({ namespace }) => namespace, atLeast: 9, rank: 3 },
  { title: 'CALLER', text: callerOf, rank: 4 },
  { title: 'FROM', text: ({ address }) => address, rank: 2 },
  { title: 'METHOD', text: ({ method }) => method.replace(/^carillon\.v1\./, ''), rank: 5 },
  {
    title: 'CHANGES',
    text: changesOf,
    atLeast: 20,
    style: ({ outcome }) => (outcome === AuditEntry_Outcome.REFUSED ? 'bad' : undefined),
  },
  { title: 'REQUEST', text: ({ requestId }) => requestId, atLeast: 8, rank: 1 },
];

function callerOf({ caller, callerKind }: AuditEntry): string {
  if (callerKind === AuditEntry_CallerKind.KEY) return caller;
  const kind = enumName(AuditEntry_CallerKindSchema, callerKind).toLowerCase();
  return caller === '' ? kind : `${kind} ${caller}`;
}

/** `updated Webhook shop: destination, and 3 more`. */
function changesOf({ changes, changeCount, outcome, reason }: AuditEntry): string {
  if (outcome === AuditEntry_Outcome.REFUSED) return `refused: ${reason}`;
  const [first] = changes;
  if (first === undefined) return '';
  const more = changeCount > 1n ? `, and ${changeCount - 1n} more` : '';
  return changeText(first) + more;
}

function changeText({ kind, resourceType, resourceId, fields }: AuditChange): string {
  const done = `${enumName(AuditChange_KindSchema, kind).toLowerCase()} ${resourceType} ${resourceId}`;
  return fields.length === 0 ? done : `${done}: ${fields.join(', ')}`;
}
