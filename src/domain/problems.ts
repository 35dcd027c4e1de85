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
  return new Collection({ byField: undefined }, '');
}

/** What a collection shares with those that its `under` makes. Without a violation, as mostly, there is no map. */
interface Noted {
  byField: Map<string, FieldViolation> | undefined;
}

/** A class, because each request makes several: to make nine closures for each would cost more than to use them. */
class Collection implements Problems {
  readonly #noted: Noted;
  readonly #path: string;

  constructor(noted: Noted, path: string) {
    this.#noted = noted;
    this.#path = path;
  }

  add(field: string, description: string, reason?: InvalidReason): void {
    this.#noted.byField ??= new Map();
    const { byField } = this.#noted;
    const at = join(this.#path, field);
    if (byField.size >= PROBLEMS_MAX || byField.has(at)) return;
    const short = clip(description, DESCRIPTION_LENGTH);
    byField.set(at, { field: at, description: short, ...(reason && { reason }) });
  }

  addAll(violations: readonly FieldViolation[]): void {
    for (const { field, description, reason } of violations) this.add(field, description, reason);
  }

  attempt<T>(read: () => T): T | undefined {
    let value: T | undefined;
    this.addAll(
      violationsOf(() => {
        value = read();
      }),
    );
    return value;
  }

  count(): number {
    return this.#noted.byField?.size ?? 0;
  }

  full(): boolean {
    return this.count() >= PROBLEMS_MAX;
  }

  list(): readonly FieldViolation[] {
    return [...(this.#noted.byField?.values() ?? [])];
  }

  raise(): void {
    if (this.count() > 0) throw invalidRequest(this.list());
  }

  under(path: string): Problems {
    return new Collection(this.#noted, join(this.#path, path));
  }
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
