import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What documents hold that tests hold against the truth. A comment marks what follows it:
 *
 *     <!-- run: publish -->        commands that are run
 *     <!-- file: examples/… -->    the text of a file
 *     <!-- event: sample -->       and other kinds, for the tests of that document
 */
export interface Block {
  readonly kind: string;
  readonly name: string;
  /** What is between the fences, with the line break at its end; or the table, line by line. */
  readonly text: string;
}

export const ROOT = join(import.meta.dirname, '../..');

/** A document of the repository, by its path from there. */
export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Everything that is marked in a document, in order. */
export function blocksOf(path: string): Block[] {
  const document = readDocument(path);
  const marks = [...document.matchAll(/^<!-- ([\w-]+): (\S+) -->\n/gm)];
  return marks.map(({ 0: mark, 1: kind, 2: name, index }) => {
    const rest = document.slice(index + mark.length);
    const [, text] = /^```\w+\n([\s\S]*?)^```$/m.exec(rest) ?? [];
    const [table] = /^(?:\|.*\n)+/.exec(rest) ?? [];
    const block = rest.startsWith('|') ? table : rest.startsWith('```') ? text : undefined;
    if (block === undefined) throw new Error(`nothing follows ${mark.trim()} in ${path}`);
    return { kind: kind!, name: name!, text: block };
  });
}

/** The one that is marked so. */
export function blockOf(path: string, kind: string, name: string): string {
  const found = blocksOf(path).filter((block) => block.kind === kind && block.name === name);
  if (found.length !== 1) throw new Error(`${path} has ${found.length} blocks marked ${kind}: ${name}`);
  return found[0]!.text;
}

/** The cells of a table's rows below its head, as they are written but for the code marks around them. */
export function rowsOf(table: string): string[][] {
  const [, , ...rows] = table.trimEnd().split('\n');
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) =>
        cell
          .trim()
          .replaceAll('\\|', '|')
          .replace(/^`+ ?(.*?) ?`+$/, '$1'),
      ),
  );
}
