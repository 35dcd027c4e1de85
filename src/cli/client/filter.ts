/** Filters of the API (AIP-160), made of options. */
import { flagValue, type Invocation } from './command.ts';

/** Comparisons that all have to be true, and what `--filter` says. Nothing is everything. */
export function allOf(comparisons: readonly string[], invocation: Pick<Invocation, 'flags'>): string {
  // Last, so that the places that its mistakes are named by are near those that were written. AND binds less
  // tightly than anything, so no parentheses are needed.
  const filter = flagValue(invocation, '--filter')?.trim() ?? '';
  return [...comparisons, ...(filter === '' ? [] : [filter])].join(' AND ');
}

/** A value in quotes. A * at its end still stands for anything. */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** A value in quotes, as it is. */
export function exactly(value: string): string {
  return `"${value.replace(/["\\*]/g, '\\$&')}"`;
}
