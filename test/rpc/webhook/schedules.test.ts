import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { OverlapPolicy } from '../../../gen/carillon/v1/schedule_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { toTimestamp } from '../../../src/rpc/convert/time.ts';
import { sharedApi, violations } from '../../support/rpc.ts';
import { HOUR } from '../../support/schedule.ts';
import { aRun, T0 } from '../../support/store.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON as it came.
type Json = any;

describe('Schedules in JSON', () => {
  const api = sharedApi();
  let names = 0;

  async function rest(verb: string, path: string, body?: object): Promise<{ status: number; answer: Json }> {
    const response = await fetch(`${api().url}${path}`, {
      method: verb,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, answer: await response.json() };
  }

  async function registered(schedule: object): Promise<Json> {
    const webhook = { name: `scheduled ${++names}`, destination: 'http://127.0.0.1:9999/hook', schedule };
    const { status, answer } = await rest('POST', '/v1/webhooks', webhook);
    assert.equal(status, 200, JSON.stringify(answer));
    return answer.webhook;
  }

  /** Paths and descriptions of what is wrong with it. */
  async function refused(schedule: object): Promise<Record<string, string>> {
    const { status, answer } = await rest('POST', '/v1/webhooks:previewSchedule', { schedule });
    assert.equal(status, 400, JSON.stringify(answer));
    const details = answer.error.details as Json[];
    const found = details.flatMap(({ fieldViolations = [] }) => fieldViolations as Json[]);
    return Object.fromEntries(found.map(({ field, description }) => [field, description]));
  }

  const GIVEN: Readonly<Record<string, object>> = {
    'one cron': { cron: '0 9 * * *' },
    'several crons': {
      crons: { expressions: ['0 9 * * MON-FRI', '0 10 * * SAT'] },
      timeZone: 'Europe/Vienna',
    },
    'an interval of days': { interval: { days: 2, times: ['09:00', '23:59:30'] } },
    'an interval of weeks': {
      interval: { weeks: 2, times: ['09:00'], weekdays: ['WEEKDAY_MON', 'WEEKDAY_THU'] },
      timeZone: 'Europe/Vienna',
    },
    'an interval of months': { interval: { months: 3, times: ['09:00'], daysOfMonth: [1, 31] } },
    'cron with exceptions': {
      cron: '0 9 * * *',
      exceptions: {
        dates: ['2026-12-24'],
        spans: [{ startTime: '2026-07-01T00:00:00Z', endTime: '2026-08-01T00:00:00Z' }],
        crons: ['* * * * SUN'],
      },
    },
    'a period with exceptions in a zone': {
      every: '3600s',
      timeZone: 'Europe/Vienna',
      exceptions: { crons: ['* 12 * * *'] },
    },
    'overlap BUFFER': { cron: '0 9 * * *', overlapPolicy: 'OVERLAP_POLICY_BUFFER' },
  };
  for (const [what, schedule] of Object.entries(GIVEN)) {
    it(`come back as they were given: ${what}`, async () => {
      const webhook = await registered(schedule);
      const again = await rest('GET', `/v1/webhooks/${webhook.id}`);
      assert.deepEqual([webhook.schedule, again.answer.webhook.schedule], [schedule, schedule]);
    });
  }

  it('say in effective what applies', async () => {
    const { effective } = await registered(GIVEN['several crons']!);
    assert.deepEqual(effective.schedule, {
      ...GIVEN['several crons'],
      jitter: '0s',
      misfirePolicy: 'MISFIRE_POLICY_FIRE_LATEST',
      catchupWindow: '3600s',
      overlapPolicy: 'OVERLAP_POLICY_SUPERSEDE',
      dstGap: 'DST_GAP_POLICY_SHIFT',
      dstOverlap: 'DST_OVERLAP_POLICY_FIRST',
    });
  });

  it('are the same webhook when they are registered again, and another etag when anything differs', async () => {
    const given = { cron: '0 9 * * *', exceptions: { dates: ['2026-12-24'] } };
    const name = `again ${++names}`;
    const etagOf = async (schedule: object) => {
      const asked = { name, destination: 'http://127.0.0.1:9999/again', schedule };
      return (await rest('POST', '/v1/webhooks', asked)).answer.webhook.etag as string;
    };
    const first = await etagOf(given);
    assert.equal(await etagOf(given), first);
    const others = [
      { ...given, exceptions: { dates: ['2026-12-25'] } },
      { crons: { expressions: ['0 9 * * *'] }, exceptions: given.exceptions },
      { interval: { days: 1, times: ['09:00'] } },
    ];
    const etags = [first];
    for (const other of others) etags.push(await etagOf(other));
    assert.equal(new Set(etags).size, etags.length);
  });

  it('are changed by a mask: one way of ringing takes the place of another, and the rest stays', async () => {
    const { id } = await registered({ cron: '0 9 * * *', timeZone: 'Europe/Vienna', maxRuns: '9' });
    const change = async (schedule: object, mask: string) => {
      const { status, answer } = await rest('PATCH', `/v1/webhooks/${id}?updateMask=${mask}`, { schedule });
      assert.equal(status, 200, JSON.stringify(answer));
      return answer.webhook.schedule;
    };
    const kept = { timeZone: 'Europe/Vienna', maxRuns: '9' };
    const crons = { expressions: ['0 9 * * *', '0 18 * * *'] };
    assert.deepEqual(await change({ crons }, 'schedule.crons'), { ...kept, crons });
    const exceptions = { dates: ['2026-12-24'] };
    assert.deepEqual(await change({ exceptions }, 'schedule.exceptions'), { ...kept, crons, exceptions });
    const interval = { days: 2, times: ['09:00'] };
    assert.deepEqual(await change({ interval }, 'schedule.interval'), { ...kept, interval, exceptions });
    assert.deepEqual(await change({}, 'schedule.exceptions'), { ...kept, interval });
  });

  const REFUSED: readonly (readonly [what: string, schedule: object, found: Record<string, RegExp>])[] = [
    [
      'a span that leaves no run before the end',
      {
        every: '3600s',
        endTime: '2026-01-02T00:00:00Z',
        exceptions: { spans: [{ startTime: '2025-12-31T00:00:00Z', endTime: '2026-01-03T00:00:00Z' }] },
      },
      { 'schedule.exceptions': /leave no run: they cover every one before end_time/ },
    ],
    [
      'a cron that covers everything',
      { cron: '0 9 * * *', exceptions: { crons: ['* * * * *'] } },
      { 'schedule.exceptions': /leave no run: they cover every one$/ },
    ],
    [
      'crons that cover every run of a period',
      { every: '120s', exceptions: { crons: ['*/2 * * * *'] } },
      { 'schedule.exceptions': /leave no run: they cover every one$/ },
    ],
    [
      'a cron that cannot be read, a date and a span that are none',
      {
        cron: '0 9 * * *',
        exceptions: {
          dates: ['2026-02-30'],
          spans: [{ startTime: '2026-07-02T00:00:00Z', endTime: '2026-07-01T00:00:00Z' }],
          crons: ['0 0 9 * * *', '@every 5m'],
        },
      },
      {
        'schedule.exceptions.dates[0]': /"2026-02-30" is no date; write one such as/,
        'schedule.exceptions.spans[0].end_time': /must be after start_time/,
        'schedule.exceptions.crons[0]': /has 6 fields; an exception covers whole minutes/,
        'schedule.exceptions.crons[1]': /@every is a period, which covers nothing/,
      },
    ],
    [
      'a single run with exceptions',
      { at: '2026-06-01T00:00:00Z', exceptions: { dates: ['2026-06-01'] } },
      { 'schedule.exceptions': /make no sense for a single run/ },
    ],
    [
      'a period among several crons, and one that never fires',
      { crons: { expressions: ['@every 5m', '0 0 31 2 *'] } },
      {
        'schedule.crons.expressions[0]': /@every is a period, which cannot be one of several/,
        'schedule.crons.expressions[1]': /never fires/,
      },
    ],
    ['no crons', { crons: { expressions: [] } }, { 'schedule.crons.expressions': /at least 1 item/ }],
    [
      'seventeen crons',
      { crons: { expressions: Array(17).fill('0 9 * * *') } },
      { 'schedule.crons.expressions': /at most 16|more than 16/ },
    ],
    [
      'an interval that says nothing',
      { interval: { times: ['09:00'] } },
      { 'schedule.interval.unit': /one of days, weeks, months is required/ },
    ],
    [
      'an interval with times and days that are none',
      { interval: { days: 1, times: ['24:00', '9:00'], weekdays: ['WEEKDAY_MON'] } },
      {
        'schedule.interval.times[0]': /"24:00" is no time of day; write one such as 09:00/,
        'schedule.interval.times[1]': /"9:00" is no time of day/,
        'schedule.interval.weekdays': /go with weeks/,
      },
    ],
  ];
  for (const [what, schedule, found] of REFUSED) {
    it(`are refused, and say where and why: ${what}`, async () => {
      const told = await refused(schedule);
      assert.deepEqual(Object.keys(told).toSorted(), Object.keys(found).toSorted());
      for (const [field, pattern] of Object.entries(found)) assert.match(told[field]!, pattern);
    });
  }

  it('are previewed with local times, in words, and with what the clocks do to them', async () => {
    const schedule = { cron: '30 2 * * *', timeZone: 'Europe/Vienna' };
    const asked = { schedule, afterTime: '2026-03-27T12:00:00Z', count: 2 };
    const { answer } = await rest('POST', '/v1/webhooks:previewSchedule', asked);
    assert.deepEqual(answer, {
      runTimes: ['2026-03-28T01:30:00Z', '2026-03-29T01:30:00Z'],
      localRunTimes: ['2026-03-28T02:30:00+01:00', '2026-03-29T03:30:00+02:00'],
      timeZone: 'Europe/Vienna',
      description: 'at 02:30 every day (Europe/Vienna)',
      clockChanges: [
        {
          changeTime: '2026-03-29T01:00:00Z',
          localTimeBefore: '2026-03-29T02:00:00+01:00',
          localTimeAfter: '2026-03-29T03:00:00+02:00',
          shiftedRunCount: 1,
          description: 'the clocks go from 02:00 to 03:00: the run of 02:30 is at 03:30',
        },
        {
          changeTime: '2026-10-25T01:00:00Z',
          localTimeBefore: '2026-10-25T03:00:00+02:00',
          localTimeAfter: '2026-10-25T02:00:00+01:00',
          singleRunCount: 1,
          description:
            'the clocks go back from 03:00 to 02:00: the run of 02:30 fires once, at the first of the two',
        },
      ],
    });
  });

  it('are previewed in the zone that was given, even if a period has no use for it', async () => {
    const ask = async (schedule: object) =>
      (await rest('POST', '/v1/webhooks:previewSchedule', { schedule, count: 1 })).answer;
    assert.deepEqual(await ask({ every: '3600s', timeZone: 'europe/vienna' }), {
      runTimes: ['2026-01-01T01:00:00Z'],
      localRunTimes: ['2026-01-01T02:00:00+01:00'],
      timeZone: 'Europe/Vienna',
      description: 'every hour',
    });
    const { localRunTimes, timeZone } = await ask({ every: '3600s' });
    assert.deepEqual([localRunTimes, timeZone], [['2026-01-01T01:00:00Z'], 'UTC']);
  });

  it('come back with the time zone that was given, whatever the platform calls it', async () => {
    for (const timeZone of ['Europe/Kyiv', 'Europe/Kiev', 'Asia/Calcutta', 'Asia/Kolkata']) {
      const exceptions = { dates: ['2026-12-24'] };
      for (const schedule of [
        { cron: '0 9 * * *', timeZone },
        { crons: { expressions: ['0 9 * * *'] }, timeZone },
        { interval: { days: 1, times: ['09:00'] }, timeZone },
        { every: '3600s', timeZone, exceptions },
      ]) {
        const webhook = await registered(schedule);
        assert.equal(webhook.schedule.timeZone, timeZone);
        assert.equal(webhook.effective.schedule.timeZone, timeZone);
        const previewed = await rest('POST', '/v1/webhooks:previewSchedule', { schedule, count: 1 });
        assert.equal(previewed.answer.timeZone, timeZone);
        const { answer } = await rest('GET', `/v1/webhooks/${webhook.id}:previewSchedule`);
        assert.equal(answer.timeZone, timeZone);
      }
    }
  });

  it('are previewed without the changes that come after their end, or after their last run', async () => {
    const changesOf = async (bounds: object) => {
      const schedule = { cron: '30 2 * * *', timeZone: 'Europe/Vienna', ...bounds };
      const { answer } = await rest('POST', '/v1/webhooks:previewSchedule', { schedule });
      return (answer.clockChanges ?? []).length as number;
    };
    assert.equal(await changesOf({}), 2);
    assert.equal(await changesOf({ endTime: '2026-10-01T00:00:00Z' }), 1);
    assert.equal(await changesOf({ endTime: '2026-03-01T00:00:00Z' }), 0);
    // The 88th run is that of 29 March.
    assert.equal(await changesOf({ maxRuns: '88' }), 1);
    assert.equal(await changesOf({ maxRuns: '87' }), 0);
  });

  it('are previewed as nothing for a webhook that only events ring', async () => {
    const webhook = { name: `events ${++names}`, destination: 'http://127.0.0.1:9999/e', eventTypes: ['*'] };
    const { id } = (await rest('POST', '/v1/webhooks', webhook)).answer.webhook;
    const { answer } = await rest('GET', `/v1/webhooks/${id}:previewSchedule`);
    assert.deepEqual(answer, { timeZone: 'UTC' });
  });
});

describe('Backfill', () => {
  const api = sharedApi();
  let names = 0;

  async function hourly(): Promise<string> {
    const schedule = { when: { case: 'every', value: { seconds: 3600n } } } as const;
    const name = `backfilled ${++names}`;
    const webhook = { name, destination: 'http://127.0.0.1:9999/hook', schedule };
    return (await api().webhooks.register({ webhook })).webhook?.id ?? '';
  }
  const span = (hours: number) => ({ startTime: toTimestamp(T0 - hours * HOUR), endTime: toTimestamp(T0) });

  it('fires the runs of a span over REST, and says where to go on', async () => {
    const id = await hourly();
    const ask = async (body: object) => {
      const response = await fetch(`${api().url}/v1/webhooks/${id}:backfill`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return [response.status, await response.json()] as const;
    };
    const day = { startTime: '2025-12-31T00:00:00Z', endTime: '2026-01-01T00:00:00Z' };
    assert.deepEqual(await ask({ ...day, validateOnly: true }), [200, { runCount: 24 }]);
    assert.deepEqual(await ask(day), [200, { runCount: 24 }]);
    assert.deepEqual(await ask(day), [200, { knownRunCount: 24 }]);
    const year = { startTime: '2025-01-01T00:00:00Z', endTime: '2026-01-01T00:00:00Z' };
    const [status, answer] = await ask(year);
    assert.deepEqual([status, answer], [200, { runCount: 976, nextStartTime: '2025-02-10T16:00:00Z' }]);
  });

  it('lets one run go at a time, oldest first, and all with ALLOW, over gRPC', async () => {
    const client = createClient(WebhookService, api().transports.grpc);
    const going = async (overlapPolicy: OverlapPolicy) => {
      const id = await hourly();
      const { runCount } = await client.backfill({ id, ...span(5), overlapPolicy });
      assert.equal(runCount, 5);
      const [lane] = await api().store.topUp([{ webhookId: id, limit: 10, ordered: false }]);
      const found = await Promise.all(
        (lane?.deliveries ?? []).map((each) =>
          api().store.getDelivery({ namespace: 'default', id: each.id }),
        ),
      );
      return found.map((delivery) => (delivery!.nominalAt! - T0) / HOUR);
    };
    assert.deepEqual(await going(OverlapPolicy.UNSPECIFIED), [-5]);
    assert.deepEqual(await going(OverlapPolicy.BUFFER), [-5]);
    assert.deepEqual(await going(OverlapPolicy.ALLOW), [-5, -4, -3, -2, -1]);
  });

  it('has nothing to fire of a single run that is to come, and knows one that has fired', async () => {
    const at = T0 + HOUR;
    const schedule = { when: { case: 'at', value: toTimestamp(at) } } as const;
    const webhook = { name: `once ${++names}`, destination: 'http://127.0.0.1:9999/once', schedule };
    const id = (await api().webhooks.register({ webhook })).webhook?.id ?? '';
    const around = { startTime: toTimestamp(T0), endTime: toTimestamp(T0 + 2 * HOUR) };
    const runs = async () => {
      const { runCount, knownRunCount } = await api().webhooks.backfill({ id, ...around });
      return { runCount, knownRunCount };
    };
    const { store, clock } = api();
    clock.advance(2 * HOUR);
    try {
      assert.deepEqual(await runs(), { runCount: 0, knownRunCount: 0 });
      const [stored] = await store.getWebhooks([id]);
      const over = { ...stored!.cursor, nominalAt: null, dueAt: null, fired: 1 };
      assert.deepEqual(await store.fireRuns([aRun(stored!, { to: over })]), ['FIRED']);
      assert.deepEqual(await runs(), { runCount: 0, knownRunCount: 1 });
    } finally {
      clock.advance(-2 * HOUR);
    }
  });

  it('is refused for a span that is none, that lies in the future, or without one, and for other policies', async () => {
    const id = await hourly();
    const ask = (rest: object) => violations(api().webhooks.backfill({ id, ...span(1), ...rest }));
    assert.match((await ask({ endTime: toTimestamp(T0 + 1) })).end_time ?? '', /lies in the future/);
    assert.match((await ask({ endTime: toTimestamp(T0 - HOUR) })).end_time ?? '', /must be after start_time/);
    assert.deepEqual(Object.keys(await ask({ startTime: undefined, endTime: undefined })).toSorted(), [
      'end_time',
      'start_time',
    ]);
    assert.deepEqual(Object.keys(await ask({ overlapPolicy: OverlapPolicy.SKIP })), ['overlap_policy']);
  });

  it('is refused for a webhook that there is not, or that is paused', async () => {
    const id = await hourly();
    await api().webhooks.pause({ id });
    const codeOf = (of: string) =>
      api()
        .webhooks.backfill({ id: of, ...span(1) })
        .then(
          () => undefined,
          (error: unknown) => ConnectError.from(error).code,
        );
    assert.equal(await codeOf(id), Code.FailedPrecondition);
    assert.equal(await codeOf('wh_00000000000000000000000000'), Code.NotFound);
  });
});
