import type { Template } from 'liquidjs';
import { createContext, createEngine } from './liquid-engine.ts';

/** Characters of compiled templates that are kept; the longest unused are dropped. One takes up to 250 bytes. */
const COMPILED_LENGTH_MAX = 512 * 1024;
/** What a compiled template takes beside its text, in characters. */
const COMPILED_LENGTH = 64;

interface Compiled {
  readonly template: Template[];
  /** The variables that it reads, as far as they stand in it by their names. */
  readonly variables: readonly string[];
}

const liquid = createEngine();
/** By source, in order of use. */
const compiled = new Map<string, Compiled>();
let compiledLength = 0;

/**
 * What a Liquid template makes of what it is given; to be done within `metered`. Raises liquidjs' error,
 * which names line and column.
 */
export function renderLiquid(source: string, given: object): string {
  return liquid.renderSync(compile(source).template, createContext(liquid, given)) as string;
}

/** What of a template's text is not sent as it is. */
const MARKUP = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g;
/** What comes behind a dot is a part of something, whatever it is called; behind two it ends a range. */
const PROPERTY = /(?<!\.)\.\s*[\w-]+/g;

/**
 * Whether a template makes the same of every event: it reads no variable but `webhook`, nor the clock, nor
 * chance. Expressions in texts (`where_exp`) and ranges are not in `variables`, so names are looked for in the
 * text too; where that is in doubt the answer is no. Raises liquidjs' error for one that cannot be parsed.
 */
export function readsWebhookOnly(source: string): boolean {
  const markup = source.match(MARKUP)?.join(' ').replace(PROPERTY, '') ?? '';
  if (/\b(?:event|run|now|today|sample|date\w*|\w+_exp)\b/.test(markup)) return false;
  return compile(source).variables.every((name) => name === 'webhook');
}

function compile(source: string): Compiled {
  const known = compiled.get(source);
  if (known !== undefined) {
    // A Map keeps its order of insertion: taken out and put in again, the first is the longest unused.
    compiled.delete(source);
    compiled.set(source, known);
    return known;
  }
  const template = liquid.parse(source);
  const made = { template, variables: liquid.globalVariablesSync(template) };
  compiled.set(source, made);
  compiledLength += lengthOf(source);
  for (const oldest of compiled.keys()) {
    if (compiledLength <= COMPILED_LENGTH_MAX) break;
    compiled.delete(oldest);
    compiledLength -= lengthOf(oldest);
  }
  return made;
}

function lengthOf(source: string): number {
  return source.length + COMPILED_LENGTH;
}
