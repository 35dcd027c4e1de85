import { CHANGE, type ChangeRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

/** Rows of the journal that one call looks at, at most, of all namespaces. */
const LOOKED_AT_MAX = 2_000;

export function changeVerbs({ db, journal }: Context): Pick<Verbs, 'changesSince'> {
  const select = db.prepare<ChangeRow>(`
    SELECT ${CHANGE.columns}
    FROM journal AS j CROSS JOIN deliveries AS d ON d.ord = j.ord ${JOINED}
    WHERE j.seq > ?2 AND j.seq <= ?3 AND d.namespace = ?1 ORDER BY j.seq LIMIT ?4`);

  return {
    changesSince([namespace, after, limit]) {
      const last = journal.last();
      if (after === null) return { rows: [], next: last };
      if (after < journal.keptAfter() || after > last) return 'GAP';
      const upto = Math.min(last, after + LOOKED_AT_MAX);
      const rows = select.all(namespace, after, upto, limit);
      return { rows, next: rows.length < limit ? upto : rows.at(-1)![CHANGE.at.seq] };
    },
  };
}
