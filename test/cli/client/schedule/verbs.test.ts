import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli } from '../../../support/cli.ts';
import { sharedApi } from '../../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';

describe('carillon schedules preview', () => {
  const api = sharedApi();
  const carillon = (...argv: string[]) => runCli(api().url, argv);
  const preview = (...argv: string[]) => carillon('schedules', 'preview', ...argv);

  it('shows the next runs in local time and in UTC, the schedule in words, and what the clocks do to it', async () => {
    const argv = ['--cron', '30 2 * * *', '--time-zone', 'Europe/Vienna', '--after', '2026-03-28T12:00:00Z'];
    const { code, out, err } = await preview(...argv, '--count', '2');
    assert.deepEqual([code, err], [0, '']);
    assert.equal(
      out,
      [
        'at 02:30 every day (Europe/Vienna)',
        '',
        'LOCAL TIME                 UTC',
        '2026-03-29T03:30:00+02:00  2026-03-29T01:30:00.000Z  in 87d',
        '2026-03-30T02:30:00+02:00  2026-03-30T00:30:00.000Z  in 88d',
        '',
        '2026-03-29  the clocks go from 02:00 to 03:00: the run of 02:30 is at 03:30',
        '2026-10-25  the clocks go back from 03:00 to 02:00: the run of 02:30 fires once, at the first of the two',
        '',
      ].join('\n'),
    );
  });

  it('shows UTC alone where that is the zone', async () => {
    const { out } = await preview('--every', '90m', '--count', '1');
    assert.match(out, /^every 90 minutes\n\nUTC\n2026-01-01T01:30:00\.000Z {2}in 1h\n$/);
  });

  it('takes several crons and exceptions', async () => {
    const crons = ['--cron', '0 9 * * MON-FRI', '--cron', '0 10 * * SAT'];
    const { out } = await preview(
      ...crons,
      '--except-date',
      '2026-01-02',
      '--except-cron',
      '* * 3 1 *',
      '--json',
    );
    const { runTimes, description } = JSON.parse(out);
    assert.deepEqual(runTimes.slice(0, 2), ['2026-01-01T09:00:00Z', '2026-01-05T09:00:00Z']);
    assert.match(
      description,
      /^at 09:00 on Monday to Friday; and at 10:00 on Saturday \(UTC\); except on 2026-01-02 and on/,
    );
  });

  it('looks ahead in a registered webhook, by its id or its name', async () => {
    const argv = ['--name', 'ahead', '--destination', DESTINATION, '--cron', '0 9 * * *', '--json'];
    const { webhook } = JSON.parse((await carillon('webhooks', 'register', ...argv)).out);
    for (const which of [webhook.id, 'ahead']) {
      assert.match(
        (await preview(which)).out,
        /^at 09:00 every day \(UTC\)\n\nUTC\n2026-01-01T09:00:00\.000Z/,
      );
    }
    await carillon(
      'webhooks',
      'register',
      '--name',
      'rung',
      '--destination',
      DESTINATION,
      '--event-type',
      '*',
    );
    assert.equal((await preview('rung')).out, 'only events ring it\n\nno runs\n');
  });

  it('names the option that is wrong', async () => {
    const { code, err } = await preview('--cron', '0 99 * * *');
    assert.equal(code, 2);
    assert.match(err, /^ {2}--cron \(schedule\.cron\): in the hour field, "99" is out of range/m);
    const several = await preview('--cron', '0 9 * * *', '--cron', '@every 5m', '--except-date', 'someday');
    assert.match(several.err, /^ {2}--cron \(schedule\.crons\.expressions\[1\]\): @every is a period/m);
    assert.match(
      several.err,
      /^ {2}--except-date \(schedule\.exceptions\.dates\[0\]\): "someday" is no date/m,
    );
  });

  for (const [what, argv, message] of [
    ['nothing', [], /give a schedule, such as --cron or --every, or the id of a webhook/],
    [
      'a webhook and a schedule',
      ['joe', '--every', '5s'],
      /give either a webhook or a schedule, and not --every/,
    ],
    ['two ways of ringing', ['--every', '5s', '--cron', '* * * * *'], /--every and --cron are both given/],
    ['too many runs', ['--every', '5s', '--count', '101'], /--count: "101" is not allowed; .* from 1 to 100/],
  ] as const) {
    it(`refuses ${what} before any call, with exit code 2`, async () => {
      const { code, out, err } = await runCli('http://127.0.0.1:9', ['schedules', 'preview', ...argv]);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, message);
    });
  }
});

