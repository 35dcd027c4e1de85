import type { Template } from 'liquidjs';
import { createContext, createEngine } from './liquid-engine.ts';

/** Characters of compiled templates that are kept; the longest unused are dropped. One takes up to 250 bytes. */
const COMPILED_LENGTH_MAX = 512 * 1024;
/** What a compiled template takes beside its text, in characters. */
const COMPILED_LENGTH = 64;

const liquid = createEngine();
/** By source, in order of use. */
const compiled = new Map<string, Template[]>();
let compiledLength = 0;

/**
 * What a Liquid template makes of what it is given; to be done within `metered`. Raises liquidjs' error,
 * which names line and column.
 */
export function renderLiquid(source: string, given: object): string {
  return liquid.renderSync(compile(source), createContext(liquid, given)) as string;
}

function compile(source: string): Template[] {
  const known = compiled.get(source);
  if (known !== undefined) {
    // A Map keeps its order of insertion: taken out and put in again, the first is the longest unused.
    compiled.delete(source);
    compiled.set(source, known);
    return known;
  }
  const template = liquid.parse(source);
  compiled.set(source, template);
  compiledLength += lengthOf(source);
  for (const oldest of compiled.keys()) {
    if (compiledLength <= COMPILED_LENGTH_MAX) break;
    compiled.delete(oldest);
    compiledLength -= lengthOf(oldest);
  }
  return template;
}

function lengthOf(source: string): number {
  return source.length + COMPILED_LENGTH;
}
