import type { FieldViolation } from '../error.ts';
import { NOMINAL_MAX } from './occurrences.ts';

/** The earliest time that a schedule can name: the beginning of the year 1, as in protobuf's Timestamp. */
const TIME_MIN = -62_135_596_800_000;

export function one(field: string, description: string): FieldViolation[] {
  return [{ field, description }];
}

export function timeViolations(field: string, time: number): FieldViolation[] {
  if (Number.isInteger(time) && time >= TIME_MIN && time <= NOMINAL_MAX) return [];
  return one(field, 'must be a time in the years 1 to 9999, in whole milliseconds');
}

/** What is wrong with a list: too few items, too many, or what `wrong` says of each. */
export function listViolations<T>(
  field: string,
  items: readonly T[],
  { min = 0, max }: { readonly min?: number; readonly max: number },
  wrong: (item: T, field: string) => readonly FieldViolation[],
): FieldViolation[] {
  const { length } = items;
  if (length < min) return one(field, `must have at least ${min} item${min === 1 ? '' : 's'}`);
  if (length > max) return one(field, `has ${length} items; at most ${max} are allowed`);
  return items.flatMap((item, i) => wrong(item, `${field}[${i}]`));
}
