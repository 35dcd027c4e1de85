/** Certificates in files, as servers and clients read them. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pair } from './authority.ts';

/** Files of certificates and keys, in a folder that is removed when the test has ended. */
export function certificateFiles(t: { after(step: () => void): void }) {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    folder,
    write,
    /** Writes both, and returns where. */
    pair({ cert, key }: Pair, name = ''): { readonly cert: string; readonly key: string } {
      return { cert: write(`${name}cert.pem`, cert), key: write(`${name}key.pem`, key) };
    },
  };
}

/** What tells a certificate from all others. */
export function fingerprintOf({ cert }: Pick<Pair, 'cert'>): string {
  return new X509Certificate(cert).fingerprint256;
}
