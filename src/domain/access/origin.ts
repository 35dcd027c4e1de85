import { quote } from '../text.ts';
import type { AccessVerdict } from './host.ts';

/** The pages that may call this server from a browser, besides its own. */
export interface OriginPolicy {
  /** As browsers write them, `https://app.example.com`; `*` stands for any. */
  readonly corsOrigins: readonly string[];
}

/**
 * Judges the origin of a page that calls. Browsers send it with every request that could change
 * something, also where they would keep the answer from the page: by then it would be done.
 */
export function judgeOrigin(
  origin: string,
  hosts: readonly string[],
  { corsOrigins }: OriginPolicy,
  isSecure?: boolean,
): AccessVerdict {
  if (corsOrigins.includes(origin) || corsOrigins.includes('*') || isOwnOrigin(origin, hosts, isSecure))
    return 'allow';
  const flag = URL.parse(origin)?.origin === origin ? origin : '<origin>';
  return {
    deny: `pages of the origin ${quote(origin)} may not call this server: start it with --cors-origins ${flag} to let them`,
  };
}

/**
 * Whether an origin is that of this server itself, by the name or address that the request came to, and by whether that
 * was over TLS. A server behind one that ends TLS, and does not say so, cannot know its own scheme.
 */
export function isOwnOrigin(origin: string, hosts: readonly string[], isSecure?: boolean): boolean {
  const own = URL.parse(origin);
  if (own === null || own.host === '' || hosts.length === 0) return false;
  if (isSecure !== undefined && own.protocol !== (isSecure ? 'https:' : 'http:')) return false;
  return hosts.every((host) => URL.parse(`${own.protocol}//${host}`)?.host === own.host);
}
