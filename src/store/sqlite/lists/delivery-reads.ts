import { readFrom } from '../../rows/layout.ts';
import type { Database } from '../database.ts';
import { OF_EVENT } from '../joins.ts';
import { listByType } from './by-type.ts';
import { ENTRY, type Entry } from './merge.ts';

/** An entry as the deliveries themselves have it. */
const TABLE_ENTRY = readFrom(ENTRY, { key: 'ord' });

/** What lists of deliveries are read with, in one direction. ?1 is mostly the id beyond which to read. */
export function deliveryReads(db: Database, ascending: boolean) {
  const [beyond, direction] = ascending ? ['>', 'ASC'] : ['<', 'DESC'];
  const inTable = (rest: string) =>
    db.prepare<Entry>(`SELECT ${TABLE_ENTRY.columns} FROM ${rest} ORDER BY id ${direction} LIMIT ?`);

  return {
    // The pluses keep SQLite from choosing another index: these are few rows.
    loose: inTable(`
      (SELECT +id AS id, ord, created_at, type FROM deliveries
      WHERE +id ${beyond} ?1 AND ord > ?2 AND +namespace = ?3
        AND (?4 IS NULL OR +webhook = ?4) AND (?5 IS NULL OR +state = ?5)
        AND +created_at >= ?6 AND +created_at < ?7 AND +type >= ?8 AND +type <= ?9)`),
    ofNamespace: listByType(db, 'delivery_types', 'namespace', ascending),
    ofWebhook: listByType(db, 'delivery_webhooks', 'webhook', ascending),
    lasting: inTable(`
      deliveries INDEXED BY deliveries_lasting
      WHERE id ${beyond} ? AND namespace = ? AND state = 0 AND lasting = 1`),
    sortedLane: inTable(`
      (SELECT +id AS id, ord, created_at, type FROM deliveries INDEXED BY deliveries_due
      WHERE +id ${beyond} ? AND webhook = ? AND state = 0)`),
    lostOfNamespace: inTable(`
      deliveries INDEXED BY deliveries_namespace_lost
      WHERE id ${beyond} ? AND namespace = ? AND state = ? AND last_status / 100 = ? AND state > 1`),
    lostOfWebhook: inTable(`
      deliveries INDEXED BY deliveries_webhook_lost
      WHERE id ${beyond} ? AND webhook = ? AND state = ? AND last_status / 100 = ? AND state > 1`),
    ofEvent: inTable(`
      (SELECT +id AS id, ord, created_at, type FROM deliveries WHERE ord IN (${OF_EVENT}) AND +id ${beyond} ?2)`),
    lane: db.prepare('SELECT 1 FROM deliveries WHERE webhook = ? AND state = 0 LIMIT ?'),
  };
}
