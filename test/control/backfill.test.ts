import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { BackfillOrder } from '../../src/control/backfill.ts';
import { type Control, createControl } from '../../src/control/control.ts';
import type { ControlDeps } from '../../src/control/deps.ts';
import { DomainError } from '../../src/domain/error.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { LOOPBACK, parseCidrs } from '../../src/domain/webhook/address.ts';
import type { AskedSchedule } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { DAY, HOUR, MINUTE } from '../support/schedule.ts';
import { NO_ROTATION } from '../support/seal-rotation.ts';
import { openMemoryStore, T0 } from '../support/store.ts';

let store: Store;
let control: Control;
const clock = manualClock(T0);

function controlWith(overrides: Partial<ControlDeps['store']> = {}): Control {
  return createControl({
    store: { ...store, ...overrides },
    namespaces: createNamespaceDirectory({ store }),
    clock,
    random: systemRandom(),
    sealKey: new Uint8Array(32).fill(7),
    sealRotation: NO_ROTATION,
    signingKeyring: { ensure: async () => {} },
    settings: {
      addressPolicy: { allow: parseCidrs(LOOPBACK) },
      everyMinMs: 1_000,
      namespaceWaitingMax: 1_000_000,
      defaultEveryMs: 5_000,
    },
  });
}

before(async () => {
  store = await openMemoryStore();
  control = controlWith();
});
after(() => store.close());

let names = 0;

async function registered(schedule?: AskedSchedule, rest: { eventTypes?: string[] } = {}): Promise<Webhook> {
  const name = `backfilled ${++names}`;
  const spec = { name, destination: 'http://127.0.0.1:9999/hook', ...(schedule && { schedule }), ...rest };
  return (await control.webhooks.register({ namespace: 'default', spec })).webhook;
}

const every = (periodMs: number): AskedSchedule => ({ when: { kind: 'every', periodMs } });

function backfill({ id }: Webhook, order: Partial<BackfillOrder>, by = control) {
  const webhook = { namespace: 'default', id };
  const whole = { webhook, startAt: T0 - DAY, endAt: T0, overlap: 'BUFFER' as const, ...order };
  return by.webhooks.backfill(whole, new AbortController().signal);
}

/** Nominal times of the runs that wait or are finished, since T0 and oldest first. */
async function runsOf({ id }: Webhook): Promise<number[]> {
  const found = await store.listDeliveries({ namespace: 'default', webhookId: id, limit: 5_000 });
  return found.map(({ nominalAt }) => nominalAt! - T0).sort((a, b) => a - b);
}

function raised(code: string, pattern: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof DomainError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
}

