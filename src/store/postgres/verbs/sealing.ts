import { WEBHOOK, type WebhookRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

/** What versions before wrote in the clear: it can come from a database of before. */
export function sealingVerbs({ db, log }: Context): Pick<Verbs, 'unsealedWebhooks' | 'sealWebhooks'> {
  const { at } = WEBHOOK;
  const select = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM @webhooks WHERE length(credentials) = 0 ORDER BY id LIMIT ?`,
  );
  const seal = db.prepare(`
    UPDATE @webhooks SET spec = ?, credentials = ?, xid = pg_current_xact_id()
    WHERE id = ? AND length(credentials) = 0`);

  return {
    unsealedWebhooks: (limit) => select.all(limit),
    async sealWebhooks(rows) {
      log.holdsErased = true;
      for (const row of rows) await seal.run(row[at.spec], row[at.credentials], row[at.id]);
      return null;
    },
  };
}
