import { RINGING, type RingingRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

/** What destinations say to whether they want to be sent to. */
export function consentVerbs({ db }: Context): Pick<Verbs, 'dueConsents' | 'keepConsents'> {
  const select = db.prepare<RingingRow>(`
    SELECT ${RINGING.columns} FROM webhooks INDEXED BY webhooks_to_ask
    WHERE consent_due_at <= ? AND state = 'ACTIVE' AND removed_at IS NULL
    ORDER BY consent_due_at LIMIT ?`);
  const keep = db.prepare(`
    UPDATE webhooks SET consent = ?, consent_due_at = ?
    WHERE id = ? AND consent IS NOT NULL AND consent_since = ? AND removed_at IS NULL`);

  return {
    dueConsents: ([now, limit]) => select.all(now, limit),
    keepConsents: (rows) =>
      rows.map(([id, consent, dueAt, since]) => keep.run(consent, dueAt, id, since).changes !== 0),
  };
}
