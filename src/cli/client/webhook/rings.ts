import { type Interval, type Schedule, WeekdaySchema } from '../../../../gen/carillon/v1/schedule_pb.ts';
import { enumName } from '../job.ts';
import { msOf, span } from '../times.ts';

/** When a schedule rings, in a few words. */
export function schedulePhrase(schedule: Schedule): string {
  const phrase = whenPhrase(schedule);
  return schedule.exceptions === undefined ? phrase : `${phrase}, with exceptions`;
}

function whenPhrase({ when, timeZone }: Schedule): string {
  const zone = timeZone === '' || timeZone === 'UTC' ? '' : ` ${timeZone}`;
  switch (when.case) {
    case 'every':
      return `every ${span(when.value)}`;
    case 'cron':
      return `${when.value}${zone}`;
    case 'crons':
      return `${when.value.expressions.join(' | ')}${zone}`;
    case 'interval':
      return `${intervalPhrase(when.value)}${zone}`;
    case 'at':
      return `at ${new Date(msOf(when.value)!).toISOString()}`;
    case undefined:
      return '';
    default:
      return when satisfies never;
  }
}

/** `every 2 weeks on MON, THU at 09:00` */
function intervalPhrase({ unit, times, weekdays, daysOfMonth }: Interval): string {
  const { case: plural = '', value = 1 } = unit;
  const apart = value === 1 ? plural.replace(/s$/, '') : `${value} ${plural}`;
  const days = [...weekdays.map((weekday) => enumName(WeekdaySchema, weekday)), ...daysOfMonth];
  const on = days.length === 0 ? '' : ` on ${days.join(', ')}`;
  return `every ${apart}${on} at ${times.join(', ')}`;
}
