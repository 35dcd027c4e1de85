import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Database, openDatabase } from '../../../../src/store/sqlite/database.ts';
import { deliveryReads } from '../../../../src/store/sqlite/lists/delivery-reads.ts';
import { eventReads } from '../../../../src/store/sqlite/lists/events.ts';
import { webhookReads } from '../../../../src/store/sqlite/lists/webhooks.ts';

/** How each statement that lists are read with searches: what is looked for in which index. */
const PLANS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  deliveries: {
    loose: ['SEARCH deliveries USING INTEGER PRIMARY KEY (rowid>?)', 'USE TEMP B-TREE FOR ORDER BY'],
    'ofNamespace.entries': [
      'SEARCH delivery_types USING PRIMARY KEY (bucket=? AND namespace=? AND type=? AND id>?)',
    ],
    'ofNamespace.typeFrom': ['SEARCH delivery_types USING PRIMARY KEY (bucket=? AND namespace=? AND type>?)'],
    'ofNamespace.typeAfter': [
      'SEARCH delivery_types USING PRIMARY KEY (bucket=? AND namespace=? AND type>?)',
    ],
    'ofWebhook.entries': [
      'SEARCH delivery_webhooks USING PRIMARY KEY (bucket=? AND webhook=? AND type=? AND id>?)',
    ],
    'ofWebhook.typeFrom': ['SEARCH delivery_webhooks USING PRIMARY KEY (bucket=? AND webhook=? AND type>?)'],
    'ofWebhook.typeAfter': ['SEARCH delivery_webhooks USING PRIMARY KEY (bucket=? AND webhook=? AND type>?)'],
    lasting: ['SEARCH deliveries USING COVERING INDEX deliveries_lasting (namespace=? AND id>?)'],
    sortedLane: ['SEARCH deliveries USING INDEX deliveries_due (webhook=?)', 'USE TEMP B-TREE FOR ORDER BY'],
    lostOfNamespace: [
      'SEARCH deliveries USING COVERING INDEX deliveries_namespace_lost (namespace=? AND state=? AND <expr>=? AND id>?)',
    ],
    lostOfWebhook: [
      'SEARCH deliveries USING COVERING INDEX deliveries_webhook_lost (webhook=? AND state=? AND <expr>=? AND id>?)',
    ],
  },
  events: {
    loose: ['SEARCH events USING INTEGER PRIMARY KEY (rowid>?)', 'USE TEMP B-TREE FOR ORDER BY'],
    'listed.entries': ['SEARCH event_types USING PRIMARY KEY (bucket=? AND namespace=? AND type=? AND id>?)'],
    'listed.typeFrom': ['SEARCH event_types USING PRIMARY KEY (bucket=? AND namespace=? AND type>?)'],
    'listed.typeAfter': ['SEARCH event_types USING PRIMARY KEY (bucket=? AND namespace=? AND type>?)'],
  },
  webhooks: {
    byId: ['SEARCH webhooks USING INDEX webhooks_namespace (namespace=? AND id>?)'],
    ofName: [
      'SEARCH webhooks USING INDEX webhooks_name (namespace=? AND name=?)',
      'USE TEMP B-TREE FOR ORDER BY',
    ],
    byName: [
      'SEARCH webhooks USING INDEX webhooks_name (namespace=? AND name>?)',
      'USE TEMP B-TREE FOR LAST TERM OF ORDER BY',
    ],
  },
};

const READS = { deliveries: deliveryReads, events: eventReads, webhooks: webhookReads };

describe('a list is read by an index', () => {
  for (const [noun, plans] of Object.entries(PLANS)) {
    for (const back of [false, true]) {
      test(`of ${noun}, ${back ? 'one way' : 'the other way'}`, () => {
        const db = openDatabase(':memory:');
        const sqlOf = new Map<unknown, string>();
        const noting: Database = {
          ...db,
          prepare: (sql) => {
            const statement = db.prepare<never>(sql);
            sqlOf.set(statement, sql);
            return statement;
          },
        };
        const reads = READS[noun as keyof typeof READS](noting, back);
        for (const [path, expected] of Object.entries(plans)) {
          const statement = path
            .split('.')
            .reduce<unknown>((at, name) => Reflect.get(at as object, name), reads);
          assert.deepEqual(planOf(db, sqlOf.get(statement)!), expected, path);
        }
        db.close();
      });
    }
  }
});

/** The steps of a plan; < and > are told apart by the direction of a list only. */
function planOf(db: Database, sql: string): string[] {
  const steps = db.prepare<[id: number, parent: number, unused: number, detail: string]>(
    `EXPLAIN QUERY PLAN ${sql}`,
  );
  return steps
    .all()
    .map(([, , , detail]) => detail.replaceAll('<?', '>?'))
    .filter((detail) => !/^(CO-ROUTINE|SCAN \(subquery|SCAN subquery)/.test(detail));
}
