import { type ByDay, dayOfDelivery, TABLES_BY_DAY, tableOf } from './days.ts';

/** In which tables data was erased, of which dead rows may still be there. */
export interface Erased {
  readonly in: (...tables: readonly Plain[]) => void;
  /** Of deliveries: where they lie follows from their ids. */
  readonly of: (table: ByDay, ids: readonly string[]) => void;
  readonly isEmpty: () => boolean;
  /** The tables, which count as cleared away from now on. `days` are those that have tables. */
  readonly take: (days: readonly number[]) => string[];
  /** They were not cleared away after all. */
  readonly giveBack: (tables: readonly string[]) => void;
}

type Plain = (typeof PLAIN)[number];

/** Tables in which there can be dead rows with what was erased, beside those of days. */
const PLAIN = ['events', 'renderings', 'requests', 'namespace_keys', 'webhooks'] as const;
/** With more of them, all count. */
const DAYS_MAX = 1_000;

/** At first everything counts: nobody knows what an earlier run left. */
export function createErased(): Erased {
  let everything = true;
  const plain = new Set<Plain>();
  const again = new Set<string>();
  const days = new Map<ByDay, Set<number>>(TABLES_BY_DAY.map((table) => [table, new Set()]));

  function tablesOf(table: ByDay, there: readonly number[]): string[] {
    const touched = days.get(table)!;
    const mine = there.filter((day) => everything || touched.has(day)).map((day) => tableOf(table, day));
    return everything || touched.size > 0 ? [`${table}_rest`, ...mine] : [];
  }

  function isThere(name: string, there: readonly number[]): boolean {
    return TABLES_BY_DAY.every((table) => {
      const isOfDay = name.startsWith(`${table}_`) && name !== `${table}_rest`;
      return !isOfDay || there.some((day) => tableOf(table, day) === name);
    });
  }

  return {
    in(...tables) {
      for (const table of tables) plain.add(table);
    },
    of(table, ids) {
      const touched = days.get(table)!;
      for (const id of ids) touched.add(dayOfDelivery(id));
      everything ||= touched.size > DAYS_MAX;
    },
    isEmpty: () =>
      !everything &&
      plain.size === 0 &&
      again.size === 0 &&
      [...days.values()].every(({ size }) => size === 0),
    take(there) {
      const taken = new Set<string>(PLAIN.filter((table) => everything || plain.has(table)));
      for (const table of TABLES_BY_DAY) for (const name of tablesOf(table, there)) taken.add(name);
      for (const name of again) if (isThere(name, there)) taken.add(name);
      everything = false;
      plain.clear();
      again.clear();
      for (const each of days.values()) each.clear();
      return [...taken];
    },
    giveBack(tables) {
      for (const table of tables) again.add(table);
    },
  };
}
