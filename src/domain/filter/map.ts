import { type CelInput, type CelMap, type CelValue, celMap, isCelUint } from '@bufbuild/cel';

/**
 * Maps of filters. The library's own (0.6.1) say of a key whose value is null that it is not there, and go through
 * all keys for a number that is none of them.
 */

type Key = Parameters<CelMap['get']>[0];

const { get: libraryGet } = Object.getPrototypeOf(celMap(new Map())) as CelMap;

/** A map whose keys are texts. */
export function textMap(entries: ReadonlyMap<string, CelInput>): CelMap {
  const map = celMap(entries);
  map.get = getText;
  map.has = has;
  return map;
}

/** The same map, of any keys. Raises an error when two of them are equal, as `1` and `1u` are. */
export function keyedMap(map: CelMap): CelMap {
  if (map.size === 0) return map;
  const values = new Map<Key | undefined, CelValue>();
  for (const [key, value] of map) {
    const plain = plainKey(key);
    if (values.has(plain)) throw new Error(`a map has the key ${String(plain)} twice`);
    values.set(plain, value);
  }
  map.get = (key) => values.get(plainKey(key));
  map.has = has;
  return map;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function getText(this: CelMap, key: Key): CelValue | undefined {
  return typeof key === 'string' ? libraryGet.call(this, key) : undefined;
}

function has(this: CelMap, key: Key): boolean {
  return this.get(key) !== undefined;
}

/** All numbers are equal that have the same value. A number that is not whole is no key. */
function plainKey(key: Key): Key | undefined {
  if (isCelUint(key)) return key.value;
  if (typeof key !== 'number') return key;
  return Number.isInteger(key) ? BigInt(key) : undefined;
}
