import type { Call } from './call.ts';

/** All pages of a list method, as JSON; `field` is where the answer has its items. */
export async function listAll<T>(
  call: Call,
  method: string,
  field: string,
  query: Readonly<Record<string, unknown>> = {},
): Promise<T[]> {
  const items: T[] = [];
  let pageToken: unknown = '';
  do {
    const page = await call(method, { ...query, pageSize: 1_000, pageToken });
    items.push(...((page[field] ?? []) as T[]));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return items;
}
