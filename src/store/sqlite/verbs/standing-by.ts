import { STANDBY, type StandbyRow } from '../../rows/tables.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Whether the store may send what is in it. */
export function standbyVerbs(db: Database): Pick<Verbs, 'getStandby' | 'standBy' | 'takeOver'> {
  const select = db.prepare<StandbyRow>(`SELECT ${STANDBY.columns} FROM standby`);
  const remove = db.prepare<StandbyRow>(
    `DELETE FROM standby WHERE reason <> 'IMPORTING' RETURNING ${STANDBY.columns}`,
  );
  const standBy = standbyNote(db);

  return {
    getStandby: () => select.get(),
    standBy([reason, since]) {
      standBy(reason, since);
      return null;
    },
    takeOver: () => remove.get(),
  };
}

/** Puts a database on standby, also one that no store is made of. */
export function standbyNote(db: Database): (reason: string, since: number) => void {
  const replace = db.prepare('REPLACE INTO standby (one, reason, since) VALUES (1, ?, ?)');
  const forgetFailing = db.prepare(
    'UPDATE webhooks SET failing_since = NULL WHERE failing_since IS NOT NULL',
  );
  return (reason, since) => {
    replace.run(reason, since);
    forgetFailing.run();
  };
}
