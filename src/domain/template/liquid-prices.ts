import type { FilterImplOptions } from 'liquidjs';
import { charge, chargeFor, chargeForJson, chargeForSearch } from './liquid-meter.ts';

/**
 * What filters of Liquid take, paid before they begin: each goes through its operands once, and some do
 * more. Whatever a filter has evaluated for each element of a list is paid for as it is evaluated.
 */

type Handler = Extract<FilterImplOptions, (...args: never[]) => unknown>;
type Price = (value: unknown, args: readonly unknown[]) => void;

/** A filter that is paid for. */
export function priced(name: string, filter: FilterImplOptions): FilterImplOptions {
  const handler: Handler = typeof filter === 'function' ? filter : filter.handler;
  const price = PRICES.get(name) ?? chargeForElements;
  const readsClock = DATES.includes(name);

  function pay(this: ThisParameterType<Handler>, value: unknown, ...args: unknown[]): unknown {
    charge(1 + args.length);
    price(value, args);
    if (!readsClock || (value !== 'now' && value !== 'today')) return handler.call(this, value, ...args);
    const { now } = this.context.environments as { readonly now?: string };
    return handler.call(this, now ?? value, ...args);
  }
  return typeof filter === 'function' ? pay : { ...filter, handler: pay };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What comparing two elements of a list while it is sorted takes, in steps. */
const COMPARISON_STEPS = 1 / 6;
/** Characters of an expression that are parsed in a step. */
const PARSED_PER_STEP = 2;
/** What reading a date takes, writing a part of it in words, and finding a time zone's offset. */
const DATE_STEPS = 10;
const WORDS_STEPS = 100;
const ZONE_STEPS = 400;

/** What JSON.stringify indents with at most. */
const INDENT_MAX = 10;

const DATES = ['date', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string', 'date_to_long_string'];

/** Once through the operands, and through those that are text for each element. */
function chargeForElements(value: unknown, args: readonly unknown[]): void {
  chargeFor(value);
  for (const arg of args) {
    chargeFor(arg);
    if (typeof arg === 'string' && Array.isArray(value)) charge((value.length * arg.length) / 64);
  }
}

/** Joining two texts does not go through them. */
function chargeForAppending(value: unknown, args: readonly unknown[]): void {
  for (const operand of [value, ...args]) if (typeof operand === 'object') chargeFor(operand);
}

function chargeForSearching(value: unknown, args: readonly unknown[]): void {
  chargeForElements(value, args);
  chargeForSearch(String(value), String(args[0]));
}

/** Each element is compared with the last operand, and all others are expressions or names to parse. */
function chargeForChoosing(value: unknown, args: readonly unknown[]): void {
  chargeForElements(value, args);
  for (const arg of args) if (typeof arg === 'string') charge(arg.length / PARSED_PER_STEP);
  const expected = args[1];
  if (!Array.isArray(value) || !Array.isArray(expected)) return;
  for (const _ of value) chargeFor(expected);
}

function chargeForSorting(value: unknown, args: readonly unknown[]): void {
  chargeForElements(value, args);
  if (typeof value === 'string') return void charge(value.length);
  if (!Array.isArray(value)) return;
  const comparisons = value.length * Math.log2(value.length + 1);
  charge(comparisons * COMPARISON_STEPS);
  for (let i = Math.log2(value.length + 1); i > 0; i--) chargeFor(value);
}

function chargeForDate(value: unknown, args: readonly unknown[]): void {
  chargeForElements(value, args);
  const [format, zone] = args;
  const words = typeof format === 'string' ? (format.match(/[aAbBchxXZ]/g)?.length ?? 0) : 2;
  charge(DATE_STEPS + words * WORDS_STEPS + (typeof zone === 'string' ? ZONE_STEPS : 0));
}

function chargeForJsonFilter(value: unknown, args: readonly unknown[]): void {
  chargeFor(args[0]);
  chargeForJson(value, args[0] === undefined ? 0 : INDENT_MAX);
}

/** It looks for each value among those around it. */
function chargeForInspecting(value: unknown, args: readonly unknown[]): void {
  chargeFor(args[0]);
  chargeForJson(value, INDENT_MAX);
}

const SEARCHING = ['replace', 'replace_first', 'replace_last', 'remove', 'remove_first', 'remove_last'];
const CHOOSING = ['where', 'reject', 'has', 'find', 'find_index', 'group_by'];

const PRICES: ReadonlyMap<string, Price> = new Map([
  ...DATES.map((name) => [name, chargeForDate] as const),
  ...[...SEARCHING, 'split'].map((name) => [name, chargeForSearching] as const),
  ...CHOOSING.flatMap((name) => [name, `${name}_exp`]).map((name) => [name, chargeForChoosing] as const),
  ...['sort', 'sort_natural', 'sample'].map((name) => [name, chargeForSorting] as const),
  ...['append', 'prepend'].map((name) => [name, chargeForAppending] as const),
  ...['json', 'jsonify'].map((name) => [name, chargeForJsonFilter] as const),
  ['inspect', chargeForInspecting] as const,
]);
