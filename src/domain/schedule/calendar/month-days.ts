import { bitCount, highestBit, lowestBit } from './bits.ts';
import { type Days, SEARCH_MONTHS_MAX } from './days.ts';
import { type Month, monthAfter, monthOf } from './month.ts';

/** Days that are found month by month: `daysOf` has day n of a month as bit n - 1. */
export function monthlyDays(daysOf: (month: Month) => number): Days {
  return {
    has(day) {
      const month = monthOf(day);
      return ((daysOf(month) >> (day - month.firstDay)) & 1) === 1;
    },

    next(day) {
      let month = monthOf(day);
      let bits = daysOf(month) & (-1 << (day - month.firstDay));
      for (let i = 0; i < SEARCH_MONTHS_MAX; i++) {
        if (bits !== 0) return month.firstDay + lowestBit(bits);
        month = monthAfter(month);
        bits = daysOf(month);
      }
      return null;
    },

    previous(day) {
      let month = monthOf(day);
      let bits = daysOf(month) & ~(-1 << (day - month.firstDay));
      for (let i = 0; i < SEARCH_MONTHS_MAX; i++) {
        if (bits !== 0) return month.firstDay + highestBit(bits);
        month = monthOf(month.firstDay - 1);
        bits = daysOf(month);
      }
      return null;
    },

    count(from, to) {
      let month = monthOf(from);
      let bits = daysOf(month) & (-1 << (from - month.firstDay));
      let days = 0;
      while (month.firstDay + month.length <= to) {
        days += bitCount(bits);
        month = monthAfter(month);
        bits = daysOf(month);
      }
      // The last month is cut off at `to`, which is less than a month away, so the shift is at most 30.
      const cut = to > month.firstDay ? ~(-1 << (to - month.firstDay)) : 0;
      return days + bitCount(bits & cut);
    },
  };
}
