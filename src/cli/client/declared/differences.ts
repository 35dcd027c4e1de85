import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Path } from './source-line.ts';

/** A field that has another value. Undefined stands for none. */
export interface Difference {
  readonly path: Path;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** What differs between two webhooks, field by field: lists as a whole, maps by their keys. */
export function differences(before: JsonObject, after: JsonObject): Difference[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  // In the order of the proto file, which that of each is; what is gone comes last.
  const keys = new Set([...now.keys(), ...old.keys()]);
  return [...keys].flatMap((key) => {
    const [a, b] = [old.get(key), now.get(key)];
    if (a !== undefined && b !== undefined && same(a.value, b.value)) return [];
    return [{ path: (b ?? a)!.path, before: a?.value, after: b?.value }];
  });
}

interface Leaf {
  readonly path: Path;
  readonly value: JsonValue;
}

function leavesOf(value: JsonValue, path: Path = [], found = new Map<string, Leaf>()): Map<string, Leaf> {
  // An empty message is something other than none.
  if (isObject(value) && (path.length === 0 || Object.keys(value).length > 0)) {
    for (const [key, inner] of Object.entries(value)) leavesOf(inner, [...path, key], found);
  } else {
    found.set(JSON.stringify(path), { path, value });
  }
  return found;
}

/** Made by one writer, which writes the same in the same order, but for the keys of maps within lists. */
function same(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether another path is this one, or lies within it. */
export function touches(path: Path, other: Path): boolean {
  return path.every((step, i) => other[i] === step);
}

/** `labels.team`, `retryPolicy.delays[1]`, `headers["x y"]` */
export function pathText(path: Path): string {
  return path
    .map((step, i) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[\w-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
      return i === 0 ? step : `.${step}`;
    })
    .join('');
}

/** The path that a server's name of a field has: `webhook.retry_policy.delays[1]`, `labels["a b"]`. */
export function pathOf(field: string): Path {
  const steps = [...field.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, key, number, name]) =>
      key !== undefined
        ? String(JSON.parse(`"${key}"`))
        : number !== undefined
          ? Number(number)
          : String(name),
  );
  return steps[0] === 'webhook' ? steps.slice(1) : steps;
}
