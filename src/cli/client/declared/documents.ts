import { LineCounter, parseAllDocuments } from 'yaml';
import { finder, type Path, type Problem, type SourceLine } from './source-line.ts';

/** A value of a file, and the lines on which its parts stand. */
export interface Item {
  readonly value: unknown;
  lineOf(path: Path): SourceLine;
}

/** How often anchors may be used: enough for a thousand webhooks with a few each, and no bomb. */
const ALIASES_MAX = 10_000;

/**
 * The values of a file of YAML 1.2, of which JSON is a part: of each of its documents, or of each item of one
 * that is a list. Anchors and `<<` work. What YAML leaves open, such as a tag that is not known, is a problem.
 */
export function itemsOf(file: string, text: string): { items: Item[]; problems: Problem[] } {
  const lines = new LineCounter();
  const items: Item[] = [];
  const problems: Problem[] = [];
  let documents: ReturnType<typeof documentsOf>;
  try {
    documents = documentsOf(text, lines);
  } catch (error) {
    // Such as thousands of brackets within each other.
    return {
      items,
      problems: [{ at: { file, line: 1 }, message: `it cannot be read: ${(error as Error).message}` }],
    };
  }
  for (const document of documents) {
    const faults = [...document.errors, ...document.warnings];
    for (const { pos, message } of faults) {
      problems.push({ at: { file, line: lines.linePos(pos[0]).line }, message });
    }
    if (faults.length > 0) continue;
    const lineOf = finder(document, lines, file);
    try {
      const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
      if (Array.isArray(value)) {
        const each = value.map((one: unknown, i) => ({
          value: one,
          lineOf: (path: Path) => lineOf([i, ...path]),
        }));
        items.push(...each);
      } else if (value !== null) {
        items.push({ value, lineOf });
      }
    } catch (error) {
      problems.push({ at: lineOf([]), message: (error as Error).message });
    }
  }
  return { items, problems };
}

function documentsOf(text: string, lineCounter: LineCounter) {
  return parseAllDocuments(text, { lineCounter, merge: true, prettyErrors: false });
}
