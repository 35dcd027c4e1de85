import { type Changes, entryIdOf, joined } from '../../domain/access/audit.ts';
import { type Addition, createAdditions, enteredBy } from '../calls/entered.ts';
import { toAuditRow } from '../rows/audit.ts';
import { AUDIT } from '../rows/tables.ts';
import type { Database } from './database.ts';
import { insertInto } from './insert.ts';
import type { Call, Reply } from './protocol.ts';

/**
 * Enters in the audit log what calls changed, before their transaction is committed, and returns their replies with what
 * was entered. All that a call of the API does in one transaction is one row, and what it does in a later one is added
 * to that.
 */
export type Enter = (calls: readonly Call[], replies: readonly Reply[]) => Reply[];

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
    const additions = createAdditions();
    const answered = calls.map(([verb, args, by], i): Reply => {
      const reply = replies[i]!;
      if (by === undefined || !reply.ok) return reply;
      const entered = enteredBy(by, verb, args, reply.answer, find);
      additions.add(by, entered);
      return entered.length === 0 ? reply : { ...reply, entered };
    });
    for (const addition of additions.all()) write(addition);
    return answered;
  };
}
