import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attempt, ErrorClass } from '../../../src/domain/delivery/attempt.ts';
import type { Transition } from '../../../src/domain/delivery/delivery.ts';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { LaneChange, NewDelivery } from '../../../src/store/store.ts';
import { aDelivery, anAttempt, aPublication, keyOf, T0, testId } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, useStore, waitingOf } from './harness.ts';

const ERROR_CLASSES: ErrorClass[] = [
  'TIMEOUT',
  'CONNECT',
  'DNS',
  'TLS',
  'RESET',
  'PROTOCOL',
  'FORBIDDEN_ADDRESS',
  'REQUEST',
  'OAUTH',
];

export function settling(harness: Harness): void {
  describe(`${harness.name}: settling`, () => {
    const store = useStore(harness);

    async function oneWaiting() {
      const webhook = await register(store());
      const [delivery = assert.fail()] = await publishTo(store(), webhook);
      return { webhook, delivery };
    }

    const finals: Transition[] = [
      { to: 'SUCCEEDED' },
      { to: 'FAILED', reason: 'EXHAUSTED' },
      { to: 'FAILED', reason: 'REFUSED' },
      { to: 'FAILED', reason: 'GONE' },
      { to: 'FAILED', reason: 'RENDER' },
      { to: 'CANCELLED', reason: 'SUPERSEDED' },
    ];
    for (const transition of finals) {
      const { to, reason } = { reason: undefined, ...transition };
      test(`a delivery that is ${to}${reason ? ` (${reason})` : ''} waits no more`, async () => {
        const { webhook, delivery } = await oneWaiting();
        const settled = await store().settle([settlement(delivery, transition, T0 + 8)], []);
        assert.deepEqual(settled, ['SETTLED']);
        assert.deepEqual(await waitingOf(store(), webhook.id), []);
        assert.deepEqual(await store().getDelivery(keyOf(delivery.id)), {
          id: delivery.id,
          namespace: webhook.namespace,
          webhookId: webhook.id,
          webhookName: webhook.spec.name,
          eventId: delivery.eventId,
          eventType: 'carillon.run',
          state: to,
          ...(reason && { reason }),
          attemptCount: 1,
          createdAt: T0,
          finishedAt: T0 + 8,
          lastStatus: 200,
          attempts: [anAttempt(1)],
        });
      });
    }

    test('a delivery that could not be rendered says why, to watchers too, until its event is erased', async () => {
      const { webhook, delivery } = await oneWaiting();
      const namespace = webhook.namespace;
      const { next } = (await store().changesSince({ namespace, limit: 1 })) as { next: number };
      const transition = { to: 'FAILED', reason: 'RENDER', message: 'no header' } as const;
      await store().settle([{ delivery, transition, now: T0 + 8 }], []);
      const found = await store().getDelivery(keyOf(delivery.id));
      assert.deepEqual([found?.reason, found?.message, found?.attemptCount], ['RENDER', 'no header', 0]);
      const [listed] = await store().listDeliveries({ namespace, state: 'FAILED', limit: 10 });
      assert.equal(listed?.message, 'no header');
      const told = await store().changesSince({ namespace, after: next, limit: 10 });
      assert.deepEqual(
        told !== 'GAP' && told.changes.map(({ delivery: { reason, message } }) => [reason, message]),
        [['RENDER', 'no header']],
      );
      await store().purgeEvents([{ namespace, id: delivery.eventId }]);
      assert.equal((await store().getDelivery(keyOf(delivery.id)))?.message, undefined);
    });

    test('what is to be rendered later waits so, until it was made', async () => {
      const webhook = await register(store());
      const made = (): NewDelivery => ({ ...aDelivery(webhook.id), format: 'ENVELOPE', toRender: true });
      const deliveries = [made(), made()];
      const event = { namespace: webhook.namespace };
      await store().publish([{ ...aPublication([], { event }), deliveries }]);
      const polled = (await store().pollWaiting()).deliveries.filter(
        ({ webhookId }) => webhookId === webhook.id,
      );
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ toRender, rendered }) => [toRender, rendered]),
        [
          [true, false],
          [true, false],
        ],
      );
      assert.deepEqual(polled, waiting);

      const [first, second] = [waiting[0]!, waiting[1]!];
      const rendered = { body: new Uint8Array([1, 2]), contentType: 'text/x', headers: { 'x-a': 'b' } };
      await store().keepMade([
        { delivery: first, format: 'RENDERED', rendered },
        { delivery: second, format: 'BODY' },
      ]);
      assert.deepEqual(
        (await waitingOf(store(), webhook.id)).map(({ format, rendered: has, toRender }) => [
          format,
          has,
          toRender,
        ]),
        [
          ['RENDERED', true, undefined],
          ['BODY', false, undefined],
        ],
      );
      // What was sent already is repeated as it was.
      await store().keepMade([{ delivery: first, format: 'BODY', rendered: { headers: {} } }]);
      assert.deepEqual(await store().getRendered([first.id, second.id]), [rendered, undefined]);
    });

    test('a delivery that is put off waits with its attempts counted', async () => {
      const { webhook, delivery } = await oneWaiting();
      const postponed = settlement(delivery, { to: 'PENDING', dueAt: T0 + 99 });
      assert.deepEqual(await store().settle([postponed], []), ['SETTLED']);
      assert.deepEqual(await waitingOf(store(), webhook.id), [{ ...delivery, dueAt: T0 + 99, attempts: 1 }]);
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.state, 'PENDING');
      assert.equal(detail.dueAt, T0 + 99);
      assert.equal(detail.attemptCount, 1);
      assert.deepEqual(detail.attempts, [anAttempt(1)]);
    });

    test('attempts add up, oldest first', async () => {
      const { delivery } = await oneWaiting();
      const attempts = [anAttempt(1, 500), anAttempt(2, 503), anAttempt(3, 200)];
      for (const [made, attempt] of attempts.entries()) {
        const transition: Transition = made < 2 ? { to: 'PENDING', dueAt: T0 } : { to: 'SUCCEEDED' };
        await store().settle(
          [{ delivery: { ...delivery, attempts: made }, attempt, transition, now: T0 }],
          [],
        );
      }
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.attemptCount, 3);
      assert.deepEqual(detail.attempts, attempts);
    });

    test('attempts that are reported in another order are all counted', async () => {
      const { delivery } = await oneWaiting();
      const transition: Transition = { to: 'PENDING', dueAt: T0 };
      for (const number of [2, 1]) {
        await store().settle([{ delivery, attempt: anAttempt(number), transition, now: T0 }], []);
      }
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.attemptCount, 2);
      assert.deepEqual(detail.attempts, [anAttempt(1), anAttempt(2)]);
    });

    test('an attempt without an answer leaves the status of the last answer', async () => {
      const { delivery } = await oneWaiting();
      const tried = { startedAt: T0, durationMs: 1, timing: {} };
      const outcome = { kind: 'failed', errorClass: 'TIMEOUT', message: 'too late', ...tried } as const;
      const later: Transition = { to: 'PENDING', dueAt: T0 };
      const statuses: (number | undefined)[] = [];
      for (const [i, { attempt, transition }] of [
        { attempt: anAttempt(1, 503), transition: later },
        { attempt: { number: 2, requestHeaders: [], outcome }, transition: later },
        {
          attempt: { number: 3, requestHeaders: [], outcome },
          transition: { to: 'FAILED', reason: 'EXHAUSTED' } as const,
        },
      ].entries()) {
        await store().settle([{ delivery: { ...delivery, attempts: i }, attempt, transition, now: T0 }], []);
        statuses.push((await store().getDelivery(keyOf(delivery.id)))?.lastStatus);
      }
      assert.deepEqual(statuses, [503, 503, 503]);
    });

    test('a delivery that is cancelled without an attempt has none', async () => {
      const { delivery } = await oneWaiting();
      const transition: Transition = { to: 'CANCELLED', reason: 'SUPERSEDED' };
      await store().settle([{ delivery, transition, now: T0 }], []);
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.attemptCount, 0);
      assert.deepEqual(detail.attempts, []);
    });

    test('an answer is read as it was written', async () => {
      const { delivery } = await oneWaiting();
      const attempt: Attempt = {
        number: 1,
        requestHeaders: ['webhook-id', delivery.id, 'x-odd', 'a, "b"', 'x-empty', ''],
        outcome: {
          kind: 'answered',
          status: 418,
          headers: { 'x-odd': 'a, "b"', 'set-cookie': 'ü' },
          body: Uint8Array.from({ length: 256 }, (_, i) => i).subarray(1),
          truncated: true,
          startedAt: T0 + 1,
          durationMs: 0.125,
          timing: { dnsMs: 0.25, connectMs: 1, tlsMs: 2.5, waitMs: 0, readMs: 12 },
          remoteAddress: '[::1]:443',
        },
      };
      await store().settle([{ delivery, attempt, transition: { to: 'SUCCEEDED' }, now: T0 }], []);
      assert.deepEqual((await store().getDelivery(keyOf(delivery.id)))?.attempts, [attempt]);
    });

    test('an answer whose body was not whole is read as it was written', async () => {
      const { delivery } = await oneWaiting();
      const whole = anAttempt(1);
      assert.ok(whole.outcome.kind === 'answered');
      const bodyFault = { errorClass: 'RESET', message: 'cut | off, "so"' } as const;
      const attempt: Attempt = { ...whole, outcome: { ...whole.outcome, truncated: true, bodyFault } };
      await store().settle([{ delivery, attempt, transition: { to: 'SUCCEEDED' }, now: T0 }], []);
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.deepEqual([detail?.attempts, detail?.lastStatus], [[attempt], whole.outcome.status]);
    });

    test('failures to get an answer are read as they were written', async () => {
      const { delivery } = await oneWaiting();
      const attempts = ERROR_CLASSES.map((errorClass, i): Attempt => {
        const outcome = {
          kind: 'failed',
          errorClass,
          message: `it's ${i}`,
          startedAt: i,
          durationMs: 1,
          timing: {},
        } as const;
        return { number: i + 1, requestHeaders: [], outcome };
      });
      const transition: Transition = { to: 'PENDING', dueAt: T0 };
      await store().settle(
        attempts.map((attempt) => ({ delivery, attempt, transition, now: T0 })),
        [],
      );
      assert.deepEqual((await store().getDelivery(keyOf(delivery.id)))?.attempts, attempts);
    });

    test('a delivery that is settled already keeps its state, and the attempt is recorded', async () => {
      const { delivery } = await oneWaiting();
      await store().settle([settlement(delivery, { to: 'SUCCEEDED' }, T0 + 1)], []);
      const late = { delivery: { ...delivery, attempts: 1 }, attempt: anAttempt(2, 500), now: T0 + 2 };
      const failed: Transition = { to: 'FAILED', reason: 'EXHAUSTED' };
      assert.deepEqual(await store().settle([{ ...late, transition: failed }], []), ['GONE']);
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.state, 'SUCCEEDED');
      assert.equal(detail.finishedAt, T0 + 1);
      assert.equal(detail.attemptCount, 2);
      assert.deepEqual(detail.attempts, [anAttempt(1), anAttempt(2, 500)]);
    });

    test('an attempt that is reported twice is recorded once, as it was first', async () => {
      const { delivery } = await oneWaiting();
      const settled = settlement(delivery);
      await store().settle([settled], []);
      assert.deepEqual(await store().settle([{ ...settled, attempt: anAttempt(1, 500) }], []), ['GONE']);
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.attemptCount, 1);
      assert.deepEqual(detail.attempts, [anAttempt(1)]);
    });

    test('an unknown delivery is gone, and the others of the batch are settled', async () => {
      const { webhook, delivery } = await oneWaiting();
      const stranger = { ...delivery, id: testId('delivery') };
      const results = await store().settle([settlement(stranger), settlement(delivery)], []);
      assert.deepEqual(results, ['GONE', 'SETTLED']);
      assert.equal(await store().getDelivery(keyOf(stranger.id)), undefined);
      assert.deepEqual((await store().getDelivery(keyOf(delivery.id)))?.attempts, [anAttempt(1)]);
      assert.deepEqual(await waitingOf(store(), webhook.id), []);
    });
  });

  describe(`${harness.name}: the health of lanes`, () => {
    const store = useStore(harness);
    const sick = { failingSince: T0 + 1, trips: 2, openUntil: T0 + 3, holdUntil: null };
    const disabling = ({ id }: Webhook): LaneChange => ({
      webhookId: id,
      version: 4,
      health: sick,
      disable: 'FAILING',
      now: T0 + 9,
    });

    test('a lane is written without a new version, with or without deliveries', async () => {
      const webhook = await register(store());
      const change = { webhookId: webhook.id, version: 4, health: sick, now: T0 + 4 };
      assert.deepEqual(await store().settle([], [change]), []);
      assert.deepEqual(await store().getWebhooks([webhook.id]), [{ ...webhook, health: sick }]);
      await store().settle([], [{ ...change, health: HEALTHY }]);
      assert.deepEqual(await store().getWebhooks([webhook.id]), [webhook]);
    });

    test('a lane can disable its webhook, which gets a new version and update time', async () => {
      const webhook = await register(store(), { version: 4 });
      await store().settle([], [disabling(webhook)]);
      assert.deepEqual(await store().getWebhooks([webhook.id]), [
        {
          ...webhook,
          state: 'DISABLED',
          stateReason: 'FAILING',
          health: sick,
          version: 5,
          updatedAt: T0 + 9,
        },
      ]);
    });

    for (const [state, reason] of [
      ['PAUSED', undefined],
      ['DISABLED', 'GONE'],
    ] as const) {
      test(`a webhook that is ${state} stays so when its lane would disable it`, async () => {
        const webhook = await register(store(), { state, ...(reason && { stateReason: reason }) });
        await store().settle([], [disabling(webhook)]);
        assert.deepEqual(await store().getWebhooks([webhook.id]), [{ ...webhook, health: sick }]);
      });
    }

    test('a health that began anew is not overwritten with what is known from before, nor is its webhook disabled', async () => {
      const webhook = await register(store());
      const reset = { ...webhook, version: 3 };
      const update = { webhook: { ...webhook, version: 2 }, ifVersion: 1 };
      await store().updateWebhooks([update]);
      await store().updateWebhooks([{ webhook: reset, ifVersion: 2, resetHealth: true }]);
      const change = { webhookId: webhook.id, health: sick, now: T0 + 4 };
      await store().settle([], [{ ...change, version: 2, disable: 'GONE' }]);
      assert.deepEqual(await store().getWebhooks([webhook.id]), [{ ...reset, healthVersion: 3 }]);
      await store().settle([], [{ ...change, version: 3 }]);
      assert.deepEqual((await store().getWebhooks([webhook.id]))[0]?.health, sick);
    });

    test('an attempt that does not count is numbered, and not counted', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await store().settle([settlement(delivery!, { to: 'PENDING', dueAt: T0, free: true })], []);
      const [again] = await waitingOf(store(), webhook.id);
      assert.deepEqual([again?.attempts, again?.attemptsBefore], [1, 1]);
      await store().settle([settlement(again!, { to: 'PENDING', dueAt: T0 })], []);
      const [third] = await waitingOf(store(), webhook.id);
      assert.deepEqual([third?.attempts, third?.attemptsBefore], [2, 1]);
    });

    test('a lane of a webhook that is gone is no error', async () => {
      const change = {
        webhookId: testId('webhook'),
        version: 4,
        health: sick,
        disable: 'GONE',
        now: T0,
      } as const;
      assert.deepEqual(await store().settle([], [change]), []);
    });
  });
}
