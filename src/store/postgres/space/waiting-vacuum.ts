import type { Database } from '../database.ts';

/** Clears dead rows away from what waits, if it is worth while. */
export type VacuumWaiting = (db: Database, now: number) => Promise<void>;

/** Fewer dead rows are left to the database. */
const DEAD_MIN = 10_000;
/** After one that cleared little away, since somebody has an old transaction open, the next waits for longer. */
const PAUSE_MS = 60_000;
const PAUSE_MAX_MS = 30 * 60_000;

/**
 * Every delivery passes through `waiting` and leaves a dead row there, among which others are slow to find. How soon the
 * database looks for them by itself is a setting of the whole server (`autovacuum_naptime`), and it has other tables, too.
 */
export function createWaitingVacuum(schema: string): VacuumWaiting {
  let pauseMs = 0;
  let notBefore = Number.MIN_SAFE_INTEGER;

  return async (db, now) => {
    if (now < notBefore) return;
    const select = db.prepare<[dead: number]>(`
      SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = ? AND relname = 'waiting'`);
    const deadRows = async (): Promise<number> => (await select.get(schema))?.[0] ?? 0;
    const dead = await deadRows();
    if (dead < DEAD_MIN) return;
    await db.exec('VACUUM (TRUNCATE false, ANALYZE) @waiting');
    const isInVain = (await deadRows()) > dead / 2;
    pauseMs = isInVain ? Math.min(Math.max(2 * pauseMs, PAUSE_MS), PAUSE_MAX_MS) : 0;
    notBefore = now + pauseMs;
  };
}
