/** Remembers what was used lately, and never more than a given size. */
export interface BoundedCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
}

interface Generation<K, V> {
  readonly entries: Map<K, V>;
  size: number;
}

/**
 * A cache of at most `max` entries, or, with `sizeOf`, of entries whose sizes together are at most `max`;
 * `sizeOf` must always say the same of a value. It is kept in two generations: what is used moves to the
 * young one, and when that has half the size the old one is dropped as a whole. That forgets about as well
 * as a list ordered by use, and a hit on a young entry costs one map lookup. What is larger than `max` is
 * not kept.
 */
export function boundedCache<K, V>(max: number, sizeOf: (value: V) => number = () => 1): BoundedCache<K, V> {
  const generationMax = Math.max(1, Math.floor(max / 2));
  let young = generation<K, V>();
  let old = generation<K, V>();

  function remove({ entries }: Generation<K, V>, key: K): number {
    const value = entries.get(key);
    return value !== undefined && entries.delete(key) ? sizeOf(value) : 0;
  }

  function forget(key: K): void {
    young.size -= remove(young, key);
    old.size -= remove(old, key);
  }

  function set(key: K, value: V): void {
    forget(key);
    const size = sizeOf(value);
    if (size > max) return;
    if (young.size + size > generationMax) {
      old = young;
      young = generation();
    }
    // One that is larger than a generation leaves less room for the other.
    if (old.size + size > max) old = generation();
    young.entries.set(key, value);
    young.size += size;
  }

  return {
    set,
    delete: forget,
    clear() {
      young = generation();
      old = generation();
    },
    get(key) {
      const recent = young.entries.get(key);
      if (recent !== undefined) return recent;
      const aged = old.entries.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
  };
}

function generation<K, V>(): Generation<K, V> {
  return { entries: new Map(), size: 0 };
}
