import {
  countWithin,
  firstPlace,
  MOVED,
  MOVED_NAMES,
  MOVED_ROWS,
  type MovedCell,
  type MovedKind,
  type MovedName,
  placeOf,
} from '../../moved.ts';
import type { Context } from '../context.ts';
import { BUCKET_ROWS, type Catalog } from '../lists/catalog.ts';
import { sourceOf } from '../moved-rows.ts';
import type { Verbs } from '../protocol.ts';
import { createMovedInsertion } from './moved-insertion.ts';

/** Tables of which nothing is empty but a store in which nothing was ever done. */
const FILLED = ['webhooks', 'events', 'event_ids', 'api_keys', 'namespace_keys', 'requests', 'audit_entries'];

export function movingVerbs(
  context: Context,
): Pick<Verbs, 'beginExport' | 'exportPart' | 'beginImport' | 'importRows' | 'finishImport'> {
  const { db, lastAttempts } = context;
  // Statements are compiled where they are needed: no server moves anything.
  return {
    beginExport(history) {
      lastAttempts.left(Number.MAX_SAFE_INTEGER);
      return MOVED_NAMES.map(
        (name) =>
          db.prepare<[count: number]>(`SELECT count(*) FROM ${sourceOf(name, history)}`).get()?.[0] ?? 0,
      );
    },

    exportPart([name, history, after]) {
      const kind = MOVED[name];
      const source = sourceOf(name, history);
      const from = after ?? firstPlace(kind);
      const [places, holes] = [kind.place.join(', '), kind.place.map(() => '?').join(', ')];
      const found = db
        .prepare<[bytes: number, ...place: MovedCell[]]>(
          `SELECT ${bytesOf(kind)}, ${places} FROM ${source} WHERE (${places}) > (${holes}) ORDER BY ${places} LIMIT ?`,
        )
        .all(...from, MOVED_ROWS);
      const [, ...upto] = found[countWithin(found.map(([bytes]) => bytes)) - 1] ?? [0];
      if (upto.length === 0) return { rows: [], next: null };
      const rows = db
        .prepare<MovedCell[]>(
          `SELECT ${kind.columns.map(([column]) => column).join(', ')} FROM ${source}
           WHERE (${places}) > (${holes}) AND (${places}) <= (${holes}) ORDER BY ${places}`,
        )
        .all(...from, ...upto);
      return { rows, next: placeOf(kind, rows.at(-1)!) };
    },

    beginImport([file, since]) {
      const [known, lines] =
        db
          .prepare<[file: string | null, lines: number]>(
            `SELECT file, lines FROM standby WHERE reason = 'IMPORTING'`,
          )
          .get() ?? [];
      if (known !== undefined) return known === file ? (lines ?? 0) : 'OTHER';
      const any = [...FILLED, `namespaces WHERE name <> 'default'`].map(
        (from) => `EXISTS (SELECT 1 FROM ${from})`,
      );
      if (db.prepare<[isFilled: number]>(`SELECT ${any.join(' OR ')}`).get()?.[0] === 1) return 'FILLED';
      db.prepare(
        `REPLACE INTO standby (one, reason, since, file, lines) VALUES (1, 'IMPORTING', ?, ?, 0)`,
      ).run(since, file);
      db.exec('DELETE FROM namespaces; DELETE FROM alive');
      return 0;
    },

    importRows([file, name, rows, from, to]) {
      const moved = db.prepare(
        `UPDATE standby SET lines = ?3 WHERE reason = 'IMPORTING' AND file = ?1 AND lines = ?2`,
      );
      if (Number(moved.run(file, from, to).changes) === 0) return linesIn(file);
      createMovedInsertion(db, name)(rows);
      return to;
    },

    finishImport() {
      const [last] = db.prepare<[seq: number | null]>('SELECT max(seq) FROM journal').get() ?? [];
      db.prepare('UPDATE last_attempts_entered SET upto = ?').run(last ?? 0);
      return enterSome(context.events, 'events', 'key') && enterSome(context.deliveries, 'deliveries', 'ord');
    },
  };

  function linesIn(file: string): number {
    const select = db.prepare<[lines: number]>(
      `SELECT lines FROM standby WHERE reason = 'IMPORTING' AND file = ?`,
    );
    return select.get(file)?.[0] ?? 0;
  }

  /** Enters the next rows in the lists. Returns whether all of them are. */
  function enterSome(catalog: Catalog, table: MovedName, key: string): boolean {
    const [next] = db
      .prepare<[next: number | null]>(`SELECT min(${key}) FROM ${table} WHERE ${key} > ?`)
      .get(catalog.upto()) ?? [null];
    if (next === null) return true;
    const [last] = db.prepare<[last: number | null]>(`SELECT max(${key}) FROM ${table}`).get() ?? [null];
    catalog.enter(Math.min(last ?? next, next + BUCKET_ROWS - 1));
    return false;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function bytesOf({ long }: MovedKind): string {
  return ['0', ...long.map((column) => `coalesce(octet_length(${column}), 0)`)].join(' + ');
}
