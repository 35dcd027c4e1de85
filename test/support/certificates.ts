/** Authorities and certificates, which openssl makes anew for each run of the tests. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Who signs certificates. */
export interface Authority {
  /** Its own certificate, in PEM. */
  readonly pem: string;
  /** For the server: good for `localhost` and `127.0.0.1`, unless other names are given. */
  server(options?: CertificateOptions): Promise<Pair>;
  /** For a caller. */
  client(options: CertificateOptions): Promise<Pair>;
}

export interface CertificateOptions {
  /** As openssl writes them: `DNS:localhost`, `IP:127.0.0.1`, `URI:spiffe://example.org/a`, `email:ann@example.com`. */
  readonly names?: readonly string[];
  /** A day ago without it. */
  readonly notBefore?: Date;
  /** In a month without it. */
  readonly notAfter?: Date;
}

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const exec = promisify(execFile);
const DAY_MS = 86_400_000;
const LOCAL = ['DNS:localhost', 'IP:127.0.0.1'];

export async function createAuthority(name = 'Test authority'): Promise<Authority> {
  const key = newKey();
  const pem = await certificate({ name, key, usage: 'CA' });
  const signed = async (usage: Usage, options: CertificateOptions): Promise<Pair> => {
    const theirs = newKey();
    return {
      cert: await certificate({ name: 'of a test', key: theirs, usage, by: { cert: pem, key }, ...options }),
      key: theirs,
    };
  };
  return {
    pem,
    server: (options = {}) => signed('serverAuth', { names: LOCAL, ...options }),
    client: (options) => signed('clientAuth', options),
  };
}

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

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Usage = 'CA' | 'serverAuth' | 'clientAuth';

interface Order extends CertificateOptions {
  readonly name: string;
  readonly key: string;
  readonly usage: Usage;
  /** Who signs it; it signs itself without one. */
  readonly by?: Pair;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** `openssl ca` is what takes any time for the end of a certificate, in every version of it. */
async function certificate({ name, key, usage, by, names = [], ...times }: Order): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-ca-'));
  const at = (file: string) => join(folder, file);
  try {
    await Promise.all([
      writeFile(at('key.pem'), key),
      writeFile(at('by-key.pem'), by?.key ?? key),
      writeFile(at('by.pem'), by?.cert ?? ''),
      writeFile(at('database'), ''),
      writeFile(at('conf'), configOf(folder, usage, names)),
    ]);
    await exec('openssl', [
      'req',
      '-new',
      '-config',
      at('conf'),
      '-key',
      at('key.pem'),
      '-subj',
      `/CN=${name}`,
      '-out',
      at('csr.pem'),
    ]);
    const { notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + 30 * DAY_MS) } =
      times;
    const valid = ['-startdate', generalized(notBefore), '-enddate', generalized(notAfter)];
    const signer = by === undefined ? ['-selfsign'] : ['-cert', at('by.pem')];
    const args = [
      '-batch',
      '-notext',
      '-config',
      at('conf'),
      ...signer,
      '-keyfile',
      at('by-key.pem'),
      ...valid,
    ];
    await exec('openssl', ['ca', ...args, '-in', at('csr.pem'), '-out', at('cert.pem')]);
    return await readFile(at('cert.pem'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function configOf(folder: string, usage: Usage, names: readonly string[]): string {
  const isAuthority = usage === 'CA';
  const numbered = names.map((each, i) => each.replace(':', `.${i} = `));
  return [
    '[req]\ndistinguished_name = any\n[any]\ncommonName = supplied',
    '[ca]\ndefault_ca = own\n[own]',
    `database = ${folder}/database\nnew_certs_dir = ${folder}\nrand_serial = yes`,
    'default_md = sha256\npolicy = any\nunique_subject = no\nx509_extensions = extensions\n[extensions]',
    isAuthority ? 'basicConstraints = critical, CA:true' : `extendedKeyUsage = ${usage}`,
    isAuthority ? 'keyUsage = critical, keyCertSign, cRLSign' : '',
    'subjectKeyIdentifier = hash',
    names.length === 0 ? '' : `subjectAltName = @names\n[names]\n${numbered.join('\n')}`,
  ].join('\n');
}

/** RFC 5280, section 4.1.2.5.2. */
function generalized(time: Date): string {
  return time.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
}
