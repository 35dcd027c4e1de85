import { patternsOf } from '../../../domain/event/match.ts';
import type { AskedSpec } from '../../../domain/webhook/asked.ts';
import type { Database } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** Which webhooks asked for which event types: a row for each pattern, so that looking up costs what it finds. */
export interface Subscriptions {
  /** `spec` is what the webhook asked for, in JSON as it is stored. */
  readonly add: (namespace: string, id: string, spec: string) => Promise<void>;
  readonly change: (namespace: string, id: string, from: string, to: string) => Promise<void>;
  readonly remove: (namespace: string, id: string, spec: string) => Promise<void>;
}

export function createSubscriptions(db: Database): Subscriptions {
  const insert = db.prepare(`
    INSERT INTO @subscriptions (namespace, pattern, webhook_id)
    SELECT ?, pattern, ? FROM unnest(?::text[]) AS v (pattern) ON CONFLICT DO NOTHING`);
  const clear = db.prepare(
    'DELETE FROM @subscriptions WHERE namespace = ? AND webhook_id = ? AND pattern = ANY(?)',
  );

  async function add(namespace: string, id: string, spec: string): Promise<void> {
    const patterns = patternsIn(spec);
    if (patterns.length > 0) await insert.run(namespace, id, patterns);
  }
  async function remove(namespace: string, id: string, spec: string): Promise<void> {
    const patterns = patternsIn(spec);
    if (patterns.length > 0) await clear.run(namespace, id, patterns);
  }

  return {
    add,
    remove,
    async change(namespace, id, from, to) {
      if (from === to) return;
      await remove(namespace, id, from);
      await add(namespace, id, to);
    },
  };
}

export function matchVerbs({ db }: { readonly db: Database }): Pick<Verbs, 'matchWebhooks'> {
  const select = db.prepare<[place: number, id: string]>(`
    SELECT DISTINCT v.place, s.webhook_id
    FROM unnest(?::integer[], ?::text[], ?::text[]) AS v (place, namespace, pattern)
    JOIN @subscriptions AS s ON s.namespace = v.namespace AND s.pattern = v.pattern
    ORDER BY v.place, s.webhook_id`);

  return {
    async matchWebhooks(rows) {
      const asked = rows.flatMap(([namespace, type], place) =>
        [...patternsOf(type)].map((pattern) => ({ place, namespace, pattern })),
      );
      const found: string[][] = rows.map(() => []);
      if (asked.length === 0) return found;
      const ids = await select.all(
        asked.map(({ place }) => place),
        asked.map(({ namespace }) => namespace),
        asked.map(({ pattern }) => pattern),
      );
      for (const [place, id] of ids) found[place]!.push(id);
      return found;
    },
  };
}

function patternsIn(spec: string): readonly string[] {
  return (JSON.parse(spec) as Pick<AskedSpec, 'eventTypes'>).eventTypes ?? [];
}
