import { gistOf } from '../rows/attempt.ts';
import type { LastAttemptRow } from '../rows/messages.ts';
import type { Database } from './database.ts';

/**
 * The last attempt for each webhook. Settling notes it in memory, and many are entered together: a row that every
 * delivery changes would be a chain of versions under an old transaction. The journal has what was not entered yet.
 */
export interface LastAttempts {
  /** Notes an attempt for a webhook, which is in this row of the journal. */
  readonly note: (webhook: number, last: Noted) => void;
  /** Enters what was noted, if it is much. */
  readonly enterMany: () => Promise<void>;
  readonly of: (webhooks: readonly number[]) => Promise<Map<number, LastAttemptRow>>;
  /** Rows of the journal up to this one are to be deleted, from which it would be read after a start. */
  readonly left: (seq: number) => Promise<void>;
  /** Webhooks are about to be deleted. */
  readonly forget: (webhooks: readonly number[]) => Promise<void>;
  /** Reads again what was not entered. */
  readonly reload: () => Promise<void>;
}

export interface Noted {
  readonly seq: number;
  readonly delivery: string;
  /** Read only when somebody asks, or when they are entered: most are replaced by the next before. */
  readonly facts: string;
}

/** Webhooks that are noted until they are entered. */
const NOTED_MAX = 2_000;
/** Rows of the journal after which they are entered, whoever they are of: so many are read after a start. */
const LEFT_MAX = 5_000;

export function createLastAttempts(db: Database): LastAttempts {
  const selectUpto = db.prepare<[upto: number]>('SELECT upto FROM @last_attempts_entered');
  const updateUpto = db.prepare('UPDATE @last_attempts_entered SET upto = ?');
  const selectSince = db.prepare<[webhook: number, seq: number, delivery: string, facts: string]>(`
    SELECT DISTINCT ON (webhook) webhook, seq, delivery, facts FROM @journal
    WHERE seq > ? AND number IS NOT NULL ORDER BY webhook, seq DESC`);
  const enter = db.prepare(`
    INSERT INTO @last_attempts (webhook, delivery, at, status)
    SELECT * FROM unnest(?::bigint[], ?::text[], ?::bigint[], ?::smallint[])
    ON CONFLICT (webhook) DO UPDATE
    SET delivery = excluded.delivery, at = excluded.at, status = excluded.status`);
  const select = db.prepare<[webhook: number, delivery: string, at: number, status: number]>(
    'SELECT webhook, delivery, at, status FROM @last_attempts WHERE webhook = ANY(?)',
  );
  const selectKept = db.prepare<[id: string]>('SELECT id FROM @deliveries WHERE id = ANY(?)');
  const remove = db.prepare('DELETE FROM @last_attempts WHERE webhook = ANY(?)');

  const noted = new Map<number, Noted>();
  let upto = 0;
  let latest = 0;

  async function enterAll(): Promise<void> {
    // In their order, so that two who enter some cannot wait for each other.
    const rows = [...noted].sort(([a], [b]) => a - b);
    if (rows.length > 0) {
      const last = rows.map(([, { facts }]) => gistOf(facts));
      await enter.run(
        rows.map(([webhook]) => webhook),
        rows.map(([, { delivery }]) => delivery),
        last.map(({ at }) => at),
        last.map(({ status }) => status),
      );
    }
    upto = Math.max(upto, latest);
    noted.clear();
    await updateUpto.run(upto);
  }

  return {
    note(webhook, last) {
      noted.set(webhook, last);
      latest = Math.max(latest, last.seq);
    },
    async enterMany() {
      if (noted.size >= NOTED_MAX || latest - upto >= LEFT_MAX) await enterAll();
    },
    async of(webhooks) {
      const found = new Map<number, { delivery: string; at: number; status: number }>();
      const missing = webhooks.filter((webhook) => {
        const last = noted.get(webhook);
        if (last !== undefined) found.set(webhook, { delivery: last.delivery, ...gistOf(last.facts) });
        return last === undefined;
      });
      const rows = missing.length === 0 ? [] : await select.all(missing);
      for (const [webhook, delivery, at, status] of rows) found.set(webhook, { delivery, at, status });
      const ids = [...found.values()].map(({ delivery }) => delivery);
      const kept = new Set(ids.length === 0 ? [] : (await selectKept.all(ids)).map(([id]) => id));
      const shown = Array.from(found, ([webhook, { delivery, at, status }]): [number, LastAttemptRow] => [
        webhook,
        [at, status, kept.has(delivery) ? delivery : null],
      ]);
      return new Map(shown);
    },
    async left(seq) {
      if (seq > upto && noted.size > 0) await enterAll();
    },
    async forget(webhooks) {
      for (const webhook of webhooks) noted.delete(webhook);
      await remove.run(webhooks);
    },
    async reload() {
      noted.clear();
      upto = (await selectUpto.get())?.[0] ?? 0;
      latest = upto;
      for (const [webhook, seq, delivery, facts] of await selectSince.all(upto)) {
        noted.set(webhook, { seq, delivery, facts });
        latest = Math.max(latest, seq);
      }
    },
  };
}
