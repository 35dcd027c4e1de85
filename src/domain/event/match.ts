import type { FieldViolation } from '../error.ts';

/**
 * Which events ring which webhooks. A pattern is a type (`order.paid`), a beginning of types followed by
 * `.*` (`order.*`, which is not `order` itself), or `*` for all.
 */

/** The longest type of an event, and so the longest pattern without its `.*`. */
export const TYPE_LENGTH_MAX = 128;
/** The most patterns of one webhook. */
export const PATTERNS_MAX = 64;

const ALL = '*';
const BEGINNING_END = '.*';
const TYPE = /^[a-zA-Z0-9_.\-/]+$/;

/** Whether this can be the type of an event. */
export function isEventType(type: string): boolean {
  return type.length <= TYPE_LENGTH_MAX && TYPE.test(type);
}

/** Whether an event of this type rings a webhook with this pattern. */
export function matchesPattern(pattern: string, type: string): boolean {
  if (pattern === ALL) return true;
  return pattern.endsWith(BEGINNING_END) ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}

/**
 * All patterns that match a type, so that subscriptions can be looked up by their pattern: the type, each
 * of its beginnings from the longest, and `*`. At most as many as it has dots, and two.
 */
export function patternsOf(type: string): string[] {
  const patterns = [type];
  for (let dot = type.lastIndexOf('.'); dot > 0; dot = type.lastIndexOf('.', dot - 1)) {
    patterns.push(type.slice(0, dot) + BEGINNING_END);
  }
  patterns.push(ALL);
  return patterns;
}

/** A type, or types that begin so (`order.` of `order.*`). */
export type TypePattern = { readonly exact: string } | { readonly prefix: string };

/**
 * A filter of a list by type: exactly it, or, ending in `.*`, those that begin so; undefined for all, which
 * the empty text and `*` mean.
 */
export function typePatternOf(text: string): TypePattern | undefined {
  if (text === '' || text === ALL) return undefined;
  return text.endsWith(BEGINNING_END) ? { prefix: text.slice(0, -1) } : { exact: text };
}

/** The rules that a webhook's patterns break; `field` is their path, as `webhook.event_types`. */
export function eventTypeViolations(patterns: readonly string[], field: string): FieldViolation[] {
  const violations: FieldViolation[] = [];
  if (patterns.length > PATTERNS_MAX) {
    violations.push({ field, description: `has ${patterns.length} entries: give at most ${PATTERNS_MAX}` });
  }
  const seen = new Set<string>();
  for (const [i, pattern] of patterns.entries()) {
    const description =
      patternFault(pattern) ?? (seen.has(pattern) ? 'comes twice: give it once' : undefined);
    if (description !== undefined) violations.push({ field: `${field}[${i}]`, description });
    seen.add(pattern);
  }
  return violations;
}

function patternFault(pattern: string): string | undefined {
  if (pattern === ALL) return undefined;
  const type = pattern.endsWith(BEGINNING_END) ? pattern.slice(0, -BEGINNING_END.length) : pattern;
  if (isEventType(type)) return undefined;
  return (
    `must be a type, a beginning of types such as order.*, or *, of 1 to ${TYPE_LENGTH_MAX} letters, ` +
    'digits and _ . - /, with * only at the end, after a dot'
  );
}
