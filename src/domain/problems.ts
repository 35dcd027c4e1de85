import { DomainError, type FieldViolation, type InvalidReason, invalidRequest } from './error.ts';
import { clip, quote } from './text.ts';

/**
 * The most violations that one answer names. gRPC sends details in a header, and clients accept 8 KiB
 * of headers at least; the rest would only be cut off there.
 */
export const PROBLEMS_MAX = 20;

const DESCRIPTION_LENGTH = 240;

/** Collects what is wrong with a request, so that a caller learns of everything at once. */
export interface Problems {
  /** Notes a violation. A field is named once: its first violation is the one to mend first. */
  add(field: string, description: string, reason?: InvalidReason): void;
  addAll(violations: readonly FieldViolation[]): void;
  /** What is returned; undefined when INVALID is raised, of which the violations are noted. */
  attempt<T>(read: () => T): T | undefined;
  /** How many were noted. */
  count(): number;
  /** Whether looking further makes no sense, since no more will be kept. */
  full(): boolean;
  list(): readonly FieldViolation[];
  /** Raises INVALID if anything was noted. */
  raise(): void;
  /** The same collection, for whoever knows only the paths inside the field at `path`. */
  under(path: string): Problems;
}

/** Nothing wrong, so far. */
export function noProblems(): Problems {
  const byField = new Map<string, FieldViolation>();
  const problems: Problems = {
    add(field, description, reason) {
      if (byField.size >= PROBLEMS_MAX || byField.has(field)) return;
      const short = clip(description, DESCRIPTION_LENGTH);
      byField.set(field, { field, description: short, ...(reason && { reason }) });
    },
    addAll(violations) {
      for (const { field, description, reason } of violations) problems.add(field, description, reason);
    },
    attempt: (read) => attempt(problems, read),
    count: () => byField.size,
    full: () => byField.size >= PROBLEMS_MAX,
    list: () => [...byField.values()],
    raise() {
      if (byField.size > 0) throw invalidRequest(problems.list());
    },
    under: (path) => within(problems, path),
  };
  return problems;
}

/** The violations of an INVALID that is raised; none when nothing is. */
export function violationsOf(check: () => void): readonly FieldViolation[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof DomainError && error.code === 'INVALID') return error.violations;
    throw error;
  }
}

function attempt<T>(problems: Problems, read: () => T): T | undefined {
  let value: T | undefined;
  problems.addAll(
    violationsOf(() => {
      value = read();
    }),
  );
  return value;
}

function within(problems: Problems, path: string): Problems {
  const inner: Problems = {
    ...problems,
    add: (field, description, reason) => problems.add(join(path, field), description, reason),
    addAll(violations) {
      for (const { field, description, reason } of violations) inner.add(field, description, reason);
    },
    attempt: (read) => attempt(inner, read),
    under: (deeper) => within(problems, join(path, deeper)),
  };
  return inner;
}

/** The path of a field inside another. Either may be empty. */
export function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}

/** The path of a map's entry, as protovalidate writes it. */
export function entry(path: string, key: string): string {
  return `${path}[${quote(key)}]`;
}

/** A caller's name as it may stand in a path: short and free of control characters. */
export function echoName(text: string): string {
  return quote(text).slice(1, -1);
}
