import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cronDays } from '../../../../src/domain/schedule/calendar/cron-days.ts';
import { parseCronFields } from '../../../../src/domain/schedule/cron.ts';
import { coveredWords, cronWords } from '../../../../src/domain/schedule/words/cron-words.ts';
import { cronExpression, isReadable } from '../../../support/schedule.ts';

const wordsOf = (expression: string) => cronWords(parseCronFields(expression));

const WORDS: Readonly<Record<string, string>> = {
  '* * * * *': 'every minute',
  '*/5 * * * *': 'every 5 minutes',
  '0-59/5 * * * *': 'every 5 minutes',
  '*/7 * * * *': 'at minute 0 to 56 in steps of 7 of every hour',
  '5,35 * * * *': 'at minute 5 and 35 of every hour',
  '* * * * * *': 'every second',
  '*/15 * * * * *': 'every 15 seconds',
  '5,10 * * * * *': 'at second 5 and 10 of every minute',
  '* 30 9 * * *': 'every second of minute 30 from 09:00 to 09:59',
  '0 * * * *': 'every hour',
  '30 * * * *': 'every hour at minute 30',
  '15 30 * * * *': 'every hour at second 15 of minute 30',
  '0 */2 * * *': 'every 2 hours from 00:00 to 22:00',
  '0 9-17 * * *': 'every hour from 09:00 to 17:00',
  '*/5 9-17 * * MON-FRI': 'every 5 minutes from 09:00 to 17:59 on Monday to Friday',
  '0,30 8,12,20,23 * * *': 'every 30 minutes in hour 8, 12, 20 and 23',
  '0 9 * * *': 'at 09:00 every day',
  '30 0 9 * * *': 'at 09:00:30 every day',
  '0,30 0 9 * * *': 'at 09:00:00 and 09:00:30 every day',
  '0 9 * * MON-FRI': 'at 09:00 on Monday to Friday',
  '0 9 * * 0,6': 'at 09:00 on Saturday and Sunday',
  '0 9 1-7,15 * *': 'at 09:00 on the 1st to 7th and 15th of the month',
  '0 9 2,3,11,12,13,22,23 * *': 'at 09:00 on the 2nd, 3rd, 11th to 13th, 22nd and 23rd of the month',
  '0 0 L * *': 'at 00:00 on the last day of the month',
  '0 0 LW * *': 'at 00:00 on the last weekday of the month',
  '0 0 15W * *': 'at 00:00 on the weekday nearest to the 15th of the month',
  '0 0 1,L * *': 'at 00:00 on the 1st and last day of the month',
  '0 0 * * 5L': 'at 00:00 on the last Friday of the month',
  '0 0 * * 5#3': 'at 00:00 on the 3rd Friday of the month',
  '0 0 * * 1,5#1,5L': 'at 00:00 on Monday and the 1st and last Friday of the month',
  '0 0 1 1 *': 'at 00:00 on the 1st of January',
  '0 0 L 2,8 *': 'at 00:00 on the last day of February and August',
  '0 0 * JUN-AUG MON': 'at 00:00 on Monday in June to August',
  '0 0 * JUN *': 'at 00:00 every day in June',
  '* * * JUN *': 'every minute in June',
  // The star rule of the two day fields.
  '0 0 13 * FRI': 'at 00:00 on the 13th of the month or on Friday',
  '0 0 */2 * FRI': 'at 00:00 on Friday if it is the 1st to 31st in steps of 2 of the month',
  '0 0 13 * */2': 'at 00:00 on Tuesday, Thursday, Saturday and Sunday if it is the 13th of the month',
  '0 0 13 3 FRI': 'at 00:00 on the 13th of the month or on Friday, in March',
  '0 0 1-31 * FRI': 'at 00:00 every day',
  '@weekly': 'at 00:00 on Sunday',
};

describe('The words of a cron expression', () => {
  for (const [expression, words] of Object.entries(WORDS)) {
    it(`${expression} is ${words}`, () => {
      assert.equal(wordsOf(expression), words);
    });
  }

  it('are of one meaning: two expressions with the same words ring at the same times', () => {
    const byWords = new Map<string, string>();
    let met = 0;
    fc.assert(
      fc.property(fc.oneof(plain, cronExpression).filter(isReadable), (expression) => {
        const words = wordsOf(expression);
        const other = byWords.get(words);
        byWords.set(words, expression);
        if (other === undefined || other === expression) return;
        met++;
        assert.deepEqual(meaningOf(expression), meaningOf(other), `${expression} and ${other}: ${words}`);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(met > 100);
  });

  it('name whole days by their dates where they say what an exception covers', () => {
    const covered = (expression: string) => coveredWords(parseCronFields(expression));
    assert.equal(covered('* * 24-26 12 *'), 'on the 24th to 26th of December');
    assert.equal(covered('* * * * 0,6'), 'on Saturday and Sunday');
    assert.equal(covered('* 12 * * *'), 'every minute from 12:00 to 12:59');
    assert.equal(covered('* * * * *'), 'every minute');
    assert.equal(covered('0-29 * * * 6'), 'at minute 0 to 29 of every hour on Saturday');
  });
});

/** Expressions of which many mean the same. */
const plain = fc
  .tuple(
    fc.constantFrom('0', '*', '*/15', '0,15,30,45', '0-59', '30', '0-30', '0-59/2'),
    fc.constantFrom('*', '0-23', '*/2', '0-22/2', '9', '9-17', '9,10,11,12,13,14,15,16,17', '8,10'),
    fc.constantFrom('*', '1-31', '*/2', '1-31/2', '13', 'L', '1', '1W', 'LW'),
    fc.constantFrom('*', '1-12', '6', 'JUN', '6-8', '*/6', '1,7'),
    fc.constantFrom('*', '0-6', '1-5', 'MON-FRI', '5', '5#1', '5L', '5#1,5#2,5#3,5#4,5L', '*/7', '0', '7'),
  )
  .map((fields) => fields.join(' '));

/** The times of a day, and the days of as long as it takes for every kind of month to come but the rarest. */
function meaningOf(expression: string): unknown {
  const { seconds, minutes, hours, ...fields } = parseCronFields(expression);
  const days = cronDays(fields);
  const first = Date.UTC(2016, 0, 1) / 86_400_000;
  const found: number[] = [];
  for (let day = days.next(first); day !== null && day < first + 4_383; day = days.next(day + 1))
    found.push(day);
  return { seconds, minutes, hours, days: found };
}
