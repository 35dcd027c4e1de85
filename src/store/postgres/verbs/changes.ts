import { CHANGE, type ChangeRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

/** Rows of the journal that one call looks at, at most, of all namespaces. */
const LOOKED_AT_MAX = 2_000;

export function changeVerbs({ db, journal }: Context): Pick<Verbs, 'changesSince'> {
  const select = db.prepare<ChangeRow>(`
    SELECT ${CHANGE.columns}
    FROM (
      SELECT * FROM @journal WHERE seq > ?2 AND seq <= ?3 AND namespace = ?1 ORDER BY seq LIMIT ?4) AS j
    JOIN @deliveries AS d ON d.id = j.delivery ${JOINED} ORDER BY j.seq`);

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
