import { matcherOf } from '../../../domain/listing/condition.ts';
import { WEBHOOK_FIELDS } from '../../../domain/listing/fields.ts';
import { partsOfPlace, placeOfWebhook } from '../../../domain/listing/place.ts';
import { GREATEST, LEAST, type WebhookFilter } from '../../rows/filters.ts';
import { WEBHOOK, type WebhookRow } from '../../rows/tables.ts';
import { judgedFromRow } from '../../rows/webhook.ts';
import type { Database, Statement } from '../database.ts';
import type { Verbs } from '../protocol.ts';
import { COST_MAX, ROW_COST } from './reading.ts';

/** Rows read at a time, since each may hold a payload of 1 MiB. */
const PIECE_ROWS = 25;
/** A greater name than any: SQLite has all bytes after all texts. */
const GREATEST_NAME = new Uint8Array();

/** Reads webhooks in the order asked for, and judges them one by one. */
export function webhookList(db: Database): Verbs['listWebhooks'] {
  const reads = { ascending: webhookReads(db, false), descending: webhookReads(db, true) };

  function readBeyond(filter: WebhookFilter): (from: string | undefined, limit: number) => WebhookRow[] {
    const { namespace, by, descending, name } = filter;
    const read = descending ? reads.descending : reads.ascending;
    const first = descending ? ([GREATEST, GREATEST_NAME] as const) : ([LEAST, LEAST] as const);
    return (from, limit) => {
      const [id, afterName] = from === undefined ? first : partsOfPlace(from);
      if (name !== undefined) return read.ofName.all(namespace, name, id, limit);
      if (by === 'id') return read.byId.all(namespace, id, limit);
      return read.byName.all(namespace, afterName, id, limit);
    };
  }

  return (filter) => {
    const { at } = WEBHOOK;
    const { where, limit, by } = filter;
    const read = readBeyond(filter);
    const matches = matcherOf(where, WEBHOOK_FIELDS);
    const rows: WebhookRow[] = [];
    let looked = 0;
    let { from } = filter;
    for (;;) {
      // Without a condition no more is read than is wanted.
      const size = where === undefined ? Math.min(limit - rows.length, PIECE_ROWS) : PIECE_ROWS;
      const piece = read(from, size);
      for (const row of piece) {
        looked++;
        from = placeOfWebhook(row[at.id], row[at.name], by);
        if (where === undefined || matches(judgedFromRow(row))) rows.push(row);
        if (rows.length >= limit || looked * ROW_COST >= COST_MAX) return { rows, next: from, looked };
      }
      if (piece.length < size) return { rows, next: null, looked };
    }
  };
}

interface WebhookReads {
  readonly byId: Statement<WebhookRow>;
  /** Of one name there are few, which are sorted. */
  readonly ofName: Statement<WebhookRow>;
  /** Those of the same name are sorted. */
  readonly byName: Statement<WebhookRow>;
}

/** What lists of webhooks are read with, in one direction. */
export function webhookReads(db: Database, descending: boolean): WebhookReads {
  const [beyond, direction] = descending ? ['<', 'DESC'] : ['>', 'ASC'];
  const select = (index: string, rest: string) =>
    db.prepare<WebhookRow>(`
      SELECT ${WEBHOOK.columns} FROM webhooks INDEXED BY ${index}
      WHERE removed_at IS NULL AND namespace = ? AND ${rest} LIMIT ?`);
  return {
    byId: select('webhooks_namespace', `id ${beyond} ? ORDER BY id ${direction}`),
    ofName: select('webhooks_name', `name = ? AND id ${beyond} ? ORDER BY id ${direction}`),
    byName: select(
      'webhooks_name',
      `(name, id) ${beyond} (?, ?) ORDER BY name ${direction}, id ${direction}`,
    ),
  };
}
