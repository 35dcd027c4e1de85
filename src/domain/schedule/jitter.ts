/**
 * A whole number in [0, span) that depends on (webhook, nominal time) alone and is spread evenly over
 * them. It is FNV-1a over the id and the time, followed by the finalizer of MurmurHash3, without which
 * ids that differ only in their last characters would land side by side. It spreads load and keeps no
 * secret. `span` is a whole number from 1 to 2³².
 */
export function jitterOf(webhookId: string, nominalAt: number, span: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < webhookId.length; i++) hash = mix(hash, webhookId.charCodeAt(i));
  hash = mix(hash, nominalAt % 0x100000000);
  hash = mix(hash, Math.floor(nominalAt / 0x100000000));
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % span;
}

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193);
}
