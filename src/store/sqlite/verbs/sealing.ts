import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';
import { WEBHOOK, type WebhookRow } from '../rows/tables.ts';
import { overwriting } from './overwriting.ts';

/** What versions before wrote in the clear. */
export function sealingVerbs({ db, log }: Context): Pick<Verbs, 'unsealedWebhooks' | 'sealWebhooks'> {
  const { at } = WEBHOOK;
  const select = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM webhooks INDEXED BY webhooks_unsealed WHERE credentials = x'' ORDER BY id LIMIT ?`,
  );
  const seal = db.prepare(`UPDATE webhooks SET spec = ?, credentials = ? WHERE id = ? AND credentials = x''`);

  return {
    unsealedWebhooks: (limit) => select.all(limit),

    sealWebhooks(rows) {
      log.holdsErased = true;
      overwriting(db, () => {
        for (const row of rows) seal.run(row[at.spec], row[at.credentials], row[at.id]);
      });
      return null;
    },
  };
}