describe('carillon webhooks backfill', () => {
  const api = sharedApi();
  const webhooks = (...argv: string[]) => runCli(api().url, ['webhooks', ...argv]);
  const register = (name: string, ...argv: string[]) =>
    webhooks('register', '--name', name, '--destination', DESTINATION, ...argv);

  it('counts the runs of a span, fires them, and says what had fired', async () => {
    await register('late', '--every', '1h');
    const say = async (...argv: string[]) => {
      const { code, out, err } = await webhooks('backfill', 'late', ...argv);
      assert.deepEqual([code, err], [0, '']);
      return out;
    };
    assert.equal(await say('--since', '1d', '--validate-only'), '24 runs would be fired\n');
    assert.equal(await say('--since', '5h', '--until', '4h'), '1 run fired\n');
    assert.equal(await say('--since', '2025-12-31T00:00:00Z'), '23 runs fired; 1 had fired before\n');
    assert.deepEqual(JSON.parse(await say('--since', '1d', '--json')), { runCount: 0, knownRunCount: 24 });
  });

  it('says where to go on when a bound was reached, and fires all at once with --overlap allow', async () => {
    const { webhook } = JSON.parse((await register('many', '--every', '1m', '--json')).out);
    const { out } = await webhooks('backfill', 'many', '--since', '1d', '--overlap', 'allow');
    assert.equal(out, '1000 runs fired\ngo on with --since 2025-12-31T16:40:00.000Z\n');
    const [lane] = await api().store.topUp([{ webhookId: webhook.id, limit: 10, ordered: false }]);
    assert.equal(lane?.deliveries.length, 10);
  });

  for (const [what, argv, message] of [
    ['no beginning', [], /--since is required/],
    ['another policy', ['--since', '1d', '--overlap', 'skip'], /--overlap: "skip" .* one of buffer, allow/],
    ['an end before the beginning', ['--since', '1h', '--until', '2h'], /--until must be later than --since/],
  ] as const) {
    it(`refuses ${what} before any call, with exit code 2`, async () => {
      const { code, err } = await runCli('http://127.0.0.1:9', ['webhooks', 'backfill', 'x', ...argv]);
      assert.equal(code, 2);
      assert.match(err, message);
    });
  }

  it('names the option that the server refuses', async () => {
    await register('eager', '--every', '1h');
    const { code, err } = await webhooks(
      'backfill',
      'eager',
      '--since',
      '1h',
      '--until',
      '2026-06-01T00:00:00Z',
    );
    assert.equal(code, 2);
    assert.match(err, /^ {2}--until \(end_time\): lies in the future/m);
  });
});

describe('carillon webhooks register and update', () => {
  const api = sharedApi();
  const json = async (...argv: string[]) =>
    JSON.parse((await runCli(api().url, ['webhooks', ...argv, '--json'])).out).webhook;

  it('take several crons, exceptions and overlap buffer, and change one for the other', async () => {
    const argv = ['--name', 'rich', '--destination', DESTINATION];
    const crons = ['--cron', '0 9 * * MON-FRI', '--cron', '0 10 * * SAT'];
    const made = await json(
      'register',
      ...argv,
      ...crons,
      '--except-date',
      '2026-12-24',
      '--overlap',
      'buffer',
    );
    const overlapPolicy = 'OVERLAP_POLICY_BUFFER';
    const exceptions = { dates: ['2026-12-24'], spans: [], crons: [] };
    const rest = { overlapPolicy, exceptions };
    const shown = (schedule: Record<string, unknown>) =>
      Object.fromEntries(
        Object.keys({ cron: 0, crons: 0, ...rest }).flatMap((key) =>
          schedule[key] === undefined ? [] : [[key, schedule[key]]],
        ),
      );
    assert.deepEqual(shown(made.schedule), {
      crons: { expressions: ['0 9 * * MON-FRI', '0 10 * * SAT'] },
      ...rest,
    });
    const changed = await json('update', 'rich', '--cron', '@daily');
    assert.deepEqual(shown(changed.schedule), { cron: '@daily', ...rest });
    const again = await json('update', 'rich', ...crons, '--clear', 'schedule.exceptions');
    assert.deepEqual(shown(again.schedule), { crons: made.schedule.crons, overlapPolicy });
  });
});
