import type { DefaultSettings } from '../../../domain/webhook/defaults.ts';
/** What the calls of all concerns have in common. */
import type { CallSize, Client } from '../client.ts';
import type { Feed } from '../feed.ts';

/** What the verbs are made of: calls to the database's thread, and the feed of what they made visible. */
export interface Connection {
  readonly client: Client;
  readonly feed: Feed;
  readonly defaults: DefaultSettings;
}

export const ONE_ROW: CallSize = { rows: 1, bytes: 0 };

export function rowsUpTo(limit: number): CallSize {
  return { rows: limit, bytes: 0 };
}

export function sized(batch: readonly unknown[]): CallSize {
  return { rows: batch.length, bytes: 0 };
}
