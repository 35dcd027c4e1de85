import { STANDBY, type StandbyRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

/** Whether the store may send what is in it. */
export function standbyVerbs({
  db,
}: Pick<Context, 'db'>): Pick<Verbs, 'getStandby' | 'standBy' | 'takeOver'> {
  const select = db.prepare<StandbyRow>(`SELECT ${STANDBY.columns} FROM @standby`);
  const remove = db.prepare<StandbyRow>(
    `DELETE FROM @standby WHERE reason <> 'IMPORTING' RETURNING ${STANDBY.columns}`,
  );
  const replace = db.prepare(`
    INSERT INTO @standby (one, reason, since) VALUES (1, ?, ?)
    ON CONFLICT (one) DO UPDATE SET reason = excluded.reason, since = excluded.since, file = NULL, lines = NULL`);
  const forgetFailing = db.prepare(
    'UPDATE @webhooks SET failing_since = NULL WHERE failing_since IS NOT NULL',
  );

  return {
    getStandby: () => select.get(),
    async standBy([reason, since]) {
      await replace.run(reason, since);
      await forgetFailing.run();
      return null;
    },
    takeOver: () => remove.get(),
  };
}
