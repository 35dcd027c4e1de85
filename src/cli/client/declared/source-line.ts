import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

/** Where a value is within a webhook: names of fields, keys of maps and numbers of list items. */
export type Path = readonly (string | number)[];

/** A line of a file. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
}

/** Something that is wrong with a line. */
export interface Problem {
  readonly at: SourceLine;
  readonly message: string;
}

/** `hooks/orders.yaml:12: …`, a line each, in the order of the files and their lines. */
export function problemsText(problems: readonly Problem[]): string {
  return problems
    .toSorted((a, b) => compare(a.at.file, b.at.file) || a.at.line - b.at.line)
    .map(({ at, message }) => `${lineText(at)}: ${message}\n`)
    .join('');
}

/** `hooks/orders.yaml:12` */
export function lineText({ file, line }: SourceLine): string {
  return `${file}:${line}`;
}

/** Finds the lines of a document. A path that leads nowhere is where the nearest that it begins with is. */
export function finder(document: Document.Parsed, lines: LineCounter, file: string) {
  return (path: Path): SourceLine => {
    let node: Node | null = document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const step of path) {
      const inside = within(resolved(node, document), step, document);
      if (inside === undefined) break;
      ({ node, offset } = inside);
    }
    return { file, line: lines.linePos(offset).line };
  };
}

interface Inside {
  readonly node: Node | null;
  readonly offset: number;
}

function within(node: Node | null, step: string | number, document: Document.Parsed): Inside | undefined {
  if (isSeq(node)) {
    const item = typeof step === 'number' ? node.items[step] : undefined;
    return isNode(item) ? { node: item, offset: item.range?.[0] ?? 0 } : undefined;
  }
  if (!isMap(node)) return undefined;
  let merged: Inside | undefined;
  for (const { key, value } of node.items) {
    if (!isScalar(key)) continue;
    const inner = isNode(value) ? value : null;
    if (isMerge(key.value)) merged ??= within(resolved(inner, document), step, document);
    else if (camelCase(String(key.value)) === camelCase(String(step))) {
      return { node: inner, offset: key.range?.[0] ?? 0 };
    }
  }
  // What `<<` brings in stands where its anchor is.
  return merged;
}

function resolved(node: Node | null, document: Document.Parsed): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

function isMerge(key: unknown): boolean {
  return key === '<<' || (typeof key === 'symbol' && key.description === '<<');
}

/** A field has two names in ProtoJSON, `time_zone` and `timeZone`. */
function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
