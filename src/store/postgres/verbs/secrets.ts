import { withoutEnded } from '../../rows/secrets.ts';
import type { Database } from '../database.ts';

/** Takes away signing secrets that have ended, of so many webhooks at most. Returns of how many it did. */
export function secretSweep(db: Database): (now: number, limit: number) => Promise<number> {
  const select = db.prepare<[key: number, secrets: string]>(`
    SELECT key, secrets FROM @webhooks WHERE secrets_end_at <= ? ORDER BY secrets_end_at LIMIT ?`);
  // Neither version nor etag: nobody changed the webhook, and what has ended signs nothing any more.
  const update = db.prepare('UPDATE @webhooks SET secrets = ?, secrets_end_at = ? WHERE key = ?');

  return async (now, limit) => {
    if (limit <= 0) return 0;
    const ended = await select.all(now, limit);
    for (const [key, secrets] of ended) await update.run(...withoutEnded(secrets, now), key);
    return ended.length;
  };
}
