import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A certificate and its private key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Who signs certificates, made anew for each run of the tests. */
export interface Authority {
  /** Its own certificate, in PEM. */
  readonly pem: string;
  /** For `localhost`, `receiver.example` and 127.0.0.1, unless other names are given. */
  server(names?: readonly string[], lifetime?: Lifetime): Pair;
  /** For a caller. */
  client(name: string, options?: ClientOptions): Pair;
}

export interface Lifetime {
  /** A day ago without it. */
  readonly notBefore?: Date;
  /** In a month without it. */
  readonly notAfter?: Date;
}

export interface ClientOptions extends Lifetime {
  /** Further names, as openssl writes them: `URI:spiffe://example.org/shop`, `DNS:ci.example.com`, `email:ann@example.com`. */
  readonly names?: readonly string[];
  readonly rsaBits?: number;
}

const DAY_MS = 86_400_000;

export function createAuthority(name = 'an authority'): Authority {
  const own = keys();
  const issuer = nameOf(name);

  function signed(subject: Buffer, theirs: Keys, extensions: Buffer, lifetime: Lifetime = {}): Pair {
    const { notBefore, notAfter } = lifetime;
    const validity = sequence(
      time(notBefore ?? new Date(Date.now() - DAY_MS)),
      time(notAfter ?? new Date(Date.now() + 30 * DAY_MS)),
    );
    const spki = theirs.publicKey.export({ type: 'spki', format: 'der' });
    const version = der(0xa0, der(0x02, Buffer.from([2])));
    serial++;
    const number = der(0x02, Buffer.from([serial >> 8, serial & 0xff]));
    const content = sequence(version, number, ECDSA, issuer, validity, subject, spki, der(0xa3, extensions));
    const signature = sign('sha256', content, own.privateKey);
    const certificate = sequence(content, ECDSA, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
    return {
      cert: pemOf('CERTIFICATE', certificate),
      key: theirs.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }

  return {
    pem: signed(issuer, own, sequence(IS_AUTHORITY)).cert,
    server(names = ['localhost', 'receiver.example', '127.0.0.1'], lifetime) {
      return signed(nameOf(names[0]!), keys(), sequence(FOR_SERVERS, subjectNames(names)), lifetime);
    },
    client(subject, { names = [], rsaBits, ...lifetime } = {}) {
      const others = names.length === 0 ? [] : [subjectNames(names)];
      return signed(nameOf(subject), keys(rsaBits), sequence(IS_NONE, FOR_CLIENTS, ...others), lifetime);
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

let serial = 0x0100;

function keys(rsaBits?: number): Keys {
  return rsaBits === undefined
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: rsaBits });
}

/** DER (X.690): a tag, a length and a content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const bytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function oid(...bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(0x55, 4, 3), der(0x0c, Buffer.from(commonName)))));
}

/** GeneralizedTime, whatever the year. */
function time(at: Date): Buffer {
  return der(0x18, Buffer.from(at.toISOString().replace(/[-:T]|\.\d+/g, '')));
}

/** ecdsa-with-SHA256 (RFC 5758, 3.2). */
const ECDSA = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2));
const TRUE = der(0x01, Buffer.from([0xff]));
/** basicConstraints, critical (RFC 5280, 4.2.1.9). */
const IS_AUTHORITY = sequence(oid(0x55, 0x1d, 19), TRUE, der(0x04, sequence(TRUE)));
const IS_NONE = sequence(oid(0x55, 0x1d, 19), TRUE, der(0x04, sequence()));

/** extKeyUsage (RFC 5280, 4.2.1.12): id-kp-serverAuth, or id-kp-clientAuth. */
const FOR_SERVERS = sequence(oid(0x55, 0x1d, 37), der(0x04, sequence(oid(0x2b, 6, 1, 5, 5, 7, 3, 1))));
const FOR_CLIENTS = sequence(oid(0x55, 0x1d, 37), der(0x04, sequence(oid(0x2b, 6, 1, 5, 5, 7, 3, 2))));

/** Kinds of names (RFC 5280, 4.2.1.6). */
const NAME_TAGS: Readonly<Record<string, number>> = { email: 0x81, DNS: 0x82, URI: 0x86 };

function subjectNames(names: readonly string[]): Buffer {
  const all = names.map((name) => {
    if (/^[\d.]+$/.test(name)) return der(0x87, Buffer.from(name.split('.').map(Number)));
    const [, kind = 'DNS', value = name] = /^(email|DNS|URI):(.*)$/.exec(name) ?? [];
    return der(NAME_TAGS[kind]!, Buffer.from(value));
  });
  return sequence(oid(0x55, 0x1d, 17), der(0x04, sequence(...all)));
}

function pemOf(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
