import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { monthAfter, monthOf, nearestWeekday } from '../../../../src/domain/schedule/calendar/month.ts';
import { DAY, utc } from '../../../support/schedule.ts';

const SHAPES = [0, 1, 2, 3, 4, 5, 6].flatMap((firstWeekday) =>
  [28, 29, 30, 31].map((length) => ({ firstWeekday, length })),
);

describe('a month', () => {
  it('is that of the calendar, from one to the next, over four centuries', () => {
    let month = monthOf(utc('1900-01-01T00:00Z') / DAY);
    for (let i = 0; i < 400 * 12; i++) {
      const first = new Date(month.firstDay * DAY);
      const length = (Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1) - first.getTime()) / DAY;
      assert.deepEqual(month, {
        year: 1900 + Math.floor(i / 12),
        month: (i % 12) + 1,
        firstDay: Date.UTC(1900, i, 1) / DAY,
        length,
        firstWeekday: first.getUTCDay(),
      });
      assert.deepEqual(monthOf(month.firstDay + length - 1), month);
      month = monthAfter(month);
    }
  });
});

describe('the weekday nearest to a day', () => {
  it('is the least far from it of those in the month, whatever the month looks like', () => {
    for (const { firstWeekday, length } of SHAPES) {
      const days = Array.from({ length }, (_, i) => i + 1);
      const weekdays = days.filter(
        (day) => (firstWeekday + day - 1) % 7 >= 1 && (firstWeekday + day - 1) % 7 <= 5,
      );
      for (const day of days) {
        const found = nearestWeekday(day, { firstWeekday, length });
        assert.ok(weekdays.includes(found), `${day} of a month of ${length} from weekday ${firstWeekday}`);
        const least = Math.min(...weekdays.map((weekday) => Math.abs(weekday - day)));
        assert.equal(Math.abs(found - day), least);
      }
    }
  });

  it('stays in the month', () => {
    // A Saturday the 1st, and a Sunday the 31st.
    assert.equal(nearestWeekday(1, { firstWeekday: 6, length: 31 }), 3);
    assert.equal(nearestWeekday(31, { firstWeekday: 5, length: 31 }), 29);
  });
});
