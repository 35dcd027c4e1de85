import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { MOVED, MOVED_NAMES, type MovedName } from '../../store/moved.ts';
import { createTallies, type End, endOf, FORMAT, type Header, kindLine, rowOf, unusable } from './format.ts';
import { AGAIN, readLines } from './read-lines.ts';

export interface Checked {
  readonly header: Header;
  readonly end: End;
  /** Rows and all others. */
  readonly lines: number;
}

/** Reads an export to its end, and checks that it is whole. Raises FAILED_PRECONDITION. */
export async function checkFile(file: string, tell: (done: number, total: number) => void): Promise<Checked> {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const hash = createHash('sha256');
  const tallies = createTallies();
  let header: Header | undefined;
  let end: End | undefined;
  let kind: MovedName | undefined;
  let lines = 0;
  for await (const line of readLines(file, (done) => tell(done, size))) {
    if (end !== undefined) throw unusable(file, `is damaged: something follows its end; ${AGAIN}`);
    lines++;
    const text = line.toString('utf8');
    const found = readLine(file, text, lines);
    if (header === undefined) header = headerOf(file, found);
    else if (isEnd(found)) {
      end = found;
      checkEnd(file, found, endOf(tallies, hash));
    } else if (Array.isArray(found)) {
      if (kind === undefined) throw damaged(file, lines);
      try {
        rowOf(MOVED[kind], text);
      } catch {
        throw damaged(file, lines);
      }
      tallies[kind].add(text);
    } else kind = kindOf(file, found, lines);
    hash.update(line).update('\n');
  }
  if (header === undefined || end === undefined) throw unusable(file, `is cut short; ${AGAIN}`);
  return { header, end, lines };
}

/** The kind that a line begins; undefined for a row. */
export function beginsKind(text: string): MovedName | undefined {
  if (!text.startsWith('{"kind":')) return undefined;
  const { kind } = JSON.parse(text) as { kind: string };
  return MOVED_NAMES.find((name) => name === kind);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function readLine(file: string, text: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw number === 1 ? unusable(file, 'is no export of Carillon') : damaged(file, number);
  }
}

function headerOf(file: string, found: unknown): Header {
  const { carillon, format } = (found ?? {}) as Partial<Header>;
  if (carillon !== 'export' || typeof format !== 'number') throw unusable(file, 'is no export of Carillon');
  if (format > FORMAT) {
    throw unusable(
      file,
      `was written by a newer Carillon (format ${format}; this version reads ${FORMAT}): upgrade Carillon`,
    );
  }
  return found as Header;
}

function isEnd(found: unknown): found is End {
  return typeof found === 'object' && found !== null && 'end' in found;
}

function kindOf(file: string, found: unknown, number: number): MovedName {
  const { kind, columns } = (found ?? {}) as { kind?: unknown; columns?: unknown };
  const name = MOVED_NAMES.find((each) => each === kind);
  if (name === undefined) throw damaged(file, number);
  if (JSON.stringify(columns) !== JSON.stringify(kindLine(name).columns)) {
    throw unusable(
      file,
      `was written by another version of Carillon, whose ${name} have other columns: use that one`,
    );
  }
  return name;
}

function checkEnd(file: string, said: End, found: End): void {
  if (JSON.stringify(said) === JSON.stringify(found)) return;
  throw unusable(file, `is damaged: its rows are not those that it was written with; ${AGAIN}`);
}

function damaged(file: string, number: number): Error {
  return unusable(file, `is damaged in line ${number}; ${AGAIN}`);
}
