import { hash } from 'node:crypto';

/** What an id of a webhook may be long (AIP-133), with room left for a number. */
const LENGTH_MAX = 58;
const DIGEST_LENGTH = 8;

/** Makes an id of the host and the path of each destination, and of further ones with the same a number behind it. */
export function createIdsOf(): (destination: string) => string {
  const times = new Map<string, number>();
  const given = new Set<string>();
  return (destination) => {
    const base = slug(destination);
    let count = times.get(base) ?? 0;
    let id: string;
    do {
      count++;
      id = count === 1 ? base : `${base}-${count}`;
    } while (given.has(id));
    times.set(base, count);
    given.add(id);
    return id;
  };
}

function slug(destination: string): string {
  const { hostname, pathname } = new URL(destination);
  const text = `${hostname.replace(/^www\./, '')}${pathname}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (text.length <= LENGTH_MAX) return text || 'webhook';
  // What tells two long ones apart is often at their ends.
  const digest = hash('sha256', text).slice(0, DIGEST_LENGTH);
  return `${text.slice(0, LENGTH_MAX - DIGEST_LENGTH - 1).replace(/-+$/, '')}-${digest}`;
}
