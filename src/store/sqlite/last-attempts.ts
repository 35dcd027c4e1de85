import { gistOf } from '../rows/attempt.ts';
import type { LastAttemptRow } from '../rows/messages.ts';
import type { Database } from './database.ts';

/**
 * The last attempt for each webhook. Settling notes it in memory, and many are entered together: a page written for
 * each delivery would cost more than all that is gained. The journal has what was not entered yet.
 */
export interface LastAttempts {
  /** Notes an attempt for a webhook, which is in this row of the journal. */
  readonly note: (webhook: number, seq: number, facts: string) => void;
  readonly of: (webhook: number) => LastAttemptRow | undefined;
  /** Rows of the journal up to this one were deleted, from which it would be read after a start. */
  readonly left: (seq: number) => void;
  /** The webhook is about to be deleted. */
  readonly forget: (webhook: number) => void;
  /** Reads again what was not entered, after a rollback. */
  readonly reload: () => void;
}

/** Webhooks that are noted until they are entered. */
const NOTED_MAX = 2_000;
/** Rows of the journal after which they are entered, whoever they are of: so many are read after a start. */
const LEFT_MAX = 5_000;

interface Noted {
  readonly seq: number;
  /** Read only when somebody asks, or when they are entered: most are replaced by the next before. */
  readonly facts: string;
}

export function createLastAttempts(db: Database): LastAttempts {
  const selectUpto = db.prepare<[upto: number]>('SELECT upto FROM last_attempts_entered');
  const updateUpto = db.prepare('UPDATE last_attempts_entered SET upto = ?');
  const selectEnd = db.prepare<[seq: number | null]>('SELECT max(seq) FROM journal');
  // Of the other columns SQLite takes those of the row that has the maximum.
  const selectSince = db.prepare<[webhook: number, seq: number, facts: string]>(`
    SELECT d.webhook, max(j.seq), j.facts FROM journal AS j CROSS JOIN deliveries AS d ON d.ord = j.ord
    WHERE j.seq > ? AND j.number IS NOT NULL GROUP BY d.webhook`);
  const enter = db.prepare(`
    INSERT INTO last_attempts (webhook, seq, at, status) VALUES (?, ?, ?, ?)
    ON CONFLICT (webhook) DO UPDATE SET seq = excluded.seq, at = excluded.at, status = excluded.status`);
  const select = db.prepare<[seq: number, at: number, status: number]>(
    'SELECT seq, at, status FROM last_attempts WHERE webhook = ?',
  );
  const selectDelivery = db.prepare<[id: string]>(
    'SELECT d.id FROM journal AS j JOIN deliveries AS d ON d.ord = j.ord WHERE j.seq = ?',
  );
  const remove = db.prepare('DELETE FROM last_attempts WHERE webhook = ?');

  const noted = new Map<number, Noted>();
  let upto = 0;

  function reload(): void {
    noted.clear();
    // Of a file of before, nothing was entered.
    const end = selectEnd.get()?.[0] ?? 0;
    upto = Math.max(selectUpto.get()?.[0] ?? 0, end - LEFT_MAX);
    for (const [webhook, seq, facts] of selectSince.all(upto)) noted.set(webhook, { seq, facts });
  }

  function enterAll(): void {
    // In their order, so that those in one page are entered together.
    for (const [webhook, { seq, facts }] of [...noted].sort(([a], [b]) => a - b)) {
      const { at, status } = gistOf(facts);
      enter.run(webhook, seq, at, status);
      upto = Math.max(upto, seq);
    }
    noted.clear();
    updateUpto.run(upto);
  }

  function read(webhook: number): [seq: number, at: number, status: number] | undefined {
    const last = noted.get(webhook);
    if (last === undefined) return select.get(webhook);
    const { at, status } = gistOf(last.facts);
    return [last.seq, at, status];
  }

  reload();
  return {
    note(webhook, seq, facts) {
      noted.set(webhook, { seq, facts });
      if (noted.size >= NOTED_MAX || seq - upto >= LEFT_MAX) enterAll();
    },
    of(webhook) {
      const found = read(webhook);
      if (found === undefined) return undefined;
      const [seq, at, status] = found;
      return [at, status, selectDelivery.get(seq)?.[0] ?? null];
    },
    left(seq) {
      if (seq > upto && noted.size > 0) enterAll();
    },
    forget(webhook) {
      noted.delete(webhook);
      remove.run(webhook);
    },
    reload,
  };
}
