/**
 * Lanes are given to nodes by shards, so that each lane has one owner. A shard is a part of all lanes, and a lane is
 * in the same one for as long as its webhook lives.
 */
export const SHARDS = 64;

/** The alphabet of ids (`id.ts`): their last two characters have ten random bits. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The shard of a webhook's lane, by the webhook's own id. */
export function shardOf(webhookId: string): number {
  const last = webhookId.length - 1;
  const high = DIGITS.indexOf(webhookId[last - 1] ?? '');
  const low = DIGITS.indexOf(webhookId[last] ?? '');
  return (Math.max(high, 0) * DIGITS.length + Math.max(low, 0)) % SHARDS;
}
