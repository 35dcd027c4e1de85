import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { systemRandom } from '../../src/domain/random.ts';
import type { MisfirePolicy, OverlapPolicy } from '../../src/domain/schedule/schedule.ts';
import type { AskedSchedule } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createScheduler } from '../../src/schedule/scheduler.ts';
import { manualClock } from '../support/clock.ts';
import { type HeldRequest, type HeldSender, heldSender } from '../support/held-sender.ts';
import { recordingLog } from '../support/log.ts';
import { LIMITS, openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { HOUR, MINUTE } from '../support/schedule.ts';
import { holdsAll } from '../support/shards.ts';
import { TOGETHER } from '../support/together.ts';

/** What docs/schedules.md says of each pair of policies, column by column. */
interface Promised {
  readonly misfire: MisfirePolicy;
  readonly overlap: OverlapPolicy;
  readonly sent: string;
  readonly atATime: string;
  readonly afterFailure: string;
  readonly onTime: string;
}

const DOCS = readFileSync(join(import.meta.dirname, '../../docs/schedules.md'), 'utf8');
const TABLE = [...DOCS.matchAll(/^\| `(\w+)` \| `(\w+)` \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)].map(
  ([, misfire, overlap, ...cells]): Promised => {
    const [sent = '', atATime = '', afterFailure = '', onTime = ''] = cells.map((cell) => cell.trim());
    const pair = { misfire: misfire as MisfirePolicy, overlap: overlap as OverlapPolicy };
    return { ...pair, sent, atATime, afterFailure, onTime };
  },
);

const DESTINATION = 'http://127.0.0.1:9999/';
const MISSED = 4;

/** A webhook that missed some runs, and a scheduler that begins just then, after the outage. */
async function afterOutage(
  pipeline: Pipeline,
  { misfire, overlap }: Pick<Promised, 'misfire' | 'overlap'>,
  { missed = MISSED, ordered = false } = {},
) {
  const periodMs = 2 * MINUTE;
  // The scheduler's is behind that of the dispatcher, so that what is due to the one is so to the other.
  const clock = manualClock(systemClock.now() - HOUR);
  const schedule: AskedSchedule = {
    when: { kind: 'every', periodMs },
    ...{ misfire, overlap, catchupMs: 24 * HOUR },
  };
  const limits = { ...LIMITS, ordered };
  const registered = await pipeline.register({
    ...{ destination: DESTINATION, schedule, limits },
    retryPolicy: { ...QUICK_RETRIES, maxAttempts: 3, delaysMs: [400] },
  });
  // As if it had stood still since the first of them.
  const lastAt = clock.now() - MINUTE;
  const firstAt = lastAt - (missed - 1) * periodMs;
  const at = { anchorAt: firstAt - periodMs, nominalAt: firstAt, dueAt: firstAt, movedAt: firstAt };
  const cursor = { ...registered.cursor, ...at };
  const webhook = { ...registered, cursor, version: 2 };
  const update = { webhook, ifVersion: 1, cursorFrom: registered.cursor };
  assert.deepEqual(await pipeline.store.updateWebhooks([update]), ['UPDATED']);
  const { store, directory } = pipeline;
  const deps = { store, holds: holdsAll, directory, clock, random: systemRandom(), log: recordingLog().log };
  const scheduler = createScheduler(deps);
  const settle = async () => {
    do await scheduler.tick();
    while (scheduler.idleMs() === 0);
  };
  await settle();
  const names = new Map<string, string>();
  for (let i = 0; i < missed; i++) names.set(iso(firstAt + i * periodMs), `missed ${i + 1}`);
  names.set(iso(lastAt + periodMs), 'on time');
  return {
    webhook,
    /** Which of them a request is. */
    nameOf({ headers }: HeldRequest): string {
      const at = headers['carillon-scheduled-at'] ?? '';
      return names.get(new Date(at).toISOString()) ?? at;
    },
    /** The run after them is due, and fires on time. */
    async passToNext() {
      clock.advance(lastAt + periodMs - clock.now());
      await settle();
    },
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** Resolves when nothing has been sent for a while: the dispatcher has done what it was going to do, retries aside. */
async function quiet(sender: HeldSender): Promise<void> {
  let before: number;
  do {
    before = sender.sent.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
  } while (sender.sent.length > before);
}

async function isWaiting({ store }: Pipeline, { id }: Webhook): Promise<boolean> {
  const query = { namespace: 'default', webhookId: id, state: 'PENDING', limit: 1 } as const;
  return (await store.listDeliveries(query)).length > 0;
}

async function finished(pipeline: Pipeline, { id }: Webhook) {
  const deliveries = await until(async () => {
    const query = { namespace: 'default', webhookId: id, limit: 5_000 };
    const found = await pipeline.store.listDeliveries(query);
    return found.some(({ state }) => state === 'PENDING') ? undefined : found;
  });
  return deliveries.toSorted((a, b) => a.nominalAt! - b.nominalAt!);
}

/** Which were sent, with how many of them in flight at a time, by a destination that answers each. */
async function sentByGood(pair: Promised): Promise<{ sent: string; atATime: string }> {
  const sender = heldSender();
  await using pipeline = await openPipeline({ sender });
  const { webhook, nameOf } = await afterOutage(pipeline, pair);
  await quiet(sender);
  let most = 0;
  while (sender.open.length > 0 || (await isWaiting(pipeline, webhook))) {
    most = Math.max(most, sender.open.length);
    for (const request of sender.open) request.answer(200);
    await quiet(sender);
  }
  const names = sender.sent.map(nameOf);
  const { cursor } = (await pipeline.store.getWebhooks([webhook.id]))[0]!;
  assert.deepEqual([cursor.fired, cursor.fired + cursor.skipped], [names.length, MISSED]);
  const states = (await finished(pipeline, webhook)).map(({ state }) => state);
  assert.deepEqual(
    states,
    names.map(() => 'SUCCEEDED'),
  );
  const all = Array.from({ length: MISSED }, (_, i) => `missed ${i + 1}`);
  if (names.length === 0) return { sent: 'none', atATime: '' };
  const atATime = most === 1 ? 'one' : most === MISSED ? 'all' : String(most);
  if (names.length === 1) return { sent: names[0] === all.at(-1) ? 'the latest' : names[0]!, atATime };
  return { sent: String(names) === String(all) ? 'all, oldest first' : String(names), atATime };
}

/** What becomes of one whose first attempt fails while the others are answered. */
async function afterFailure(pair: Promised): Promise<string> {
  const sender = heldSender();
  await using pipeline = await openPipeline({ sender });
  const { webhook, nameOf } = await afterOutage(pipeline, pair);
  await sender.sending(1);
  await quiet(sender);
  const beside = sender.open.length > 1;
  const failed = nameOf(sender.sent[0]!);
  sender.open[0]!.answer(500);
  sender.answerAll(200);
  for (const request of sender.open) request.answer(200);
  const states = await finished(pipeline, webhook);
  const names = sender.sent.map(nameOf);
  const attempts = names.filter((name) => name === failed).length;
  const first = states[0]!;
  if (attempts === 1) {
    assert.deepEqual([first.state, first.reason], ['CANCELLED', 'SUPERSEDED']);
    assert.ok(states.slice(1).every(({ state }) => state === 'SUCCEEDED'));
    return 'gives way to the next';
  }
  assert.ok(states.every(({ state }) => state === 'SUCCEEDED'));
  if (new Set(names).size === 1) return 'is retried';
  return beside
    ? 'is retried beside the others'
    : names[1] === failed
      ? 'is retried, then the next goes'
      : String(names);
}

/** What becomes of a run that is due on time while one of those is in flight, and then answered 500. */
async function onTime(pair: Promised): Promise<string> {
  const sender = heldSender();
  await using pipeline = await openPipeline({ sender });
  const { webhook, nameOf, passToNext } = await afterOutage(pipeline, pair);
  await sender.sending(1);
  await quiet(sender);
  const before = sender.open.length;
  await passToNext();
  await quiet(sender);
  const wentAtOnce = sender.open.length > before;
  const { cursor } = (await pipeline.store.getWebhooks([webhook.id]))[0]!;
  await answered(sender);
  const states = await finished(pipeline, webhook);
  const names = sender.sent.map(nameOf);
  assert.equal(cursor.fired + cursor.skipped, MISSED + 1);
  if (!names.includes('on time')) {
    assert.equal(states.length, cursor.fired);
    return 'is skipped';
  }
  if (wentAtOnce) {
    // The one in flight goes on to its end, but is not tried again.
    return states[0]!.state === 'SUCCEEDED' ? 'goes at once' : `takes its place`;
  }
  assert.equal(names.at(-1), 'on time');
  return 'waits its turn';
}

/** Answers the first with 500, and everything else with 200. */
async function answered(sender: HeldSender): Promise<void> {
  sender.open[0]!.answer(500);
  await quiet(sender);
  sender.answerAll(200);
  for (const request of sender.open) request.answer(200);
}

// They wait most of the time.

describe('the table of misfire and overlap policies in docs/schedules.md', TOGETHER, () => {
  it('has a row for each pair', () => {
    const pairs = new Set(TABLE.map(({ misfire, overlap }) => `${misfire} ${overlap}`));
    assert.deepEqual([TABLE.length, pairs.size], [12, 12]);
  });

  for (const row of TABLE) {
    it(`says what ${row.misfire} with ${row.overlap} does`, async () => {
      const found = await sentByGood(row);
      const failing = found.sent === 'none' ? '' : await afterFailure(row);
      const next = found.sent === 'none' ? '' : await onTime(row);
      assert.deepEqual(
        { ...found, afterFailure: failing, onTime: next },
        {
          sent: row.sent,
          atATime: row.atATime,
          afterFailure: row.afterFailure,
          onTime: row.onTime,
        },
      );
    });
  }
});

describe('missed runs that are all to be made up for', TOGETHER, () => {
  for (const overlap of ['SUPERSEDE', 'SKIP', 'BUFFER', 'ALLOW'] as const) {
    for (const ordered of [false, true]) {
      const lane = ordered ? 'an ordered lane' : 'a lane without order';
      const missed = ordered ? 41 : 110;
      it(`are each sent, ${missed} of them, oldest first, with ${overlap} in ${lane}`, async () => {
        const sender = heldSender();
        sender.answerAll(200);
        await using pipeline = await openPipeline({ sender });
        const pair = { misfire: 'FIRE_ALL', overlap } as const;
        const { webhook, nameOf } = await afterOutage(pipeline, pair, { missed, ordered });
        const states = await finished(pipeline, webhook);
        assert.deepEqual(
          sender.sent.map(nameOf),
          Array.from({ length: missed }, (_, i) => `missed ${i + 1}`),
        );
        assert.ok(states.every(({ state }) => state === 'SUCCEEDED'));
      });
    }
  }

  it('are each attempted by a destination that refuses them all, and the runs that come meanwhile wait', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const pair = { misfire: 'FIRE_ALL', overlap: 'SUPERSEDE' } as const;
    const { webhook, nameOf, passToNext } = await afterOutage(pipeline, pair);
    await sender.sending(1);
    await passToNext();
    // Not 5xx, by which the breaker would open.
    sender.answerAll(404);
    sender.open[0]!.answer(404);
    const states = await finished(pipeline, webhook);
    const names = sender.sent.map(nameOf);
    assert.deepEqual(names, [
      'missed 1',
      'missed 2',
      'missed 3',
      'missed 4',
      'on time',
      'on time',
      'on time',
    ]);
    assert.deepEqual(
      states.map(({ state, reason }) => [state, reason]),
      [...Array(4).fill(['CANCELLED', 'SUPERSEDED']), ['FAILED', 'EXHAUSTED']],
    );
  });
});
