import { matcherOf } from '../../../domain/listing/condition.ts';
import { AUDIT_FIELDS } from '../../../domain/listing/fields.ts';
import { fromAuditRow, idBefore } from '../../rows/audit.ts';
import type { AuditFilter } from '../../rows/filters.ts';
import { AUDIT, type AuditRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Rows read at a time, and looked at in one call. */
const PIECE_ROWS = 100;
const LOOKED_AT_MAX = 500;

export function auditVerbs({ db }: Pick<Context, 'db'>): Pick<Verbs, 'enterRefusals' | 'listAuditEntries'> {
  const insert = db.prepare(`INSERT INTO @audit_entries (${AUDIT.columns}) VALUES (${AUDIT.holes})`);
  const reads = { ascending: auditReads(db, false), descending: auditReads(db, true) };

  function read({ namespace, descending }: AuditFilter, above: string, below: string, limit: number) {
    const { ofOne, ofAll } = descending ? reads.descending : reads.ascending;
    return namespace === undefined
      ? ofAll.all(above, below, limit)
      : ofOne.all(namespace, above, below, limit);
  }

  return {
    async enterRefusals(rows) {
      await Promise.all(rows.map((row) => insert.run(...row)));
      return null;
    },

    async listAuditEntries(filter) {
      const { where, limit, descending } = filter;
      const matches = matcherOf(where, AUDIT_FIELDS);
      const rows: AuditRow[] = [];
      let looked = 0;
      let { above, below } = filter;
      for (;;) {
        // Without a condition no more is read than is wanted.
        const size = where === undefined ? Math.min(limit - rows.length, PIECE_ROWS) : PIECE_ROWS;
        const piece = await read(filter, above, below, size);
        for (const row of piece) {
          looked++;
          const id = row[AUDIT.at.id];
          if (descending) below = id;
          else above = id;
          if (where === undefined || matches(fromAuditRow(row))) rows.push(row);
          if (rows.length >= limit || looked >= LOOKED_AT_MAX) return { rows, next: id, looked };
        }
        if (piece.length < size) return { rows, next: null, looked };
      }
    },
  };
}

/** What the list is read with, in one direction. */
function auditReads(db: Database, descending: boolean) {
  const rest = `id > ? AND id < ? ORDER BY id ${descending ? 'DESC' : 'ASC'} LIMIT ?`;
  return {
    ofOne: db.prepare<AuditRow>(
      `SELECT ${AUDIT.columns} FROM @audit_entries WHERE namespace = ? AND ${rest}`,
    ),
    ofAll: db.prepare<AuditRow>(`SELECT ${AUDIT.columns} FROM @audit_entries WHERE ${rest}`),
  };
}

/** Deletes entries that were made before a time, oldest first. Returns how many, at most `limit`. */
export type ForgetEntries = (before: number, limit: number) => Promise<number>;

export function auditSweep(db: Database): ForgetEntries {
  const remove = db.prepare(`
    DELETE FROM @audit_entries WHERE id IN (
      SELECT id FROM @audit_entries WHERE id < ? ORDER BY id LIMIT ?)`);
  return async (before, limit) => (limit <= 0 ? 0 : remove.run(idBefore(before), limit));
}
