import { withoutEnded } from '../../rows/secrets.ts';
import type { Database } from '../database.ts';

/** Takes away signing secrets that have ended, of so many webhooks at most. Returns of how many it did. */
export function secretSweep(db: Database): (now: number, limit: number) => number {
  const select = db.prepare<[key: number, secrets: string]>(`
    SELECT key, secrets FROM webhooks INDEXED BY webhooks_secrets_end WHERE secrets_end_at <= ? LIMIT ?`);
  // Neither version nor etag: nobody changed the webhook, and what has ended signs nothing any more.
  const update = db.prepare('UPDATE webhooks SET secrets = ?, secrets_end_at = ? WHERE key = ?');

  return (now, limit) => {
    const ended = select.all(now, limit);
    for (const [key, secrets] of ended) update.run(...withoutEnded(secrets, now), key);
    return ended.length;
  };
}
