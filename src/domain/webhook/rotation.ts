/**
 * The signing secrets of a webhook while one replaces another. The newest signs until it is replaced; those
 * before it sign beside it until their time ends, so that receivers can change theirs meanwhile (Standard
 * Webhooks 1.0.0, "Signature scheme": a header holds a signature of each).
 */

export interface SigningSecret {
  /** Made here; callers name the secret by it, since the secret itself is never shown again. */
  readonly id: string;
  /** As `sealSecret` makes it. */
  readonly sealed: Uint8Array;
  readonly createdAt: number;
  /** Until when it signs; undefined for the newest, which signs until it is replaced. */
  readonly expiresAt?: number;
}

/** How long the secret before goes on signing where a caller says nothing. The proto file has the bound. */
export const OVERLAP_DEFAULT_MS = 24 * 60 * 60 * 1000;

/** Secrets that sign beside the newest: each adds a signature of 48 bytes to every request. */
export const OLD_SECRETS_MAX = 10;

/** Those that have not ended. */
export function liveSecrets(secrets: readonly SigningSecret[], now: number): SigningSecret[] {
  return secrets.filter(({ expiresAt = Number.POSITIVE_INFINITY }) => expiresAt > now);
}

/**
 * The secrets once a newer one signs: those before it sign for `overlapMs` more at most. A secret that is
 * among them already only changes its place. 'FULL' when too many would sign.
 */
export function rotated(
  secrets: readonly SigningSecret[],
  newest: SigningSecret,
  { now, overlapMs }: { readonly now: number; readonly overlapMs: number },
): SigningSecret[] | 'FULL' {
  const endAt = now + overlapMs;
  const before = secrets
    .filter(({ id }) => id !== newest.id)
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? endAt, endAt) }));
  const old = liveSecrets(before, now);
  return old.length > OLD_SECRETS_MAX ? 'FULL' : [endless(newest), ...old];
}

/**
 * The secrets without one of them. When it was the newest, the one before it takes its place and does not end
 * any more. 'NONE' when it is not among them, 'LAST' when nothing would sign.
 */
export function withdrawn(
  secrets: readonly SigningSecret[],
  id: string,
  now: number,
): SigningSecret[] | 'NONE' | 'LAST' {
  const live = liveSecrets(secrets, now);
  const [newest, ...old] = live.filter((secret) => secret.id !== id);
  if (old.length + 1 === live.length || newest === undefined) {
    return live.some((secret) => secret.id === id) ? 'LAST' : 'NONE';
  }
  return [endless(newest), ...old];
}

function endless({ expiresAt: _, ...secret }: SigningSecret): SigningSecret {
  return secret;
}
