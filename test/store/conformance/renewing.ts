import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RunCursor } from '../../../src/domain/schedule/schedule.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { CursorMove, RenewalQuery, UpcomingRun } from '../../../src/store/intake.ts';
import { aWebhook, T0, testId } from '../../support/store.ts';
import { type Harness, register, useStore } from './harness.ts';

export function renewing(harness: Harness): void {
  describe(`${harness.name}: cursors to be computed anew`, () => {
    const store = useStore(harness);
    const read = async (id: string) => (await store().getWebhooks([id]))[0];
    const cursor = (at: number | null, more: Partial<RunCursor> = {}): { cursor: RunCursor } => ({
      cursor: { anchorAt: T0, nominalAt: at, dueAt: at, fired: 3, skipped: 4, ...more },
    });

    /** All that are found, from the beginning to the end. */
    async function found(query: Omit<RenewalQuery, 'after'>): Promise<string[]> {
      const ids: string[] = [];
      for (let after: UpcomingRun | undefined, more = true; more; more = after !== undefined) {
        const page = await store().cursorsToRenew({ ...query, ...(after && { after }) });
        ids.push(...page.webhookIds);
        after = page.next;
      }
      return ids;
    }

    test('are those of a later time and those of other rules, soonest first, then those that are over', async () => {
      const [late, soon, over] = [
        await register(store(), cursor(30, { movedAt: 501, zoneRules: 'now' })),
        await register(store(), cursor(20, { movedAt: 500, zoneRules: 'before' })),
        await register(store(), cursor(null, { movedAt: 502, zoneRules: 'now' })),
      ];
      const unknown = await register(store(), cursor(25, { zoneRules: '' }));
      await register(store(), cursor(10, { movedAt: 500, zoneRules: 'now' }));
      await register(store(), cursor(11, { movedAt: 500 }));
      await register(store(), cursor(12));
      await register(store(), cursor(null, { movedAt: 500, zoneRules: 'before' }));
      for (const state of ['PAUSED', 'DISABLED'] as const) {
        await register(store(), { state, ...cursor(5, { movedAt: 501, zoneRules: 'before' }) });
        await register(store(), { state, ...cursor(null, { movedAt: 501 }) });
      }
      const removed = await register(store(), cursor(6, { movedAt: 501 }));
      await store().removeWebhooks([{ id: removed.id, now: T0 }]);
      const ids = [soon, unknown, late, over].map(({ id }) => id);
      assert.deepEqual(await found({ movedAfter: 500, zoneRules: 'now' }), ids);
      assert.deepEqual(await store().cursorsToRenew({ movedAfter: 500, zoneRules: 'now' }), {
        webhookIds: ids,
      });
    });

    test('are looked for a bounded number at a time', async () => {
      const webhooks = Array.from({ length: 5_001 }, (_, i) => aWebhook(cursor(1_000 + i, { movedAt: 1 })));
      const last = aWebhook(cursor(9_000, { movedAt: 700 }));
      await store().createWebhooks([...webhooks, last]);
      const { webhookIds, next } = await store().cursorsToRenew({ movedAfter: 600, zoneRules: 'now' });
      assert.ok(next !== undefined && next.dueAt < 9_000);
      assert.ok(!webhookIds.includes(last.id));
      assert.ok((await found({ movedAfter: 600, zoneRules: 'now' })).includes(last.id));
    });

    test('are replaced where they stand as they did, and that is no change of the webhook', async () => {
      const webhook = await register(store(), cursor(20, { movedAt: 1, zoneRules: 'before' }));
      const over = await register(store(), cursor(null));
      await store().pollWebhooks();
      const to = cursor(40, { movedAt: 2, zoneRules: 'now' }).cursor;
      const move = (of: Webhook, more: Partial<CursorMove> = {}): CursorMove => {
        const { id: webhookId, version } = of;
        return { webhookId, version, from: of.cursor.nominalAt, to, ...more };
      };
      const stale = [
        move(webhook, { version: 2 }),
        move(webhook, { from: 21 }),
        move(webhook, { from: null }),
        move(over, { from: 20 }),
        move(webhook, { webhookId: testId('webhook') }),
        move(await register(store(), { state: 'PAUSED', ...cursor(20) })),
      ];
      assert.deepEqual(
        await store().moveCursors(stale),
        stale.map(() => 'STALE'),
      );
      assert.deepEqual(await read(webhook.id), webhook);
      assert.deepEqual(await store().moveCursors([move(webhook), move(over), move(webhook)]), [
        'MOVED',
        'MOVED',
        'STALE',
      ]);
      assert.deepEqual(await read(webhook.id), { ...webhook, cursor: to });
      assert.deepEqual(await read(over.id), { ...over, cursor: to });
      assert.ok(!(await store().pollWebhooks()).changed.includes(webhook.id));
    });
  });
}
