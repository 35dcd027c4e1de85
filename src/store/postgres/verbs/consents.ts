import type { RingingRow } from '../../rows/tables.ts';
import { createCatalog } from '../catalog.ts';
import type { Context } from '../context.ts';
import { RINGING } from '../joins.ts';
import type { Verbs } from '../protocol.ts';

/** What destinations say to whether they want to be sent to. */
export function consentVerbs({ db }: Context): Pick<Verbs, 'dueConsents' | 'keepConsents'> {
  const catalog = createCatalog(db);
  const select = db.prepare<RingingRow>(`
    SELECT ${RINGING.columns} FROM @webhooks AS w
    WHERE consent_due_at IS NOT NULL AND consent_due_at <= ? AND state = 'ACTIVE' AND removed_at IS NULL
    ORDER BY consent_due_at LIMIT ?`);
  const keep = db.prepare(`
    UPDATE @webhooks SET consent = ?, consent_due_at = ?, xid = pg_current_xact_id()
    WHERE id = ? AND consent IS NOT NULL AND consent_since = ? AND removed_at IS NULL`);

  return {
    dueConsents: ([now, limit]) => select.all(now, limit),
    async keepConsents(rows) {
      const kept: boolean[] = [];
      for (const [id, consent, dueAt, since] of rows)
        kept.push((await keep.run(consent, dueAt, id, since)) > 0);
      await catalog.raise(rows.filter((_, i) => kept[i]).map(([id]) => id));
      return kept;
    },
  };
}
