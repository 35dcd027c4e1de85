import type { MovedCell, MovedName, MovedRow } from '../moved.ts';

/** The verbs by which everything is moved: what each is given and what it answers. */
export interface MovingShapes {
  /** Answers how many rows of each kind there are, in the order of `MOVED_NAMES`. */
  beginExport: { args: boolean; answer: number[] };
  exportPart: {
    args: [kind: MovedName, history: boolean, after: readonly MovedCell[] | null];
    answer: { rows: MovedRow[]; next: MovedCell[] | null };
  };
  beginImport: { args: [file: string, since: number]; answer: number | 'FILLED' | 'OTHER' };
  importRows: {
    args: [file: string, kind: MovedName, rows: readonly MovedRow[], from: number, to: number];
    answer: number;
  };
  finishImport: { args: null; answer: boolean };
}
