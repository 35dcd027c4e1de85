import { isDeepStrictEqual } from 'node:util';

/** The members of two objects that differ, by name. What is undefined is not there. */
export function differing(before: object, after: object): string[] {
  const of = (from: object, name: string): unknown => (from as Record<string, unknown>)[name];
  const names = Object.keys({ ...before, ...after });
  return names.filter((name) => !isDeepStrictEqual(of(before, name), of(after, name)));
}
