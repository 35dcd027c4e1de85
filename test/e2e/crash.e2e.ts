import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MISFIRE_GRACE_MS } from '../../src/domain/schedule/run-plan.ts';
import { type Call, connectCall, type Json, Refusal } from '../support/call.ts';
import { until } from '../support/pipeline.ts';
import { hang, openReceiver, type ReceivedRequest, type Receiver, status } from '../support/receiver.ts';
import { type CarillonProcess, startCarillon, temporaryFolder } from '../support/server.ts';

const KILLS = 3;
const PERIOD_MS = 200;
/** How long it is dead: at least two runs are missed each time. */
const DEAD_MS = 500;
/** Runs of each webhook in all: the schedules come to an end, but not before the last kill. */
const RUNS = 60;
const WEBHOOKS = [
  { name: 'all-1', misfirePolicy: 'MISFIRE_POLICY_FIRE_ALL' },
  { name: 'all-2', misfirePolicy: 'MISFIRE_POLICY_FIRE_ALL' },
  { name: 'latest-1', misfirePolicy: 'MISFIRE_POLICY_FIRE_LATEST' },
  { name: 'latest-2', misfirePolicy: 'MISFIRE_POLICY_FIRE_LATEST' },
];

describe('a server that is killed while it ticks', () => {
  it('keeps what it acknowledged, doubles at most what was in flight, and makes up for missed runs', async (t) => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    // So slow that something is in flight at most kills.
    receiver.answer(status(200, { delayMs: PERIOD_MS / 2 }));
    const start = (): Promise<CarillonProcess> =>
      startCarillon({ command: 'dev', cwd: folder.path, args: ['--every-min', '100ms'] });
    /** For each start, the number of connections that were made before it. */
    const starts: number[] = [0];
    const acknowledged: string[] = [];

    await using first = await start();
    const ids = new Map<string, string>();
    for (const webhook of WEBHOOKS) ids.set(webhook.name, await registerTicking(first, receiver, webhook));
    let current = first;
    for (let kill = 1; kill <= KILLS; kill++) {
      const registering = registerUntilDead(current, acknowledged);
      await receiver.received(receiver.requests.length + 3 * WEBHOOKS.length);
      // Somewhere else in a period each time.
      await sleep((kill * PERIOD_MS) / KILLS);
      await current.stop('SIGKILL');
      await registering;
      await sleep(DEAD_MS);
      starts.push(receiver.connections);
      current = await start();
      t.after(current[Symbol.asyncDispose]);
    }

    const call = connectCall(current.url);
    const startOf = ({ connection }: ReceivedRequest): number =>
      starts.findLastIndex((before) => connection > before);
    for (const { name, misfirePolicy } of WEBHOOKS) {
      const webhook = await ended(call, ids.get(name)!);
      const requests = receiver.requests.filter(({ path }) => path === `/${name}`);
      const times = [...new Set(requests.map(nominalOf))];
      await t.test(`${name}: a repeat has the same id and was the one in flight`, () =>
        checkRepeats(requests, startOf),
      );
      await t.test(`${name}: every run is delivered in order, or counted as skipped`, () => {
        assert.equal(times.length, RUNS);
        assert.equal(webhook.runCount, String(RUNS));
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        // From the registration on, where the schedule is anchored, and not from the first delivery: on a
        // busy machine the first run of all can be late enough to be skipped.
        const span = (times.at(-1)! - Date.parse(String(webhook.createTime))) / PERIOD_MS;
        assert.equal(RUNS + Number(webhook.skippedRunCount ?? 0), span);
      });
      await t.test(`${name}: missed runs follow ${misfirePolicy}`, () => {
        const gaps = times.slice(1).map((time, i) => (time - times[i]!) / PERIOD_MS);
        const leaps = gaps.filter((gap) => gap > 1);
        if (misfirePolicy === 'MISFIRE_POLICY_FIRE_ALL') assert.deepEqual(leaps, []);
        else assert.ok(leaps.length >= KILLS, `${leaps.length} leaps over missed runs in ${KILLS} kills`);
      });
    }
    await t.test('every acknowledged registration is there', async () => {
      assert.ok(acknowledged.length > KILLS, `only ${acknowledged.length} registrations were made`);
      const kept = new Set(await listAll(call));
      assert.deepEqual(
        acknowledged.filter((id) => !kept.has(id)),
        [],
      );
    });
  });

  it('sends what was in flight again, at once and with the same id and bytes', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    await using first = await startCarillon({ command: 'dev', cwd: folder.path });
    const call = connectCall(first.url);
    const webhook = { name: 'joe', destination: `${receiver.url}/joe`, schedule: { cron: '@yearly' } };
    const id = idOf(await call('WebhookService/Register', { webhook }));
    receiver.script(hang());
    const { deliveryId } = await call('WebhookService/Trigger', { id });
    await receiver.received(1);
    await first.stop('SIGKILL');

    await using second = await startCarillon({ command: 'dev', cwd: folder.path });
    const [before, after] = await receiver.received(2);
    assert.equal(before?.headers['webhook-id'], deliveryId);
    assert.equal(after?.headers['webhook-id'], deliveryId);
    assert.deepEqual(after?.body, before?.body);
    const { delivery } = await until(async () => {
      const answer = await connectCall(second.url)('DeliveryService/GetDelivery', { id: deliveryId });
      return (answer.delivery as Json).state === 'STATE_PENDING' ? undefined : answer;
    });
    assert.equal((delivery as Json).attemptCount, 1);
  });

  it('makes up for what it missed as each schedule says, even when that has ended since', async () => {
    await using folder = await temporaryFolder();
    await using receiver = await openReceiver();
    const options = { command: 'dev', cwd: folder.path, args: ['--every-min', '100ms'] } as const;
    await using first = await startCarillon(options);
    // Five runs of each, all while it is dead.
    const startAt = Date.now() + 4_000;
    const endAt = startAt + 5 * PERIOD_MS;
    const registerMissed = async (misfirePolicy: string): Promise<string> => {
      const schedule = {
        every: `${PERIOD_MS / 1_000}s`,
        startTime: new Date(startAt).toISOString(),
        endTime: new Date(endAt).toISOString(),
        misfirePolicy: `MISFIRE_POLICY_${misfirePolicy}`,
        overlapPolicy: 'OVERLAP_POLICY_ALLOW',
      };
      const destination = `${receiver.url}/${misfirePolicy}`;
      const webhook = { name: misfirePolicy, destination, schedule, limits: { ordered: true } };
      return idOf(await connectCall(first.url)('WebhookService/Register', { webhook }));
    };
    const ids = new Map<string, string>();
    for (const policy of ['FIRE_ALL', 'FIRE_LATEST', 'SKIP']) ids.set(policy, await registerMissed(policy));
    await first.stop('SIGKILL');
    assert.ok(Date.now() < startAt, 'it took too long to register');
    await sleep(endAt + MISFIRE_GRACE_MS - Date.now());

    await using second = await startCarillon(options);
    const made = new Map<string, unknown>();
    for (const [policy, id] of ids) {
      const { runCount = '0', skippedRunCount = '0' } = await ended(connectCall(second.url), id);
      const times = receiver.requests.filter(({ path }) => path === `/${policy}`).map(nominalOf);
      made.set(policy, {
        runs: times.map((time) => (time - startAt) / PERIOD_MS),
        runCount,
        skippedRunCount,
      });
    }
    assert.deepEqual(Object.fromEntries(made), {
      FIRE_ALL: { runs: [0, 1, 2, 3, 4], runCount: '5', skippedRunCount: '0' },
      FIRE_LATEST: { runs: [4], runCount: '1', skippedRunCount: '4' },
      SKIP: { runs: [], runCount: '0', skippedRunCount: '5' },
    });
  });
});

