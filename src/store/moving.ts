/**
 * Moving all that a store has to another, of whatever kind: rows go out of one a part at a time, and into the other. Nobody
 * else may use either meanwhile. Which errors the port raises, and when, is said in `store.ts`.
 */
import type { MovedCell, MovedName, MovedRow } from './moved.ts';

export interface Moving {
  /**
   * Writes down what is only noted in memory, and counts what there is to be moved: all, or without `history` what is
   * registered, what waits, and which ids of events and calls are taken. Raises UNAVAILABLE and EXHAUSTED.
   */
  beginExport(history: boolean): Promise<Readonly<Record<MovedName, number>>>;

  /** Rows of a kind in order of their places, a part of them; `next` is null at the end. Raises UNAVAILABLE and EXHAUSTED. */
  exportPart(query: ExportQuery): Promise<ExportPart>;

  /**
   * Begins with a file, or goes on with it, in a store that has nothing else. Returns how many lines of it are in; 'FILLED'
   * where there is something else, and 'OTHER' where a part of another file is, and then changes nothing. The store is on
   * standby, IMPORTING, from then on. Raises UNAVAILABLE and EXHAUSTED.
   */
  beginImport(file: ImportFile): Promise<number | 'FILLED' | 'OTHER'>;

  /**
   * Enters rows, which are in the file up to the line `to`, if just the lines up to `from` are in. Returns up to which they
   * are, afterwards. Raises UNAVAILABLE and EXHAUSTED.
   */
  importRows(part: ImportPart): Promise<number>;

  /** Makes a part of what follows from the rows. Returns whether all of it is made. Raises UNAVAILABLE and EXHAUSTED. */
  finishImport(): Promise<boolean>;
}

export interface ExportQuery {
  readonly kind: MovedName;
  readonly history: boolean;
  /** Where the last part ended; undefined for the first. */
  readonly after: readonly MovedCell[] | undefined;
}

export interface ExportPart {
  readonly rows: readonly MovedRow[];
  readonly next: readonly MovedCell[] | null;
}

export interface ImportFile {
  /** Its digest. */
  readonly file: string;
  /** When it was made. */
  readonly since: number;
}

export interface ImportPart {
  readonly file: string;
  readonly kind: MovedName;
  readonly rows: readonly MovedRow[];
  readonly from: number;
  readonly to: number;
}
