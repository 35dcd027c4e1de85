import { parse } from '@bufbuild/cel';
import { readableSource } from './source.ts';

/** A filter as CEL's parser has it. */
export type Expr = ReturnType<typeof parse>['expr'];

/** The longest filter, in UTF-16 units. */
export const FILTER_LENGTH_MAX = 4096;

/** Something is wrong with a filter. The message says where, if that is known. */
export class FilterMistake extends Error {}

export interface ReadFilter {
  readonly expr: Expr;
  /** Fields that were quoted, by the names that they have in `expr`. */
  readonly quoted: ReadonlyMap<string, string>;
  /** Where something is, to be put into a sentence. */
  placeOf(expr: Expr): string;
}

/** Reads a filter. Raises `FilterMistake`. */
export function readFilter(text: string): ReadFilter {
  if (text.length > FILTER_LENGTH_MAX) {
    throw new FilterMistake(`has ${text.length} characters: give at most ${FILTER_LENGTH_MAX}`);
  }
  const readable = readableSource(text);
  try {
    const { expr, sourceInfo } = parse(readable.text);
    const placeOf = ({ id }: Expr) => place(text, readable.place(sourceInfo?.positions[id.toString()] ?? 0));
    return { expr, quoted: readable.quoted, placeOf };
  } catch (error) {
    if (error instanceof RangeError && /call stack/.test(error.message)) {
      throw new FilterMistake('is nested too deeply');
    }
    const { rawMessage, location, message } = error as Error & {
      rawMessage?: string;
      location?: { start: { offset: number } };
    };
    if (location === undefined) throw new FilterMistake(`cannot be read: ${message}`);
    throw new FilterMistake(
      `cannot be read${place(text, readable.place(location.start.offset))}: ${rawMessage}`,
    );
  }
}

function place(text: string, offset: number): string {
  // Operators are placed at the white space before them.
  const start = offset + /^\s*/.exec(text.slice(offset))![0].length;
  const lines = text.slice(0, start).split(/\r\n|\r|\n/);
  return ` at line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}
