import { CHANGE, type ChangeRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { JOINED_ONE_BY_ONE } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

/** Rows of the journal that one call looks at, at most, of all namespaces. */
const LOOKED_AT_MAX = 2_000;

export function changeVerbs({ db, journal }: Context): Pick<Verbs, 'changesSince'> {
  const select = db.prepare<ChangeRow>(`
    SELECT ${CHANGE.columns}
    FROM (
      SELECT * FROM @journal WHERE seq > ?2 AND seq <= ?3 AND namespace = ?1 ORDER BY seq LIMIT ?4) AS j
    CROSS JOIN LATERAL (SELECT * FROM @deliveries WHERE id = j.delivery OFFSET 0) AS d
    ${JOINED_ONE_BY_ONE}
    ORDER BY j.seq`);

  return {
    async changesSince([namespace, after, limit]) {
      const { last, keptAfter } = await journal.ends();
      if (after === null) return { rows: [], next: last };
      if (after < keptAfter || after > last) return 'GAP';
      const upto = Math.min(last, after + LOOKED_AT_MAX);
      const rows = await select.all(namespace, after, upto, limit);
      return { rows, next: rows.length < limit ? upto : rows.at(-1)![CHANGE.at.seq] };
    },
  };
}
