import {
  countWithin,
  firstPlace,
  MOVED,
  MOVED_NAMES,
  MOVED_ROWS,
  type MovedCell,
  type MovedKind,
  placeOf,
} from '../../moved.ts';
import type { Context } from '../context.ts';
import { sourceOf } from '../moved-rows.ts';
import type { Verbs } from '../protocol.ts';
import { createMovedInsertion } from './moved-insertion.ts';

/** Tables of which nothing is empty but a store in which nothing was ever done. */
const FILLED = ['webhooks', 'events', 'event_ids', 'api_keys', 'namespace_keys', 'requests', 'audit_entries'];

export function movingVerbs({
  db,
  lastAttempts,
}: Context): Pick<Verbs, 'beginExport' | 'exportPart' | 'beginImport' | 'importRows' | 'finishImport'> {
  // Statements are compiled where they are needed: no server moves anything.
  return {
    async beginExport(history) {
      await lastAttempts.left(Number.MAX_SAFE_INTEGER);
      const counts: number[] = [];
      for (const name of MOVED_NAMES) {
        const count = db.prepare<[count: number]>(`SELECT count(*) FROM ${sourceOf(name, history)}`);
        counts.push((await count.get())?.[0] ?? 0);
      }
      return counts;
    },

    async exportPart([name, history, after]) {
      const kind = MOVED[name];
      const source = sourceOf(name, history);
      const from = after ?? firstPlace(kind);
      const [places, holes] = [kind.place.join(', '), holesOf(kind)];
      const found = await db
        .prepare<[bytes: number, ...place: MovedCell[]]>(
          `SELECT ${bytesOf(kind)}, ${places} FROM ${source} WHERE (${places}) > (${holes}) ORDER BY ${places} LIMIT ${MOVED_ROWS}`,
        )
        .all(...from);
      const [, ...upto] = found[countWithin(found.map(([bytes]) => bytes)) - 1] ?? [0];
      if (upto.length === 0) return { rows: [], next: null };
      const rows = await db
        .prepare<MovedCell[]>(
          `SELECT ${kind.columns.map(([column]) => column).join(', ')} FROM ${source}
           WHERE (${places}) > (${holes}) AND (${places}) <= (${holes}) ORDER BY ${places}`,
        )
        .all(...from, ...upto);
      return { rows, next: placeOf(kind, rows.at(-1)!) };
    },

    async beginImport([file, since]) {
      const [known, lines] =
        (await db
          .prepare<[file: string | null, lines: number | null]>(
            `SELECT file, lines FROM @standby WHERE reason = 'IMPORTING'`,
          )
          .get()) ?? [];
      if (known !== undefined) return known === file ? (lines ?? 0) : 'OTHER';
      const any = [...FILLED, `namespaces WHERE name <> 'default'`].map(
        (from) => `EXISTS (SELECT 1 FROM @${from})`,
      );
      const [isFilled] =
        (await db.prepare<[isFilled: number]>(`SELECT (${any.join(' OR ')})::integer`).get()) ?? [];
      if (isFilled === 1) return 'FILLED';
      await db
        .prepare(
          `INSERT INTO @standby (one, reason, since, file, lines) VALUES (1, 'IMPORTING', ?, ?, 0)
           ON CONFLICT (one) DO UPDATE
           SET reason = excluded.reason, since = excluded.since, file = excluded.file, lines = 0`,
        )
        .run(since, file);
      await db.exec('DELETE FROM @namespaces; DELETE FROM @alive');
      return 0;
    },

    async importRows([file, name, rows, from, to]) {
      const moved = db.prepare(
        `UPDATE @standby SET lines = ?3 WHERE reason = 'IMPORTING' AND file = ?1 AND lines = ?2`,
      );
      if ((await moved.run(file, from, to)) === 0) return linesIn(file);
      await createMovedInsertion(db, name)(rows);
      return to;
    },

    async finishImport() {
      await db.exec(FINISH);
      return true;
    },
  };

  async function linesIn(file: string): Promise<number> {
    const select = db.prepare<[lines: number]>(
      `SELECT lines FROM @standby WHERE reason = 'IMPORTING' AND file = ?`,
    );
    return (await select.get(file))?.[0] ?? 0;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** No number that is given from now on was given to what was moved. */
const FINISH = `
  SELECT setval(pg_get_serial_sequence('@webhooks', 'key'), greatest((SELECT max(key) FROM @webhooks), 1));
  SELECT setval('@event_keys', greatest((SELECT max(key) FROM @events), 1));
  SELECT setval('@ords', greatest((SELECT max(ord) FROM @deliveries), 1));
  SELECT setval('@key_changes', greatest((SELECT max(change) FROM @api_keys), 1));
  SELECT setval('@journal_seqs',
    greatest((SELECT max(seq) FROM @journal), (SELECT greatest(after, ended) FROM @journal_kept), 1));
  UPDATE @last_attempts_entered SET upto = coalesce((SELECT max(seq) FROM @journal), 0);`;

function bytesOf({ long }: MovedKind): string {
  return `(${['0', ...long.map((column) => `coalesce(octet_length(${column}), 0)`)].join(' + ')})::bigint`;
}

function holesOf({ columns, place }: MovedKind): string {
  return place.map((name) => `?::${columns.find(([column]) => column === name)?.[1] ?? 'text'}`).join(', ');
}