describe('A backfill', () => {
  it('fires the runs that a span would have had before the registration, where they lie now', async () => {
    const webhook = await registered(every(HOUR));
    const order = { startAt: T0 - 3 * HOUR, endAt: T0 };
    assert.deepEqual(await backfill(webhook, order), { fired: 3, known: 0 });
    assert.deepEqual(await runsOf(webhook), [-3 * HOUR, -2 * HOUR, -HOUR]);
    const after = await control.webhooks.get({ namespace: 'default', id: webhook.id });
    assert.deepEqual(after, webhook);
  });

  it('reads cron, intervals and exceptions as the schedule does, and keeps to its start', async () => {
    const when = { kind: 'cron', expression: '0 */6 * * *' } as const;
    const exceptions = { crons: ['0 12 * * *'] };
    const webhook = await registered({ when, exceptions, startAt: T0 - 2 * DAY });
    const midnight = Math.floor(T0 / DAY) * DAY;
    const span = { startAt: midnight - 5 * DAY, endAt: midnight };
    const { fired } = await backfill(webhook, span);
    const runs = (await runsOf(webhook)).map((ms) => (ms + T0 - midnight) / HOUR);
    const since = (T0 - 2 * DAY - midnight) / HOUR;
    const expected = [-48, -42, -36, -30, -24, -18, -12, -6].filter((h) => h % 24 !== -12 && h >= since);
    assert.deepEqual(runs, expected);
    assert.equal(fired, expected.length);
  });

  it('fires nothing twice, and says what had fired', async () => {
    const webhook = await registered(every(HOUR));
    await backfill(webhook, { startAt: T0 - 3 * HOUR });
    assert.deepEqual(await backfill(webhook, { startAt: T0 - 5 * HOUR }), { fired: 2, known: 3 });
    assert.equal((await runsOf(webhook)).length, 5);
  });

  it('counts, and fires nothing, when it is only to be validated', async () => {
    const webhook = await registered(every(HOUR));
    await backfill(webhook, { startAt: T0 - 2 * HOUR });
    const order = { startAt: T0 - 4 * HOUR, validateOnly: true };
    assert.deepEqual(await backfill(webhook, order), { fired: 2, known: 2 });
    assert.equal((await runsOf(webhook)).length, 2);
  });

  it('stops at its bound and goes on from there', async () => {
    const webhook = await registered(every(MINUTE));
    const order = { startAt: T0 - 1_500 * MINUTE, overlap: 'ALLOW' as const };
    const first = await backfill(webhook, order);
    assert.deepEqual(first, { fired: 1_000, known: 0, nextAt: T0 - 500 * MINUTE });
    const second = await backfill(webhook, { ...order, startAt: first.nextAt! });
    assert.deepEqual(second, { fired: 500, known: 0 });
    assert.deepEqual(
      await runsOf(webhook),
      Array.from({ length: 1_500 }, (_, i) => (i - 1_500) * MINUTE),
    );
  });

  it('stops where its runs find no more room to wait for their turn', async () => {
    const webhook = await registered(every(MINUTE));
    await backfill(webhook, { startAt: T0 - 600 * MINUTE });
    const more = await backfill(webhook, { startAt: T0 - 1_200 * MINUTE, endAt: T0 - 600 * MINUTE });
    assert.deepEqual(more, { fired: 400, known: 0, nextAt: T0 - 800 * MINUTE });
    const none = await backfill(webhook, { startAt: more.nextAt! });
    assert.deepEqual(none, { fired: 0, known: 0, nextAt: more.nextAt });
  });

  it('leaves half of the places to the schedule where its runs take turns too', async () => {
    const webhook = await registered({ ...every(MINUTE), overlap: 'BUFFER' });
    const { fired } = await backfill(webhook, {});
    assert.equal(fired, 500);
  });

  it('leaves the next run, and what follows it, to the schedule', async () => {
    const webhook = await registered(every(HOUR));
    clock.advance(2 * HOUR);
    try {
      assert.deepEqual(await backfill(webhook, { startAt: T0, endAt: T0 + 2 * HOUR }), {
        fired: 1,
        known: 0,
      });
      assert.deepEqual(await runsOf(webhook), [0]);
    } finally {
      clock.advance(-2 * HOUR);
    }
  });

  it('goes on with the webhook as it is when that is changed meanwhile', async () => {
    const webhook = await registered(every(HOUR));
    let calls = 0;
    const disturbed = controlWith({
      backfillRuns: async (batch) => {
        if (++calls === 1)
          await store.updateWebhooks([{ webhook: { ...webhook, version: 2 }, ifVersion: 1 }]);
        return store.backfillRuns(batch);
      },
    });
    assert.deepEqual(await backfill(webhook, { startAt: T0 - 2 * HOUR }, disturbed), { fired: 2, known: 0 });
    assert.equal(calls, 2);
  });

  it('gives up when others are always faster', async () => {
    const webhook = await registered(every(HOUR));
    const stale = controlWith({ backfillRuns: async (batch) => batch.map(() => 'STALE') });
    await assert.rejects(
      backfill(webhook, {}, stale),
      raised('ABORTED', /changed by others 8 times in a row/),
    );
  });

  it('stops when its caller is gone', async () => {
    const webhook = await registered(every(MINUTE));
    const caller = new AbortController();
    const leaving = controlWith({
      backfillRuns: (batch) => {
        caller.abort();
        return store.backfillRuns(batch);
      },
    });
    const order = { webhook: { namespace: 'default', id: webhook.id }, startAt: T0 - DAY, endAt: T0 };
    await assert.rejects(leaving.webhooks.backfill({ ...order, overlap: 'ALLOW' }, caller.signal), {
      name: 'AbortError',
    });
    assert.equal((await runsOf(webhook)).length, 50);
  });

  it('is refused for a webhook that does not ring by itself, or not now', async () => {
    const events = await registered(undefined, { eventTypes: ['*'] });
    await assert.rejects(backfill(events, {}), raised('FAILED_PRECONDITION', /has no schedule; only events/));
    const paused = await registered(every(HOUR));
    await control.webhooks.pause({ namespace: 'default', id: paused.id });
    await assert.rejects(backfill(paused, {}), raised('FAILED_PRECONDITION', /is PAUSED; resume it first/));
    await assert.rejects(
      backfill({ ...events, id: 'wh_00000000000000000000000000' }, {}),
      raised('NOT_FOUND', /there is no webhook/),
    );
  });

  it('is refused for a span that has no end before the present', async () => {
    const webhook = await registered(every(HOUR));
    await assert.rejects(
      backfill(webhook, { endAt: T0 + 1 }),
      raised('INVALID', /end_time: lies in the future; .* at the latest/),
    );
    await assert.rejects(
      backfill(webhook, { startAt: T0, endAt: T0 }),
      raised('INVALID', /end_time: must be after start_time/),
    );
  });
});