/** Rings every 200 ms, one request at a time, RUNS times. */
async function registerTicking(
  carillon: CarillonProcess,
  receiver: Receiver,
  { name, misfirePolicy }: (typeof WEBHOOKS)[number],
): Promise<string> {
  const schedule = {
    every: `${PERIOD_MS / 1_000}s`,
    maxRuns: RUNS,
    misfirePolicy,
    overlapPolicy: 'OVERLAP_POLICY_ALLOW',
  };
  const webhook = { name, destination: `${receiver.url}/${name}`, schedule, limits: { ordered: true } };
  return idOf(await connectCall(carillon.url)('WebhookService/Register', { webhook }));
}

/** Registers one webhook after another until the server is gone; notes those that it said OK to. */
async function registerUntilDead({ url, pid }: CarillonProcess, acknowledged: string[]): Promise<void> {
  const call = connectCall(url);
  for (let n = 0; n < 1_000; n++) {
    const webhook = {
      name: `quiet-${pid}-${n}`,
      destination: 'http://127.0.0.1:9999/',
      schedule: { cron: '@yearly' },
    };
    try {
      acknowledged.push(idOf(await call('WebhookService/Register', { webhook })));
    } catch (error) {
      if (error instanceof Refusal) throw error;
      return;
    }
    // There are things to do on this machine beside this.
    await sleep(5);
  }
}

/** The webhook once its schedule has ended and all its deliveries have finished. */
async function ended(call: Call, id: string): Promise<Json> {
  for (let tries = 0; tries < 600; tries++) {
    const { webhook } = (await call('WebhookService/Get', { id })) as { webhook: Json };
    const filter = `webhook_id = ${id} AND state = PENDING`;
    const waiting = await call('DeliveryService/ListDeliveries', { filter });
    if (webhook.nextRunTime === undefined && waiting.deliveries === undefined) return webhook;
    await sleep(100);
  }
  throw new Error(`the schedule of ${id} did not end within a minute`);
}

function checkRepeats(
  requests: readonly ReceivedRequest[],
  startOf: (request: ReceivedRequest) => number,
): void {
  const idOfRun = new Map<number, unknown>();
  const lastWith = new Map<unknown, number>();
  for (const [i, request] of requests.entries()) {
    const id = request.headers['webhook-id'];
    const nominalAt = nominalOf(request);
    assert.equal(idOfRun.get(nominalAt) ?? id, id, `two ids for the run at ${nominalAt}`);
    idOfRun.set(nominalAt, id);
    const last = lastWith.get(id);
    if (last !== undefined) {
      // The lane is ordered: what was in flight at a kill was the last before it and is the first after it.
      assert.equal(last, i - 1, `${id} was not the last before it was repeated`);
      assert.equal(
        startOf(request),
        startOf(requests[last]!) + 1,
        `${id} was repeated without a kill between`,
      );
    }
    lastWith.set(id, i);
  }
  assert.equal(lastWith.size, idOfRun.size, 'one id for two runs');
}

function nominalOf({ headers }: ReceivedRequest): number {
  return Date.parse(String(headers['carillon-scheduled-at']));
}

async function listAll(call: Call): Promise<string[]> {
  const ids: string[] = [];
  let pageToken: unknown = '';
  do {
    const page = (await call('WebhookService/List', { pageSize: 1_000, pageToken })) as {
      webhooks?: readonly { id: string }[];
      nextPageToken?: string;
    };
    ids.push(...(page.webhooks ?? []).map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return ids;
}

function idOf(registered: Json): string {
  return (registered.webhook as { id: string }).id;
}
