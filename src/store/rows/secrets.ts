/** Between signing secrets and the column that they stand in, as JSON, newest first. */
import { liveSecrets, type SigningSecret } from '../../domain/webhook/rotation.ts';
import { fromBase64, toBase64 } from './bytes.ts';

/** A secret whose sealed bytes are in base64, because JSON cannot hold bytes. */
type WrittenSecret = Omit<SigningSecret, 'sealed'> & { readonly sealed: string };

export function encodeSecrets(secrets: readonly SigningSecret[]): string {
  return JSON.stringify(secrets.map(({ sealed, ...secret }) => ({ ...secret, sealed: toBase64(sealed) })));
}

export function decodeSecrets(text: string): SigningSecret[] {
  const written: WrittenSecret[] = JSON.parse(text);
  return written.map(({ sealed, ...secret }) => ({ ...secret, sealed: fromBase64(sealed) }));
}

/** When the first of them ends; null when none does. */
export function endOfSecrets(secrets: readonly SigningSecret[]): number | null {
  const ends = secrets.flatMap(({ expiresAt }) => expiresAt ?? []);
  return ends.length === 0 ? null : Math.min(...ends);
}

/** The column, and when the next secret ends, without those that have ended. */
export function withoutEnded(text: string, now: number): [text: string, endAt: number | null] {
  const live = liveSecrets(decodeSecrets(text), now);
  return [encodeSecrets(live), endOfSecrets(live)];
}
