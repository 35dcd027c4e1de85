import type { AuditLog } from '../audit-log.ts';
import { fromAuditRow, toAuditFilter, toAuditRow } from '../rows/audit.ts';
import { type Connection, partOf, rowsUpTo, sized } from './connection.ts';

export function auditLog({ client }: Pick<Connection, 'client'>): AuditLog {
  return {
    onBehalf: (call, work, entered) => client.onBehalf(call, work, entered),

    enterRefusals: async (batch) =>
      client.call('enterRefusals', batch.map(toAuditRow), sized(batch), () => {}),

    scanAuditEntries: async (query) =>
      client.call('listAuditEntries', toAuditFilter(query), rowsUpTo(query.limit), (part) =>
        partOf(part, fromAuditRow),
      ),
  };
}
