/** Remembers what was used lately, and never more than a given number of entries. */
export interface BoundedCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
}

/**
 * A cache of at most `max` entries. It is kept in two generations of half that size: what is used
 * moves to the young one, and when that is full the old one is dropped as a whole. That forgets
 * about as well as a list ordered by use, and a hit on a young entry costs one map lookup.
 */
export function boundedCache<K, V>(max: number): BoundedCache<K, V> {
  const generationMax = Math.max(1, Math.floor(max / 2));
  let young = new Map<K, V>();
  let old = new Map<K, V>();

  function set(key: K, value: V): void {
    if (young.size >= generationMax && !young.has(key)) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    set,
    get(key) {
      const recent = young.get(key);
      if (recent !== undefined) return recent;
      const aged = old.get(key);
      if (aged !== undefined) set(key, aged);
      return aged;
    },
  };
}
