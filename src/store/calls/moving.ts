import { MOVED_NAMES, MOVED_ROWS, type MovedName, type MovedRow } from '../moved.ts';
import type { Moving } from '../moving.ts';
import { type Connection, ONE_ROW, rowsUpTo } from './connection.ts';

export function moving({ client }: Pick<Connection, 'client'>): Moving {
  return {
    beginExport: async (history) =>
      client.call(
        'beginExport',
        history,
        ONE_ROW,
        (counts) =>
          Object.fromEntries(MOVED_NAMES.map((name, i) => [name, counts[i] ?? 0])) as Record<
            MovedName,
            number
          >,
      ),
    exportPart: async ({ kind, history, after }) =>
      client.call('exportPart', [kind, history, after ?? null], rowsUpTo(MOVED_ROWS), (part) => part),
    beginImport: async ({ file, since }) =>
      client.call('beginImport', [file, since], ONE_ROW, (lines) => lines),
    importRows: async ({ file, kind, rows, from, to }) =>
      client.call(
        'importRows',
        [file, kind, rows, from, to],
        { rows: rows.length, bytes: bytesOf(rows) },
        (lines) => lines,
      ),
    finishImport: async () => client.call('finishImport', null, ONE_ROW, (isDone) => isDone),
  };
}

function bytesOf(rows: readonly MovedRow[]): number {
  let bytes = 0;
  for (const row of rows) for (const cell of row) if (cell instanceof Uint8Array) bytes += cell.length;
  return bytes;
}
