import type { RequestHead } from './host.ts';

/** The key that a header names, or what is wrong with the header, as a sentence without a full stop. */
export type Shown = { readonly key: string } | { readonly fault: string };

const HOW = 'send authorization: Bearer ck_…';
/** Schemes that are one, by their names. */
const OTHERS = /^(?:Basic|Digest|Negotiate|ApiKey|Token)$/i;
/** What can be a key, one that an operator made up for a start included. Nothing else is looked up. */
const KEY = /^ck_[\w-]{20,200}$/;

/**
 * The header as it is read: one that is there several times is a list (RFC 9110, section 5.3), which nobody's key is. Node
 * would leave the first of them, and a proxy may have judged another.
 */
export function authorizationIn({ rawHeaders }: RequestHead): string | undefined {
  let all: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length !== NAME.length || name.toLowerCase() !== NAME) continue;
    const value = rawHeaders[i + 1]!;
    all = all === undefined ? value : `${all}, ${value}`;
  }
  return all;
}

const NAME = 'authorization';

/** Reads the header (RFC 6750, section 2.1). Its scheme is not case-sensitive (RFC 9110, section 11.1). */
export function readAuthorization(header: string | undefined): Shown {
  if (header === undefined || header === '')
    return { fault: `this server takes only calls with a key: ${HOW}` };
  const [, scheme = '', rest = ''] = /^(\S+)(?: +(.*))?$/.exec(header) ?? [];
  if (scheme.toLowerCase() !== 'bearer') {
    // What is no scheme can be a key without one, which must not be repeated.
    const other = OTHERS.test(scheme) ? `, and not ${scheme}` : '';
    return { fault: `the scheme of authorization must be Bearer${other}: ${HOW}` };
  }
  if (rest.includes(',')) return { fault: `authorization must be there once, with one key: ${HOW}` };
  if (/\s/.test(rest)) return { fault: `the key in authorization has white space in it: ${HOW}` };
  if (!KEY.test(rest)) return { fault: `what authorization holds is no key of this server: ${HOW}` };
  return { key: rest };
}

/** Whether a key that an operator made up will do. */
export function isMadeUpKey(key: string): boolean {
  return /^ck_[\w-]{40,128}$/.test(key);
}

/** What such a key is. 40 characters of hex are 160 bits, of which the visible prefix shows 32. */
export const MADE_UP_KEY =
  'ck_ and 40 to 128 letters, digits, - or _, drawn at random: `echo ck_$(openssl rand -hex 32)` makes one';
