import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scheduleViolations } from '../../../src/domain/schedule/rules.ts';
import type { Schedule } from '../../../src/domain/schedule/schedule.ts';
import { atSchedule, cronSchedule, DAY, everySchedule, HOUR, MINUTE, utc } from '../../support/schedule.ts';

const NOW = utc('2024-01-01T00:00Z');
const rules = { now: NOW, everyMinMs: 1_000, field: 'webhook.schedule' };

function violations(schedule: Schedule): string[] {
  return scheduleViolations(schedule, rules).map(({ field, description }) => `${field}: ${description}`);
}

/** Exactly one rule is broken, on this field, and the message says this. */
function refuses(schedule: Schedule, field: string, says: RegExp): void {
  const found = scheduleViolations(schedule, rules);
  assert.deepEqual(
    found.map((violation) => violation.field),
    [`webhook.schedule.${field}`],
  );
  assert.match(found[0]!.description, says);
}

describe('a new schedule', () => {
  it('is good when it keeps the rules', () => {
    const schedules = [
      everySchedule(1_000),
      everySchedule(366 * DAY),
      everySchedule(MINUTE, { startAt: NOW - 10 * DAY, endAt: NOW + DAY, maxRuns: 3 }),
      everySchedule(MINUTE, { maxRuns: 0, jitterMs: DAY, catchupMs: 31 * DAY }),
      cronSchedule('@every 10s'),
      cronSchedule('0 0 29 2 *', { timeZone: 'europe/vienna' }),
      atSchedule(NOW + 1),
      atSchedule(NOW + DAY, { startAt: NOW, endAt: NOW + DAY + 1 }),
    ];
    for (const schedule of schedules) assert.deepEqual(violations(schedule), []);
  });

  it('has a period from the lower bound to 366 days, in whole milliseconds', () => {
    for (const periodMs of [999, 366 * DAY + 1, 0, -5, 1000.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      refuses(everySchedule(periodMs), 'every', /^must be from 1 s to 366 days, in whole milliseconds$/);
    }
    const low = scheduleViolations(everySchedule(50), { ...rules, everyMinMs: 100 });
    assert.match(low[0]!.description, /from 100 ms/);
    assert.deepEqual(scheduleViolations(everySchedule(100), { ...rules, everyMinMs: 100 }), []);
  });

  it('has the same bounds where the period is written in cron', () => {
    refuses(cronSchedule('@every 500ms'), 'cron', /from 1 s to 366 days/);
    refuses(cronSchedule('@every 10000h'), 'cron', /from 1 s to 366 days/);
  });

  it('has a cron expression that can be read', () => {
    refuses(cronSchedule('61 * * * *'), 'cron', /in the minute field, "61" is out of range/);
  });

  it('has a cron expression that fires', () => {
    refuses(cronSchedule('0 0 30 2 *'), 'cron', /never fires/);
    const skipped = cronSchedule('30 2 * 3 0#2', { timeZone: 'America/New_York', dstGap: 'SKIP' });
    refuses(skipped, 'cron', /never fires in America\/New_York: .*dst_gap SKIP/);
  });

  it('has a known zone', () => {
    refuses(
      cronSchedule('@daily', { timeZone: 'Mars/Olympus' }),
      'time_zone',
      /"Mars\/Olympus" is not an IANA time zone/,
    );
    refuses(cronSchedule('@daily', { timeZone: '+02:00' }), 'time_zone', /"\+02:00" is not/);
    refuses(cronSchedule('@daily', { timeZone: '' }), 'time_zone', /Europe\/Vienna, or UTC/);
  });

  it('has an at in the future', () => {
    for (const at of [NOW, NOW - 1])
      refuses(atSchedule(at), 'at', /in the past.*later than 2024-01-01T00:00:00.000Z/);
  });

  it('has an at between start and end', () => {
    refuses(atSchedule(NOW + DAY, { startAt: NOW + 2 * DAY }), 'at', /must lie at start_time or later/);
    refuses(atSchedule(NOW + DAY, { endAt: NOW + DAY }), 'at', /must lie before end_time/);
  });

  it('ends after it starts', () => {
    const startAt = NOW + DAY;
    for (const endAt of [startAt, startAt - 1]) {
      refuses(everySchedule(MINUTE, { startAt, endAt }), 'end_time', /must be after start_time/);
    }
  });

  it('is not over before it begins', () => {
    refuses(everySchedule(MINUTE, { endAt: NOW }), 'end_time', /over before it begins/);
    refuses(
      everySchedule(MINUTE, { startAt: NOW - DAY, endAt: NOW - HOUR }),
      'end_time',
      /over before it begins/,
    );
  });

  it('has a run before it ends', () => {
    refuses(
      everySchedule(HOUR, { endAt: NOW + HOUR }),
      'end_time',
      /leaves no run: none falls before end_time/,
    );
    const window = { startAt: NOW + HOUR, endAt: NOW + 2 * HOUR };
    refuses(cronSchedule('0 9 * * *', {}, window), 'end_time', /none falls between start_time and end_time/);
  });

  it('has jitter and catch-up within their ranges', () => {
    for (const jitterMs of [-1, DAY + 1, 0.5])
      refuses(everySchedule(MINUTE, { jitterMs }), 'jitter', /from 0 s to 1 day/);
    for (const catchupMs of [-1, 31 * DAY + 1]) {
      refuses(everySchedule(MINUTE, { catchupMs }), 'catchup_window', /from 0 s to 31 days/);
    }
  });

  it('has a whole number of runs', () => {
    for (const maxRuns of [-1, 1.5, Number.NaN])
      refuses(everySchedule(MINUTE, { maxRuns }), 'max_runs', /whole number/);
  });

  it('has times that a timestamp can hold', () => {
    refuses(atSchedule(1e17), 'at', /years 1 to 9999/);
    refuses(atSchedule(Number.NaN), 'at', /years 1 to 9999/);
    refuses(everySchedule(MINUTE, { startAt: -1e17 }), 'start_time', /years 1 to 9999/);
    refuses(everySchedule(MINUTE, { endAt: 1e17 }), 'end_time', /years 1 to 9999/);
  });

  it('is told of every rule that it breaks', () => {
    const schedule = cronSchedule(
      'x',
      { timeZone: 'y' },
      { endAt: NOW - 1, jitterMs: -1, catchupMs: -1, maxRuns: -1 },
    );
    assert.deepEqual(
      scheduleViolations(schedule, rules).map(({ field }) => field.replace('webhook.schedule.', '')),
      ['cron', 'time_zone', 'end_time', 'jitter', 'catchup_window', 'max_runs'],
    );
  });
});
