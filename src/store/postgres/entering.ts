import { type Changes, entryIdOf, joined } from '../../domain/access/audit.ts';
import { type Addition, createAdditions, enteredBy } from '../calls/entered.ts';
import type { Answer } from '../calls/shapes.ts';
import { toAuditRow } from '../rows/audit.ts';
import { AUDIT } from '../rows/tables.ts';
import type { Database } from './database.ts';
import type { Call, Reply } from './protocol.ts';

/**
 * Enters in the audit log what calls changed, before their transaction is committed, and returns their replies with what
 * was entered. All that a call of the API does in one transaction is one row, and what it does in a later one is added
 * to that.
 */
export type Enter = (calls: readonly Call[], replies: readonly Reply[]) => Promise<Reply[]>;

export function createEnter(db: Database): Enter {
  const insert = db.prepare(
    `INSERT INTO @audit_entries (${AUDIT.columns}) VALUES (${AUDIT.holes}) ON CONFLICT DO NOTHING`,
  );
  const select = db.prepare<[changes: string, count: number]>(
    'SELECT changes, change_count FROM @audit_entries WHERE id = ?',
  );
  const update = db.prepare('UPDATE @audit_entries SET changes = ?2, change_count = ?3 WHERE id = ?1');
  const selectWebhooks = db.prepare<[id: string, namespace: string, callerId: string | null]>(
    'SELECT id, namespace, caller_id FROM @webhooks WHERE id = ANY(?)',
  );

  async function write({ by, namespace, changes }: Addition): Promise<void> {
    const id = entryIdOf(by, namespace ?? undefined);
    const entry = { ...by, id, namespace: namespace ?? undefined, outcome: 'DONE', reason: '' } as const;
    if ((await insert.run(...toAuditRow({ ...entry, changes }))) > 0) return;
    const [first, count] = (await select.get(id))!;
    const all = joined({ first: JSON.parse(first) as Changes['first'], count }, changes);
    await update.run(id, JSON.stringify(all.first), all.count);
  }

  /** Of a webhook that was removed only the id was given. */
  async function namesOf(calls: readonly Call[]) {
    const ids = calls.flatMap((call) => (isRemoval(call) ? call[1].map(([id]) => id) : []));
    const rows = ids.length === 0 ? [] : await selectWebhooks.all(ids);
    return new Map(rows.map(([id, namespace, callerId]) => [id, [namespace, callerId] as const]));
  }

  return async (calls, replies) => {
    const named = calls.filter(([, , by]) => by !== undefined);
    if (named.length === 0) return [...replies];
    const names = await namesOf(named);
    const additions = createAdditions();
    const answered = calls.map(([verb, args, by], i): Reply => {
      const reply = replies[i]!;
      if (by === undefined || !reply.ok) return reply;
      const entered = enteredBy(by, verb, args, reply.answer as Answer<typeof verb>, (uid) => names.get(uid));
      additions.add(by, entered);
      return entered.length === 0 ? reply : { ...reply, entered };
    });
    for (const addition of additions.all()) await write(addition);
    return answered;
  };
}

function isRemoval(call: Call): call is Call<'removeWebhooks'> {
  return call[0] === 'removeWebhooks';
}
