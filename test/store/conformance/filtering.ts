import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Delivery, Transition } from '../../../src/domain/delivery/delivery.ts';
import type { Condition } from '../../../src/domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../../src/domain/listing/fields.ts';
import { readFilter } from '../../../src/domain/listing/filter.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { DeliveryQuery, Part } from '../../../src/store/delivery-log.ts';
import { aDelivery, anAttempt, aPublication, T0 } from '../../support/store.ts';
import { aNamespace, type Harness, register, useStore, waitingOf } from './harness.ts';

interface Told {
  readonly id: string;
  readonly webhookId: string;
  /** As readers see it. */
  readonly event: string;
  readonly type: string;
  readonly createdAt: number;
  readonly state: Transition['to'];
  /** Of the last answer; undefined without one. */
  readonly status: number | undefined;
}

const where = (text: string): Condition => readFilter(text, DELIVERY_FIELDS)!;

const TYPES = ['order.paid', 'order.sent', 'user.made', 'order'];
/** What comes of the deliveries, one after the other. */
const COURSES: readonly { readonly transition: Transition; readonly status?: number }[] = [
  { transition: { to: 'SUCCEEDED' }, status: 204 },
  { transition: { to: 'FAILED', reason: 'EXHAUSTED' }, status: 503 },
  { transition: { to: 'PENDING', dueAt: T0 }, status: 500 },
  { transition: { to: 'FAILED', reason: 'EXHAUSTED' } },
  { transition: { to: 'CANCELLED', reason: 'REQUESTED' }, status: 429 },
  { transition: { to: 'PENDING', dueAt: T0 } },
  { transition: { to: 'FAILED', reason: 'REFUSED' }, status: 404 },
];

