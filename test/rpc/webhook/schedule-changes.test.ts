import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunCursor } from '../../../src/domain/schedule/schedule.ts';
import { sharedApi } from '../../support/rpc.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON as it came.
type Json = any;

const DESTINATION = 'http://127.0.0.1:9999/changed';
const EVERY = { every: '4s' };

describe('A schedule that has fired five runs', () => {
  const api = sharedApi();
  let names = 0;

  async function rest(verb: string, path: string, body: object): Promise<Json> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${api().url}${path}`, {
      method: verb,
      headers,
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  }

  interface Scheduled {
    readonly id: string;
    readonly name: string;
    readonly cursor: RunCursor;
  }

  /** One that was registered, and stands where it does after five runs. */
  async function scheduled(schedule: object = EVERY): Promise<Scheduled> {
    const name = `changed ${++names}`;
    const { id } = (await rest('POST', '/v1/webhooks', { name, destination: DESTINATION, schedule })).webhook;
    const [webhook] = await api().store.getWebhooks([id]);
    const { cursor, version } = webhook!;
    const moved = { ...cursor, fired: 5, skipped: 2 };
    const update = { webhook: { ...webhook!, cursor: moved }, ifVersion: version, cursorFrom: cursor };
    assert.deepEqual(await api().store.updateWebhooks([update]), ['UPDATED']);
    return { id, name, cursor: moved };
  }

  async function cursorOf(id: string): Promise<RunCursor | undefined> {
    return (await api().store.getWebhooks([id]))[0]?.cursor;
  }

  const HOW: Readonly<Record<string, (of: Scheduled, schedule: object) => Promise<Json>>> = {
    'by Update with a mask': ({ id }, schedule) =>
      rest('PATCH', `/v1/webhooks/${id}?updateMask=schedule`, { schedule }),
    'by registering it again by its name': ({ name }, schedule) =>
      rest('POST', '/webhooks', { name, destination: DESTINATION, schedule }),
    'by registering it again by its id': ({ id, name }, schedule) =>
      rest('POST', '/v1/webhooks', { id, name, destination: DESTINATION, schedule }),
    'by BatchRegister, as apply does': ({ name }, schedule) =>
      rest('POST', '/v1/webhooks:batchRegister', {
        requests: [{ webhook: { name, destination: DESTINATION, schedule } }],
      }),
  };

  for (const [how, change] of Object.entries(HOW)) {
    it(`goes on as it was when what is changed ${how} is not when it rings`, async () => {
      for (const other of [
        { jitter: '1s' },
        { misfirePolicy: 'SKIP' },
        { overlapPolicy: 'ALLOW' },
        { catchupWindow: '60s' },
        { maxRuns: '9' },
        { endTime: '2030-01-01T00:00:00Z' },
        { exceptions: { dates: ['2020-12-24'] } },
      ]) {
        const one = await scheduled();
        api().clock.advance(2_800);
        await change(one, { ...EVERY, ...other });
        const { anchorAt, nominalAt, fired, skipped } = (await cursorOf(one.id))!;
        const { dueAt: _, movedAt: __, ...before } = one.cursor;
        assert.deepEqual({ anchorAt, nominalAt, fired, skipped }, before, JSON.stringify(other));
      }
    });

    it(`begins anew when it is to ring at other times, ${how}`, async () => {
      for (const other of [
        { every: '5s' },
        { cron: '@hourly' },
        { ...EVERY, startTime: '2030-01-01T00:00:00Z' },
      ]) {
        const one = await scheduled();
        await change(one, other);
        const after = await cursorOf(one.id);
        assert.deepEqual([after?.fired, after?.skipped], [0, 0], JSON.stringify(other));
        assert.notEqual(after?.nominalAt, one.cursor.nominalAt);
      }
    });
  }

  for (const [how, change] of Object.entries(HOW)) {
    it(`is not refused for what has passed of it, when something else of it is changed ${how}`, async () => {
      const at = new Date(api().clock.now() + 60_000).toISOString();
      for (const over of [{ at }, { ...EVERY, endTime: at }]) {
        const one = await scheduled(over);
        const before = await cursorOf(one.id);
        api().clock.advance(120_000);
        assert.doesNotMatch(
          JSON.stringify(await change(one, { ...over, overlapPolicy: 'ALLOW' })),
          /has passed|in the past/,
        );
        assert.equal((await cursorOf(one.id))?.fired, before?.fired);
        for (const [field, other] of [
          ['end_time', { endTime: new Date(Date.parse(at) + 1).toISOString(), every: '4s' }],
          ['end_time', { endTime: at, every: '9s' }],
          ['at', { at: new Date(Date.parse(at) + 1).toISOString() }],
        ] as const) {
          // Of a batch the item is refused, and not the call.
          const told = await change(one, other).then((answer) => JSON.stringify(answer), String);
          assert.match(told, new RegExp(`schedule.${field}: (lies in the past|has passed)`));
        }
        api().clock.advance(-120_000);
      }
    });
  }

  it('shows its count and its next run unchanged after a change of one field by its mask', async () => {
    const { id } = await scheduled();
    const before = await rest('PATCH', `/v1/webhooks/${id}?updateMask=labels`, { labels: { a: 'b' } });
    const path = `/v1/webhooks/${id}?updateMask=schedule.overlapPolicy`;
    const after = await rest('PATCH', path, { schedule: { overlapPolicy: 'BUFFER' } });
    assert.deepEqual(
      [after.webhook.runCount, after.webhook.skippedRunCount, after.webhook.nextRunTime],
      ['5', '2', before.webhook.nextRunTime],
    );
  });

  it('rings once more when it is allowed one run more than it has fired', async () => {
    const { id } = await scheduled({ ...EVERY, maxRuns: '5' });
    const change = (maxRuns: string) =>
      rest('PATCH', `/v1/webhooks/${id}?updateMask=schedule.maxRuns`, { schedule: { maxRuns } });
    assert.equal((await change('4')).webhook.nextRunTime, undefined);
    assert.ok((await change('6')).webhook.nextRunTime !== undefined);
    assert.equal((await cursorOf(id))?.fired, 5);
  });
});
