import type { Style } from './style.ts';
import { clip, pad, plain, widthOf } from './terminal-text.ts';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** The fewest columns that it may be clipped to; without it, it is never clipped. */
  readonly atLeast?: number;
  /** It is clipped only when the others are as narrow as they may be. */
  readonly last?: boolean;
  /** When the table is too wide, columns with the lowest go first; without it, it stays. */
  readonly rank?: number;
  readonly align?: 'right';
  readonly style?: (row: Row) => keyof Style | undefined;
}

export interface Paper {
  /** How wide it is; undefined for as wide as it takes, when nobody looks. */
  readonly width: number | undefined;
  readonly style: Style;
}

const GAP = '  ';

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  width: number;
}

/** Rows under titles, aligned, in the width that there is: what can be clipped is, then what can be left out. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paper: Paper): string {
  let laid = columns.map((column): Laid<Row> => {
    const cells = rows.map((row) => plain(column.text(row)));
    const width = Math.max(widthOf(column.title), ...cells.map(widthOf));
    return { column, cells, width };
  });
  // A column in which nothing stands says nothing.
  laid = laid.filter(({ cells }) => rows.length === 0 || cells.some((cell) => cell !== ''));
  laid = fit(laid, paper.width ?? Number.POSITIVE_INFINITY);
  const line = (cellOf: (each: Laid<Row>) => string) => laid.map(cellOf).join(GAP).trimEnd();
  const title = line(({ column, width }) => pad(clip(column.title, width), width, column.align));
  const lines = rows.map((row, i) =>
    line(({ column, cells, width }) => {
      const cell = pad(clip(cells[i]!, width), width, column.align);
      const name = column.style?.(row);
      return name === undefined ? cell : paper.style[name](cell);
    }),
  );
  return [paper.style.quiet(title), ...lines].map((text) => `${text}\n`).join('');
}

/**
 * Clips the widest of what may be clipped, a column at a time, and last what should be whole; and leaves out columns
 * where that is not enough.
 */
function fit<Row>(all: readonly Laid<Row>[], width: number): Laid<Row>[] {
  let kept = [...all];
  while (least(kept) > width) {
    const ranked = kept.filter(({ column }) => column.rank !== undefined);
    const first = ranked.reduce<Laid<Row> | undefined>(
      (low, each) => (low === undefined || each.column.rank! < low.column.rank! ? each : low),
      undefined,
    );
    if (first === undefined) break;
    kept = kept.filter((each) => each !== first);
  }
  let excess = total(kept.map((each) => each.width)) - width;
  while (excess > 0) {
    const elastic = kept.filter((each) => each.width > narrowest(each));
    const first = elastic.filter(({ column }) => !column.last);
    const widest = (first.length > 0 ? first : elastic).reduce<Laid<Row> | undefined>(
      (wide, each) => (wide === undefined || each.width > wide.width ? each : wide),
      undefined,
    );
    if (widest === undefined) break;
    widest.width--;
    excess--;
  }
  return kept;
}

function least<Row>(laid: readonly Laid<Row>[]): number {
  return total(laid.map(narrowest));
}

function narrowest<Row>({ column, width }: Laid<Row>): number {
  return Math.min(width, column.atLeast ?? width);
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * Math.max(0, widths.length - 1);
}

/** Names and values, one under the other. Those without a value are left out. */
export function card(
  fields: readonly (readonly [name: string, value: string | undefined])[],
  paper: Paper,
): string {
  const shown = fields.filter(
    (field): field is [string, string] => field[1] !== undefined && field[1] !== '',
  );
  const widest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown
    .map(([name, value]) => `${paper.style.quiet(name.padEnd(widest))}${GAP}${plain(value)}\n`)
    .join('');
}
