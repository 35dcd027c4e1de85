import { patternsOf } from '../../../domain/event/match.ts';
import type { AskedSpec } from '../../../domain/webhook/asked.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Which webhooks asked for which event types: a row for each pattern, so that looking up costs what it finds. */
export interface Subscriptions {
  /** `spec` is what the webhook asked for, in JSON as it is stored. */
  readonly add: (namespace: string, id: string, spec: string) => void;
  readonly change: (namespace: string, id: string, from: string, to: string) => void;
  readonly remove: (namespace: string, id: string, spec: string) => void;
}

export function createSubscriptions(db: Database): Subscriptions {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO subscriptions (namespace, pattern, webhook_id) VALUES (?, ?, ?)',
  );
  const clear = db.prepare(
    'DELETE FROM subscriptions WHERE namespace = ? AND pattern = ? AND webhook_id = ?',
  );

  function add(namespace: string, id: string, spec: string): void {
    for (const pattern of patternsIn(spec)) insert.run(namespace, pattern, id);
  }
  function remove(namespace: string, id: string, spec: string): void {
    for (const pattern of patternsIn(spec)) clear.run(namespace, pattern, id);
  }

  return {
    add,
    remove,
    change(namespace, id, from, to) {
      if (from === to) return;
      remove(namespace, id, from);
      add(namespace, id, to);
    },
  };
}

export function matchVerbs({ db }: { readonly db: Database }): Pick<Verbs, 'matchWebhooks'> {
  const select = db.prepare<[id: string]>(
    'SELECT webhook_id FROM subscriptions WHERE namespace = ? AND pattern = ?',
  );

  function match(namespace: string, type: string): string[] {
    const found = new Set<string>();
    for (const pattern of patternsOf(type)) {
      for (const [id] of select.all(namespace, pattern)) found.add(id);
    }
    return [...found].sort();
  }

  return { matchWebhooks: (rows) => rows.map(([namespace, type]) => match(namespace, type)) };
}

function patternsIn(spec: string): readonly string[] {
  return (JSON.parse(spec) as Pick<AskedSpec, 'eventTypes'>).eventTypes ?? [];
}
