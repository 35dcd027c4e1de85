import { createHash, type Hash } from 'node:crypto';
import { DomainError } from '../../domain/error.ts';
import {
  MOVED,
  MOVED_NAMES,
  type MovedCell,
  type MovedKind,
  type MovedName,
  type MovedRow,
} from '../../store/moved.ts';
import type { SealKeyUse } from '../../store/store.ts';

/**
 * An export: lines of JSON, compressed by gzip. The first says what it is, the last how many rows of each kind it has and
 * what they come to; between them each kind has a line that says so, and a line for each row, an array of its values.
 * docs/moving.md describes it.
 */
export interface Header {
  readonly carillon: 'export';
  readonly format: number;
  /** Of the program that wrote it. */
  readonly version: string;
  /** When it was begun, in milliseconds since 1970. */
  readonly since: number;
  readonly history: boolean;
  /** The keys that open what is sealed in it. */
  readonly sealKeys: readonly SealKeyUse[];
}

export interface KindLine {
  readonly kind: MovedName;
  readonly columns: readonly string[];
}

export interface End {
  readonly end: true;
  readonly rows: Readonly<Record<string, number>>;
  /** For each kind, what `digestOf` its rows comes to. */
  readonly digests: Readonly<Record<string, string>>;
  /** SHA-256 of all lines before this one, in hexadecimal. */
  readonly sha256: string;
}

export const FORMAT = 1;
/** The longest line: a body of 1 MiB in base64, and whatever is beside it. */
export const LINE_BYTES_MAX = 64 * 1024 * 1024;

export function kindLine(name: MovedName): KindLine {
  return { kind: name, columns: MOVED[name].columns.map(([column]) => column) };
}

/** A row as its line has it: bytes are base64. */
export function rowText(row: MovedRow): string {
  return JSON.stringify(
    row.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString('base64') : cell)),
  );
}

/** The row in a line. Raises for what is none of this kind. */
export function rowOf({ columns, name }: MovedKind, text: string): MovedRow {
  const cells: unknown = JSON.parse(text);
  if (!Array.isArray(cells) || cells.length !== columns.length)
    throw new Error(`a row of ${name} has other columns`);
  return cells.map((cell: unknown, i): MovedCell => {
    const type = columns[i]![1];
    if (cell === null) return null;
    if (type === 'bytea' && typeof cell === 'string') return new Uint8Array(Buffer.from(cell, 'base64'));
    if (type === 'text' && typeof cell === 'string') return cell;
    if (type !== 'text' && type !== 'bytea' && typeof cell === 'number') return cell;
    throw new Error(`a row of ${name} has something else in ${columns[i]![0]}`);
  });
}

/** What rows of a kind come to, in whatever order: all their digests, combined. */
export interface Tally {
  add(text: string): void;
  count(): number;
  digest(): string;
}

export function createTally(): Tally {
  const sum = Buffer.alloc(32);
  let rows = 0;
  return {
    add(text) {
      rows++;
      const one = createHash('sha256').update(text).digest();
      for (const [i, byte] of one.entries()) sum[i]! ^= byte;
    },
    count: () => rows,
    digest: () => sum.toString('hex'),
  };
}

export function createTallies(): Readonly<Record<MovedName, Tally>> {
  return Object.fromEntries(MOVED_NAMES.map((name) => [name, createTally()])) as Record<MovedName, Tally>;
}

export function endOf(tallies: Readonly<Record<MovedName, Tally>>, hash: Hash): End {
  const of = <T>(value: (tally: Tally) => T) =>
    Object.fromEntries(MOVED_NAMES.map((name) => [name, value(tallies[name])]));
  return {
    end: true,
    rows: of((tally) => tally.count()),
    digests: of((tally) => tally.digest()),
    sha256: hash.copy().digest('hex'),
  };
}

/** Raises FAILED_PRECONDITION: a file that cannot be imported, and why. Nothing was changed. */
export function unusable(file: string, why: string): DomainError {
  return new DomainError('IMPORT_UNUSABLE', `${file} ${why}; nothing was changed`);
}
