import { firstIdAt } from '../src/domain/id.ts';
import type { Past } from './seed-history.ts';

const COPIED = 1_000;
/** Copies in one transaction. */
const COPIES = 20;

/** Copies the deliveries that `seedFirst` made, as often as it takes. Nothing else was in the schema, which has tables for their days. */
export async function copyFirstIn(
  run: (...statements: readonly string[]) => Promise<void>,
  { thousands, since, until }: Past,
): Promise<void> {
  const stepMs = (until - since) / thousands;
  await run(
    'SET synchronous_commit = off',
    `CREATE TEMP TABLE first_events AS SELECT * FROM events;
     CREATE TEMP TABLE first_history AS SELECT * FROM history;
     CREATE TEMP TABLE first_journal AS
       SELECT j.*, h.ord FROM journal AS j JOIN history AS h ON h.id = j.delivery`,
  );
  for (let n = 1; n < thousands; n += COPIES) {
    const copies: string[] = [];
    for (let i = n; i < Math.min(thousands, n + COPIES); i++)
      copies.push(copyOf(i, Math.floor(i * stepMs), since));
    await run(copies.join('; '));
  }
  const last = thousands * COPIED;
  await run(
    `SELECT setval('event_keys', ${last}), setval('ords', ${last}), setval('journal_seqs', ${last})`,
    // Otherwise all of them would be read at the start for the last attempts.
    `UPDATE last_attempts_entered SET upto = ${last}`,
    'DROP TABLE first_events, first_history, first_journal',
    'VACUUM ANALYZE events',
    'VACUUM ANALYZE history',
    'VACUUM ANALYZE journal',
    'RESET synchronous_commit',
    'CHECKPOINT',
  );
}

/** All of them for the n-th time, `laterMs` later. */
function copyOf(n: number, laterMs: number, since: number): string {
  const further = n * COPIED;
  const time = firstIdAt('event', since + laterMs).slice('evt_'.length);
  const id = (prefix: string, key: string) =>
    `'${prefix}${time}' || lpad((${key} + ${further})::text, 16, '0')`;
  return `
    INSERT INTO events (key, id, namespace, type, time, content_type, created_at, body, made, deliveries)
    SELECT key + ${further}, ${id('evt_', 'key')}, namespace, type, time + ${laterMs}, content_type,
      created_at + ${laterMs}, body, made, deliveries
    FROM first_events;
    INSERT INTO history (id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before, run, turn,
      format, rendered, last_status, replay_of, created_at, state, reason, message, finished_at, journal, apart)
    SELECT ${id('msg_', 'ord')}, ord + ${further}, namespace, webhook, event + ${further}, type, due_at + ${laterMs},
      first_due_at + ${laterMs}, attempts, attempts_before, run, turn, format, rendered, last_status, replay_of,
      created_at + ${laterMs}, state, reason, message, finished_at + ${laterMs}, journal + ${further}, 0
    FROM first_history;
    INSERT INTO journal (seq, delivery, namespace, webhook, state, reason, at, attempts, status, number, facts, headers, body,
      apart)
    SELECT seq + ${further}, ${id('msg_', 'ord')}, namespace, webhook, state, reason, at + ${laterMs}, attempts, status,
      number, facts, headers, body, 0
    FROM first_journal`;
}
