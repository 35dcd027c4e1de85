import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';
import { JOINED } from '../rows/columns.ts';
import type { ChangeRow, DeliveryRow } from '../rows/tuples.ts';

/** Rows of the journal that one call looks at, at most, whomever they are about. */
const LOOKED_AT_MAX = 2_000;

export function changeVerbs({ db, journal }: Context): Pick<Verbs, 'changesSince'> {
  const select = db.prepare<
    [...DeliveryRow, seq: number, number: number | null, facts: string | null, headers: string | null]
  >(`
    SELECT d.id, d.namespace, coalesce(w.id, ''), coalesce(e.caller_id, e.id), d.type, j.state, j.reason,
      j.attempts, j.at, e.nominal_at, d.created_at, j.status, nullif(d.replay_of, ''), j.seq, j.number, j.facts, j.headers
    FROM journal AS j CROSS JOIN deliveries AS d ON d.ord = j.ord ${JOINED}
    WHERE j.seq > ?2 AND j.seq <= ?3 AND d.namespace = ?1 ORDER BY j.seq LIMIT ?4`);

  return {
    changesSince([namespace, after, limit]) {
      const last = journal.last();
      if (after === null) return { rows: [], next: last };
      if (after < journal.keptAfter() || after > last) return 'GAP';
      const upto = Math.min(last, after + LOOKED_AT_MAX);
      const rows = select.all(namespace, after, upto, limit).map((row): ChangeRow => {
        const delivery = row.slice(0, 13) as DeliveryRow;
        const [seq, number, facts, headers] = row.slice(13) as [number, number | null, string, string | null];
        return [seq, delivery, number === null ? null : [number, facts, headers, null]];
      });
      return { rows, next: rows.length < limit ? upto : rows.at(-1)![0] };
    },
  };
}
