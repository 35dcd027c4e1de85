import { matcherOf } from '../../../domain/listing/condition.ts';
import { WEBHOOK_FIELDS } from '../../../domain/listing/fields.ts';
import { partsOfPlace, placeOfWebhook } from '../../../domain/listing/place.ts';
import type { WebhookFilter } from '../../rows/filters.ts';
import { WEBHOOK, type WebhookRow } from '../../rows/tables.ts';
import { judgedFromRow } from '../../rows/webhook.ts';
import type { Database, Statement } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Rows read at a time, since each may hold a payload of 1 MiB. */
const PIECE_ROWS = 25;
/** Rows that one call looks at. */
const LOOKED_AT_MAX = 250;
const LEAST = '';
/** An id greater than any, and a name: names have no greater character. */
const GREATEST = '~';
const GREATEST_NAME = '\u{10ffff}'.repeat(256);

/** Reads webhooks in the order asked for, and judges them one by one. */
export function webhookList(db: Database): Verbs['listWebhooks'] {
  const reads = { ascending: webhookReads(db, false), descending: webhookReads(db, true) };

  function readBeyond(
    filter: WebhookFilter,
  ): (from: string | undefined, limit: number) => Promise<WebhookRow[]> {
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

  return async (filter) => {
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
      const piece = await read(from, size);
      for (const row of piece) {
        looked++;
        from = placeOfWebhook(row[at.id], row[at.name], by);
        if (where === undefined || matches(judgedFromRow(row))) rows.push(row);
        if (rows.length >= limit || looked >= LOOKED_AT_MAX) return { rows, next: from, looked };
      }
      if (piece.length < size) return { rows, next: null, looked };
    }
  };
}

interface WebhookReads {
  readonly byId: Statement<WebhookRow>;
  readonly ofName: Statement<WebhookRow>;
  readonly byName: Statement<WebhookRow>;
}

/** What lists of webhooks are read with, in one direction. */
function webhookReads(db: Database, descending: boolean): WebhookReads {
  const [beyond, direction] = descending ? ['<', 'DESC'] : ['>', 'ASC'];
  const select = (rest: string) =>
    db.prepare<WebhookRow>(`
      SELECT ${WEBHOOK.columns} FROM @webhooks WHERE removed_at IS NULL AND namespace = ? AND ${rest} LIMIT ?`);
  return {
    byId: select(`id ${beyond} ? ORDER BY id ${direction}`),
    ofName: select(`name = ? AND id ${beyond} ? ORDER BY id ${direction}`),
    byName: select(`(name, id) ${beyond} (?::text, ?::text) ORDER BY name ${direction}, id ${direction}`),
  };
}
