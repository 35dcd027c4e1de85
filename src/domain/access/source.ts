import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';
import { type Address, type Cidr, holds, parseAddress } from '../webhook/cidr.ts';
import type { ClientCertificate } from './client-certificate.ts';
import { type Line, peerOf } from './peer.ts';

/** Where a request comes from. */
export interface Source {
  /** The address of whoever called; undefined where that is not known. */
  readonly address: string | undefined;
  /** Whether it called over TLS; undefined where a proxy may have ended that and has not said so. */
  readonly isSecure: boolean | undefined;
  /** The certificate that was shown on the connection. */
  readonly certificate: ClientCertificate | undefined;
}

/** Headers in which a proxy says who has called it. */
export const FORWARDED_HEADERS = ['x-forwarded-for', 'forwarded'] as const;
export type ForwardedHeader = (typeof FORWARDED_HEADERS)[number];

/** Whom this server believes that a call is from somebody else. */
export interface ProxyPolicy {
  readonly trustedProxies: readonly Cidr[];
  /**
   * The one that they write. The other is not looked at: a proxy that writes one passes on what its caller says in the
   * other.
   */
  readonly forwardedHeader: ForwardedHeader;
}

export const NO_PROXIES: ProxyPolicy = { trustedProxies: [], forwardedHeader: 'x-forwarded-for' };

/**
 * Who has called, as proxies say it that are trusted. Each adds the address that it was called from at the end, so that
 * they are read from there: the first that is not of a trusted proxy is the caller's, and what stands before it is what
 * that caller says, which counts for nothing. Where all are trusted it is the first of all, and where one cannot be read,
 * the last that could be.
 */
export function sourceOf(line: Line, headers: IncomingHttpHeaders, policy: ProxyPolicy): Source {
  const peer = peerOf(line);
  const certificate = peer?.certificate;
  const address = plain(line.remoteAddress);
  const { trustedProxies, forwardedHeader } = policy;
  if (trustedProxies.length === 0 || !isTrusted(address, trustedProxies)) {
    return { address, isSecure: peer === undefined ? undefined : true, certificate };
  }
  const hops = forwardedHeader === 'forwarded' ? forwardedHops(headers) : forHops(headers);
  let from: Hop = { address };
  for (const hop of hops.toReversed()) {
    if (hop.address === undefined) break;
    from = hop;
    if (!isTrusted(hop.address, trustedProxies)) break;
  }
  const scheme = forwardedHeader === 'forwarded' ? from.scheme : lastOf(headers['x-forwarded-proto']);
  return { address: from.address, isSecure: SCHEMES.get(scheme?.toLowerCase()), certificate };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

interface Hop {
  /** Undefined for what is no address. */
  readonly address: string | undefined;
  readonly scheme?: string | undefined;
}

const SCHEMES: ReadonlyMap<string | undefined, boolean> = new Map([
  ['https', true],
  ['http', false],
]);
/** As many as are looked at; those are the last. */
const HOPS_MAX = 32;

function isTrusted(address: string | undefined, trusted: readonly Cidr[]): boolean {
  const parsed: Address | undefined = parseAddress(address ?? '');
  return parsed !== undefined && trusted.some((range) => holds(range, parsed));
}

/** An address as it is written best: one of IPv4 on a socket of IPv6 is that of IPv4, and a zone is left out. */
function plain(address: string | undefined): string | undefined {
  if (address === undefined || !address.includes(':')) return address;
  const bare = address.split('%', 1)[0]!;
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare).toString() : address;
}

function forHops(headers: IncomingHttpHeaders): Hop[] {
  return itemsOf(headers['x-forwarded-for']).map((item) => ({ address: addressIn(item) }));
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return itemsOf(header).at(-1);
}

function itemsOf(header: string | string[] | undefined): string[] {
  if (header === undefined) return [];
  return String(header)
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .slice(-HOPS_MAX);
}

/** An address with a port or without, one of IPv6 in brackets or without. */
function addressIn(text: string): string | undefined {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?)$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? dotted ?? text);
  return address && plain(address.toString());
}

/**
 * A pair of an element of Forwarded, and what follows it (RFC 7239, section 4). White space before and after a pair never
 * stands side by side in it: a long run of it would be divided between the two in every way.
 */
const PAIR = /(?:[ \t]*([\w-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*))?[ \t]*([,;]|$)/y;

/** None, if it cannot be read to its end: somebody could have left a quote open, in which the rest is lost. */
function forwardedHops({ forwarded }: IncomingHttpHeaders): Hop[] {
  const text = forwarded === undefined ? '' : String(forwarded);
  const hops: Hop[] = [];
  let pairs = new Map<string, string>();
  let at = 0;
  while (at <= text.length && text !== '') {
    PAIR.lastIndex = at;
    const found = PAIR.exec(text);
    if (found === null) return [];
    const [whole, name = '', value = '', end] = found;
    const key = name.toLowerCase();
    // Twice is against the rule, and it is not for us to choose.
    if (key !== '' && pairs.has(key)) return [];
    if (key !== '')
      pairs.set(key, value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value);
    at += whole.length + (end === '' ? 1 : 0);
    if (end === ';') continue;
    if (pairs.size > 0) hops.push({ address: addressIn(pairs.get('for') ?? ''), scheme: pairs.get('proto') });
    pairs = new Map();
  }
  return hops.slice(-HOPS_MAX);
}
