/** What stands in place of a value that is secret, wherever something is written down or shown. */
export const MASK = '***';

/**
 * Names of headers whose values are credentials, whatever they are given as: those of RFC 9110 (11.6.2, 11.7.2) and
 * RFC 6265, and what the names of others say.
 */
const SECRET_NAME = /^(?:proxy-)?authorization$|^cookie$|token|secret|password|api-?key/;

/** Whether the value of a header with this name, in lower case, is secret. */
export function isSecretHeader(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Headers, names as their caller wrote them, apart by whether their values are secret; those are in lower case. */
export function headersApart(headers: Readonly<Record<string, string>>): {
  readonly plain: Record<string, string>;
  readonly secret: Record<string, string>;
} {
  const plain: [string, string][] = [];
  const secret: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (isSecretHeader(lower)) secret.push([lower, value]);
    else plain.push([name, value]);
  }
  return { plain: Object.fromEntries(plain), secret: Object.fromEntries(secret) };
}
