import { firstIdAt, isOwnForm, timeOfId } from '../../../domain/id.ts';
import { toRfc3339 } from '../../../domain/rfc3339.ts';

/**
 * What is finished, and what happened, lies in tables for days (UTC). The day of a row follows from the id of its
 * delivery, which says when that was made, so whoever looks for a delivery looks into the table of its day alone, and
 * beside it into the rest. There lies what was finished on a later day than it was made, and what has no table.
 */
export const DAY_MS = 86_400_000;

/** Tables with a part for each day. */
export const TABLES_BY_DAY = ['history', 'journal'] as const;
export type ByDay = (typeof TABLES_BY_DAY)[number];

/** What becomes of the tables of a day, one after the other. */
export const OPEN = 0;
/** They are to go, and take no rows any more. What is kept of them is moved to the rest. */
export const CLOSING = 1;
/** Nothing of them is kept. */
export const OVER = 2;
/** Nobody finds anything in them. What hangs on their deliveries is deleted. */
export const DETACHED = 3;
/** They can be dropped. */
export const FREE = 4;

/** In place of a day: none. */
const NO_DAY = -1;

export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

export function endOf(day: number): number {
  return (day + 1) * DAY_MS;
}

/** The day in which a delivery was made; none for an id that is not of our form. */
export function dayOfDelivery(id: string): number {
  return id.startsWith('msg_') && isOwnForm(id) ? dayOf(timeOfId(id)) : NO_DAY;
}

/** The same if it was finished on that day, too: what is finished later is kept for longer. */
export function dayOfFinished(id: string, finishedAt: number): number {
  const day = dayOfDelivery(id);
  return dayOf(finishedAt) === day ? day : NO_DAY;
}

/** In SQL, where a row lies that belongs to a day: 0 in its table, 1 with the rest. */
export function apart(day: string): string {
  return `CASE WHEN ${day} = ANY (ARRAY(SELECT day FROM @days WHERE state = ${OPEN})) THEN 0 ELSE 1 END`;
}

/** The table of a day. */
export function tableOf(table: ByDay, day: number): string {
  return `${table}_${toRfc3339(day * DAY_MS)
    .slice(0, 'yyyy-mm-dd'.length)
    .replaceAll('-', '')}`;
}

/** The ids of a day's deliveries: from the first, and before the second. */
export function idsOf(day: number): readonly [first: string, next: string] {
  return [firstIdAt('delivery', day * DAY_MS), firstIdAt('delivery', endOf(day))];
}
