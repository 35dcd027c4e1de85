/** The certificate that a caller has shown over TLS, as far as it matters who calls. */
export interface ClientCertificate {
  /** For whom it is, by kind: `uri:spiffe://example.org/shop`, `dns:shop.example.com`, `email:ann@example.com`. */
  readonly names: readonly string[];
  /** From when it is not taken any more. */
  readonly expiresAt: number;
  /** Why it is not trusted, to follow "the certificate"; undefined for one that is. */
  readonly fault: string | undefined;
}

/** An item of what Node makes of the extension: a value with commas or quotes in it is a string of JSON. */
const ITEM = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
const KINDS: ReadonlyMap<string, string> = new Map([
  ['URI', 'uri'],
  ['DNS', 'dns'],
  ['email', 'email'],
]);
/** As many as are read. */
const NAMES_MAX = 100;

/**
 * The names in the subjectAltName of a certificate (RFC 5280, section 4.2.1.6), of the kinds that roles can be given
 * to. None, if a part of it cannot be read: a name could be made to look like another.
 */
export function namesOf(subjectAltName: string | undefined): readonly string[] {
  if (subjectAltName === undefined) return [];
  const names: string[] = [];
  for (let at = 0; at < subjectAltName.length; at = ITEM.lastIndex) {
    ITEM.lastIndex = at;
    const [, type = '', value = ''] = ITEM.exec(subjectAltName) ?? [];
    if (type === '') return [];
    const kind = KINDS.get(type);
    if (kind !== undefined) names.push(comparable(`${kind}:${unquoted(value)}`));
    if (names.length === NAMES_MAX) break;
  }
  return names;
}

/** A name as it is compared: a host, and that of an address for e-mail, in lower case. */
export function comparable(name: string): string {
  const at = name.startsWith('dns:') ? 0 : name.startsWith('email:') ? name.lastIndexOf('@') : name.length;
  return name.slice(0, at) + name.slice(at).toLowerCase();
}

function unquoted(value: string): string {
  return value.startsWith('"') ? (JSON.parse(value) as string) : value;
}
