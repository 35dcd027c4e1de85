import { type AuditedCall, type Changes, entryIdOf, joined, NO_CHANGES } from '../../domain/access/audit.ts';
import type { Database } from './database.ts';
import { type FindWebhook, isChanging, MADE, type Made } from './made.ts';
import type { Answer, Args, Call, Entered, Reply, Verb } from './protocol.ts';
import { toAuditRow } from './rows/audit.ts';
import { insertInto } from './rows/insert.ts';
import { AUDIT } from './rows/tables.ts';

/**
 * Enters in the audit log what calls changed, before their transaction is committed, and returns their replies with what
 * was entered. All that a call of the API does in one transaction is one row, and what it does in a later one is added
 * to that.
 */
export type Enter = (calls: readonly Call[], replies: readonly Reply[]) => Reply[];

/** What one call of the API changed in one namespace, in this transaction. */
interface Addition {
  readonly by: AuditedCall;
  readonly namespace: string | null;
  changes: Changes;
}

export function createEnter(db: Database): Enter {
  const insert = insertInto(db, 'audit_entries', AUDIT, 'ON CONFLICT DO NOTHING');
  const select = db.prepare<[changes: string, count: number]>(
    'SELECT changes, change_count FROM audit_entries WHERE id = ?',
  );
  const update = db.prepare('UPDATE audit_entries SET changes = ?2, change_count = ?3 WHERE id = ?1');
  const selectWebhook = db.prepare<[namespace: string, callerId: string | null]>(
    'SELECT namespace, caller_id FROM webhooks WHERE id = ?',
  );
  const find = (uid: string) => selectWebhook.get(uid);

  function write({ by, namespace, changes }: Addition): void {
    const id = entryIdOf(by, namespace ?? undefined);
    const entry = { ...by, id, namespace: namespace ?? undefined, outcome: 'DONE', reason: '' } as const;
    if (insert(toAuditRow({ ...entry, changes })) > 0) return;
    const [first, count] = select.get(id)!;
    const all = joined({ first: JSON.parse(first) as Changes['first'], count }, changes);
    update.run(id, JSON.stringify(all.first), all.count);
  }

  return (calls, replies) => {
    if (calls.every(([, , by]) => by === undefined)) return [...replies];
    const additions = new Map<string, Addition>();
    const answered = calls.map(([verb, args, by], i): Reply => {
      const reply = replies[i]!;
      if (by === undefined || !reply.ok) return reply;
      const entered = byNamespace(madeBy(verb, args, reply.answer, find), by);
      for (const [namespace, changes] of entered) {
        const key = JSON.stringify([by.id, namespace]);
        const before = additions.get(key);
        if (before === undefined) additions.set(key, { by, namespace, changes });
        else before.changes = joined(before.changes, changes);
      }
      return entered.length === 0 ? reply : { ...reply, entered };
    });
    for (const addition of additions.values()) write(addition);
    return answered;
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The compiler cannot see that arguments and answer are those of the verb. */
function madeBy<V extends Verb>(verb: V, args: Args<V>, answer: Answer<V>, find: FindWebhook): Made[] {
  if (!isChanging(verb)) return [];
  const made = MADE[verb] as (args: Args<V>, answer: Answer<V>, find: FindWebhook) => Made[];
  return made(args, answer, find);
}

function byNamespace(made: readonly Made[], by: AuditedCall): Entered[] {
  const all = new Map<string | null, Changes>();
  for (const [at, change] of made) {
    const namespace = at === undefined ? (by.namespace ?? null) : at;
    all.set(namespace, joined(all.get(namespace) ?? NO_CHANGES, { first: [change], count: 1 }));
  }
  return [...all];
}
