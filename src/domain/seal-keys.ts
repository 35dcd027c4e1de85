import { hkdfSync } from 'node:crypto';
import { newestKey, type SealKey, type SealKeys, sealedWith, sealKeyId } from './seal.ts';

/** Keys that can be replaced while the server runs. */
export interface SealKeyring extends SealKeys {
  /** Takes other keys, newest first. */
  replace(all: readonly Uint8Array[]): void;
}

/** A ring of these keys, newest first. */
export function createSealKeyring(first: readonly Uint8Array[]): SealKeyring {
  let all = first;
  return {
    get all() {
      return all;
    },
    replace(others) {
      all = others;
    },
  };
}

/** Whether the newest key sealed it. */
export function isSealedByNewest(sealKey: SealKey, sealed: Uint8Array): boolean {
  return sealedWith(sealed) === sealKeyId(newestKey(sealKey));
}

/** Keys for another purpose that follow from those that seal, newest first; made anew only when those were replaced. */
export function derivedKeys(sealKey: SealKey, purpose: string): () => readonly Buffer[] {
  const derive = (key: Uint8Array) => Buffer.from(hkdfSync('sha256', key, '', purpose, 32));
  if (sealKey instanceof Uint8Array) {
    const only = [derive(sealKey)];
    return () => only;
  }
  let { all: of } = sealKey;
  let derived = of.map(derive);
  return () => {
    if (sealKey.all !== of) {
      of = sealKey.all;
      derived = of.map(derive);
    }
    return derived;
  };
}