export function filtering(harness: Harness): void {
  describe(`${harness.name}: filtering deliveries`, () => {
    const store = useStore(harness);
    const namespace = aNamespace();
    const told: Told[] = [];
    /** The events' own ids. */
    const ids: string[] = [];
    let webhooks: Webhook[] = [];

    before(async () => {
      webhooks = [await register(store(), { namespace }), await register(store(), { namespace })];
      for (let n = 0; n < 84; n++) {
        const webhookId = webhooks[n % 2]!.id;
        const [type, createdAt] = [TYPES[n % TYPES.length]!, T0 + n];
        const delivery = aDelivery(webhookId);
        if (n < 40) {
          const event = { namespace, type, createdAt, callerId: `event-${n}` };
          const publication = aPublication([], { event });
          ids.push(publication.event.id);
          await store().publish([{ ...publication, deliveries: [delivery] }]);
        } else {
          await store().replay([{ eventId: ids[n % 40]!, delivery, now: createdAt }]);
        }
        const waiting = (await waitingOf(store(), webhookId)).find(({ id }) => id === delivery.id);
        const { transition, status } = COURSES[n % COURSES.length]!;
        const attempt = status === undefined ? undefined : anAttempt(1, status);
        if (n % 21 !== 20) {
          await store().settle(
            [{ delivery: waiting!, ...(attempt && { attempt }), transition, now: T0 + 1_000 }],
            [],
          );
        }
        const settled = n % 21 !== 20;
        told.unshift({
          id: delivery.id,
          webhookId,
          event: `event-${n % 40}`,
          type,
          createdAt,
          state: settled ? transition.to : 'PENDING',
          status: settled ? status : undefined,
        });
      }
    });

    type Filter = Omit<DeliveryQuery, 'namespace' | 'limit'>;
    type Asked = [filter: Filter, isAskedFor: (each: Told) => boolean];
    const inState = (state: Told['state']) => (): Asked => [{ state }, (each) => each.state === state];
    const answered = (from: number, to: number) => (): Asked => [
      { lastStatus: { from, to } },
      ({ status = 0 }) => status >= from && status <= to,
    ];
    /** By field: of two filters on one field only one can be asked. */
    const FILTERS: Record<string, Record<string, () => Asked>> = {
      webhook: {
        'a webhook': () => [{ webhookId: webhooks[1]!.id }, (each) => each.webhookId === webhooks[1]!.id],
      },
      event: { 'an event': () => [{ eventId: ids[7]! }, ({ event }) => event === 'event-7'] },
      type: {
        'a type': () => [{ eventType: { exact: 'order.paid' } }, ({ type }) => type === 'order.paid'],
        'types that begin alike': () => [
          { eventType: { prefix: 'order.' } },
          ({ type }) => type.startsWith('order.'),
        ],
      },
      time: {
        'a time': () => [
          { since: T0 + 10, until: T0 + 50 },
          ({ createdAt }) => createdAt >= T0 + 10 && createdAt < T0 + 50,
        ],
      },
      state: {
        'being PENDING': inState('PENDING'),
        'being SUCCEEDED': inState('SUCCEEDED'),
        'being FAILED': inState('FAILED'),
        'being CANCELLED': inState('CANCELLED'),
      },
      where: {
        'a condition that no index has': () => [
          { where: where('attempt_count = 1 AND NOT last_response_status = 204 OR event_type = user.*') },
          ({ type, status }) => status !== undefined && (status !== 204 || type.startsWith('user.')),
        ],
      },
      states: {
        'not having ended well': () => [
          {
            state: ['PENDING', 'FAILED', 'CANCELLED'],
            where: where('create_time >= 2026-01-01T00:00:00.005Z'),
          },
          ({ state, createdAt }) => state !== 'SUCCEEDED' && createdAt >= T0 + 5,
        ],
      },
      status: {
        'an answer of 5xx': answered(500, 599),
        'an answer of 404': answered(404, 404),
        'an answer of 2xx': answered(200, 299),
        'any answer': answered(100, 999),
      },
    };

    /** They ask by the same fields of a query. */
    const SAME = new Set(['state states', 'states where']);

    async function isListed(query: DeliveryQuery, isAskedFor: (each: Told) => boolean): Promise<void> {
      const expected = told.filter(isAskedFor).map(({ id }) => id);
      assert.deepEqual(await pages(query), expected);
      assert.deepEqual(await pages({ ...query, ascending: true }), expected.toReversed());
    }

    test('by nothing, both ways, page by page', () => isListed({ namespace, limit: 7 }, () => true));

    for (const [field, filters] of Object.entries(FILTERS)) {
      for (const [name, asked] of Object.entries(filters)) {
        test(`by ${name}, both ways, page by page`, async () => {
          const [filter, isAskedFor] = asked();
          await isListed({ namespace, limit: 7, ...filter }, isAskedFor);
        });
        for (const [otherField, others] of Object.entries(FILTERS)) {
          if (otherField <= field || SAME.has(`${field} ${otherField}`)) continue;
          for (const [otherName, otherAsked] of Object.entries(others)) {
            test(`by ${name} and ${otherName}, both ways, page by page`, async () => {
              const [[filter, isAskedFor], [other, isOther]] = [asked(), otherAsked()];
              const query = { namespace, limit: 7, ...filter, ...other };
              await isListed(query, (each) => isAskedFor(each) && isOther(each));
            });
          }
        }
      }
    }

    async function pages(query: DeliveryQuery): Promise<string[]> {
      const found: string[] = [];
      for (;;) {
        const last = found.at(-1);
        const from = last === undefined ? {} : query.ascending ? { after: last } : { before: last };
        const page = await store().listDeliveries({ ...query, ...from });
        found.push(...page.map(({ id }) => id));
        if (page.length < query.limit) return found;
      }
    }

    test('all filters together', async () => {
      const [webhook] = webhooks;
      const found = await store().listDeliveries({
        namespace,
        limit: 100,
        webhookId: webhook!.id,
        state: 'FAILED',
        eventType: { prefix: 'order.' },
        since: T0,
        until: T0 + 80,
        lastStatus: { from: 400, to: 599 },
        before: told[3]!.id,
      });
      const expected = told
        .slice(4)
        .filter(
          ({ webhookId, state, type }) =>
            webhookId === webhook!.id && state === 'FAILED' && type.startsWith('order.'),
        )
        .filter(({ createdAt, status = 0 }) => createdAt < T0 + 80 && status >= 400);
      assert.ok(expected.length > 0);
      assert.deepEqual(
        found.map(({ id }) => id),
        expected.map(({ id }) => id),
      );
    });

    test('a scan of what is seldom looks at a bounded number, and says where to go on', async () => {
      const seldom = where('id = none');
      let [parts, looked] = [0, 0];
      for (let before: string | null | undefined; before !== null; parts++) {
        const part: Part<Delivery> = await store().scanDeliveries({
          namespace,
          limit: 10,
          where: seldom,
          ...(before !== undefined && { before }),
        });
        assert.deepEqual(part.rows, []);
        looked += part.looked;
        before = part.next;
      }
      assert.deepEqual([parts, looked], [1, told.length]);
      const first = await store().scanDeliveries({ namespace, limit: 10, where: where('NOT id = none') });
      assert.deepEqual([first.rows.length, first.looked, first.next], [10, 10, told[9]!.id]);
    });

    test('what is asked for shows what was asked for', async () => {
      const found = await store().listDeliveries({ namespace, limit: 100 });
      assert.deepEqual(
        found.map(({ id, webhookId, eventId, eventType, createdAt, state, lastStatus }) => ({
          id,
          webhookId,
          event: eventId,
          type: eventType,
          createdAt,
          state,
          status: lastStatus,
        })),
        told,
      );
    });

    test('an event is found by its own id, not by the one that readers see', async () => {
      assert.deepEqual(await store().listDeliveries({ namespace, eventId: 'event-7', limit: 10 }), []);
    });

    test('an event of another namespace is not found', async () => {
      const query = { namespace: aNamespace(), eventId: ids[7]!, limit: 10 };
      assert.deepEqual(await store().listDeliveries(query), []);
    });
  });
}
