import type { Exceptions } from '../../src/domain/schedule/schedule.ts';
import { isDayByHand, minutesByHand } from './cron-oracles.ts';

const clocks = new Map<string, Intl.DateTimeFormat>();

/** What a clock in the zone shows: `2024-03-10 07:30:00`. */
function clockOf(zone: string, instant: number): string {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
    clocks.set(zone, clock);
  }
  return clock.format(instant);
}

/** The instants that exceptions do not cover, by the words of the documentation and the clock of another library. */
export function leftByHand(exceptions: Exceptions, instants: readonly number[]): number[] {
  const { timeZone, dates, spans, crons } = exceptions;
  const minutes = crons.map(minutesByHand);
  const covered = new Map<string, boolean>();

  function covers(clock: string): boolean {
    const [date = '', hour, minute] = clock.split(/[ :]/);
    if (dates.includes(date)) return true;
    const number = Number(hour) * 60 + Number(minute);
    return crons.some(
      (expression, i) => minutes[i]!.has(number) && isDayByHand(expression, Date.parse(`${date}T00:00Z`)),
    );
  }

  return instants.filter((instant) => {
    if (spans.some(({ startAt, endAt }) => startAt <= instant && instant < endAt)) return false;
    const clock = clockOf(timeZone, instant).slice(0, 16);
    if (!covered.has(clock)) covered.set(clock, covers(clock));
    return !covered.get(clock);
  });
}
