/** Small parts of English sentences. */

/** Fewer values that are equally far apart are listed. */
const STEPS_MIN = 5;

/** `a, b and c` */
export function list(items: readonly string[], last = 'and'): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} ${last} ${items.at(-1)}`;
}

/** `1st`, `22nd`, `13th` */
export function ordinal(number: number): string {
  const teens = number % 100 >= 11 && number % 100 <= 13;
  return `${number}${teens ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th')}`;
}

/**
 * Ascending numbers as a list in which three or more in a row are a range: `0 to 3, 8 and 12`; or, if all are
 * equally far apart and many, `0 to 56 in steps of 7`.
 */
export function ranges(values: readonly number[], word: (value: number) => string = String): string {
  const range = (first: number, last: number) => `${word(values[first]!)} to ${word(values[last]!)}`;
  const step = stepOf(values) ?? 1;
  if (step > 1 && values.length >= STEPS_MIN) return `${range(0, values.length - 1)} in steps of ${step}`;
  const items: string[] = [];
  for (let i = 0; i < values.length; ) {
    let end = i;
    while (values[end + 1] === values[end]! + 1) end++;
    if (end - i < 2) end = i;
    items.push(end === i ? word(values[i]!) : range(i, end));
    i = end + 1;
  }
  return list(items);
}

/** How far apart ascending values are, where all of them are equally far; undefined for fewer than two. */
export function stepOf(values: readonly number[]): number | undefined {
  const [first = 0, second = 0] = values;
  const step = second - first;
  return values.length > 1 && values.every((value, i) => value === first + i * step) ? step : undefined;
}

/** `every hour`, `every 2 weeks` */
export function everyFew(count: number, unit: string): string {
  return count === 1 ? `every ${unit}` : `every ${count} ${unit}s`;
}

/** `1 run`, `2 runs` */
export function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** `09:05`, and `09:05:30` where there are seconds or they are asked for; a time of day in seconds. */
export function clock(second: number, withSeconds = second % 60 !== 0): string {
  const parts = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  return parts
    .slice(0, withSeconds ? 3 : 2)
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
