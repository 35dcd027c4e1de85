import ipaddr from 'ipaddr.js';
import { invalid } from '../error.ts';

/**
 * Which addresses a POST may go to. Public unicast addresses always; others only where an operator
 * allows their range. What is public follows the IANA special-purpose address registries
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry).
 */
export interface AddressPolicy {
  readonly allow: readonly Cidr[];
}

/** A range of addresses. IPv4 ranges hold no IPv6 addresses, not even those that embed one of theirs. */
export interface Cidr {
  readonly network: ipaddr.IPv4 | ipaddr.IPv6;
  readonly prefix: number;
}

/** Why not, as a phrase that begins with the address. */
export type AddressVerdict = 'allow' | { readonly deny: string };

/** Nothing but public addresses. */
export const PUBLIC_ONLY: AddressPolicy = { allow: [] };

/** The ranges of this machine itself, which `carillon dev` allows. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** The most ranges that a policy takes. */
const CIDRS_MAX = 256;

/**
 * Parses ranges such as `10.0.0.0/8`, `fd00::/8` or a single `192.168.1.7`. INVALID, naming the first
 * that is not one.
 */
export function parseCidrs(list: readonly string[], field = 'allow_addresses'): Cidr[] {
  if (list.length > CIDRS_MAX) throw invalid(field, `has ${list.length} ranges: give at most ${CIDRS_MAX}`);
  return list.map((text) => parseCidr(text, field));
}

function parseCidr(text: string, field: string): Cidr {
  const slash = text.indexOf('/');
  const network = parse(slash < 0 ? text : text.slice(0, slash));
  if (network === undefined) {
    throw invalid(field, `${JSON.stringify(text)} is not a range of addresses: write one like 10.0.0.0/8`);
  }
  const bits = network.kind() === 'ipv4' ? 32 : 128;
  const length = slash < 0 ? String(bits) : text.slice(slash + 1);
  const prefix = Number(length);
  if (!/^\d{1,3}$/.test(length) || prefix > bits) {
    throw invalid(field, `${JSON.stringify(text)} has no prefix length from 0 to ${bits}`);
  }
  const range =
    network.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${network}/${prefix}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${network}/${prefix}`);
  if (range.toString() !== network.toString()) {
    throw invalid(field, `${JSON.stringify(text)} has bits set beyond its prefix: write ${range}/${prefix}`);
  }
  return { network, prefix };
}

/** Judges one IP address, written as `URL`, the resolver or a socket write it: no brackets. */
export function judgeAddress(ip: string, policy: AddressPolicy): AddressVerdict {
  const address = parse(ip);
  if (address === undefined) return { deny: `${ip} is not an IP address without a zone` };
  const allowed = policy.allow.some((range) => contains(range, address));
  if (address.kind() === 'ipv6') {
    const v6 = address as ipaddr.IPv6;
    if (allowed && v6.match(NAT64, NAT64_PREFIX)) {
      // Allowing NAT64 opens the way to IPv4, so the IPv4 address at its end is what counts.
      const verdict = judgeAddress(embeddedIpv4(v6), policy);
      return verdict === 'allow' ? verdict : { deny: `${ip} is a NAT64 address, and ${verdict.deny}` };
    }
    return allowed ? 'allow' : judgePublicV6(ip, v6);
  }
  if (allowed) return 'allow';
  return judgePublicV4(ip, address as ipaddr.IPv4);
}

/** Whether a name that always means this machine could be reached. */
export function allowsLoopback(policy: AddressPolicy): boolean {
  return ['127.0.0.1', '::1'].some((ip) => judgeAddress(ip, policy) === 'allow');
}

/** Whether the operator has opened any range but this machine itself. */
export function allowsBeyondLoopback(policy: AddressPolicy): boolean {
  return policy.allow.some(({ network, prefix }) => {
    const least = network.kind() === 'ipv4' ? 8 : 128;
    return network.range() !== 'loopback' || prefix < least;
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** RFC 6052: an IPv4 address in the last 32 bits, reached through a translator. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
const NAT64_PREFIX = 96;

/** All that IANA has given out for global unicast (RFC 4291, 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
const GLOBAL_UNICAST_PREFIX = 3;

/** The 6bone's, given back in 2006 (RFC 3701): public in no table, so it may be routed anywhere. */
const SIXBONE = ipaddr.IPv6.parse('3ffe::');
const SIXBONE_PREFIX = 16;

/**
 * Azure's own: metadata, DNS and the agent of every virtual machine. No registry has it, since it is taken from
 * public space (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16). The addresses of
 * other clouds for this lie in ranges that are not public.
 */
const AZURE_PLATFORM = '168.63.129.16';

const NOUN: Readonly<Record<string, string>> = {
  loopback: 'a loopback address',
  private: 'a private address',
  uniqueLocal: 'a unique local address',
  linkLocal: 'a link-local address',
  carrierGradeNat: 'an address of carrier-grade NAT',
  unspecified: 'an unspecified address',
  multicast: 'a multicast address',
  broadcast: 'the broadcast address',
  ipv4Mapped: 'an IPv4-mapped address',
  rfc6052: 'a NAT64 address',
  rfc6145: 'an IPv4-translated address',
  '6to4': 'a 6to4 address',
  teredo: 'a Teredo address',
};

function judgePublicV4(ip: string, address: ipaddr.IPv4): AddressVerdict {
  const range = address.range();
  if (range !== 'unicast') return { deny: `${ip} is ${NOUN[range] ?? 'a reserved address'}` };
  return address.toString() === AZURE_PLATFORM ? { deny: `${ip} is the address of Azure's platform` } : 'allow';
}

function judgePublicV6(ip: string, address: ipaddr.IPv6): AddressVerdict {
  const range = address.range();
  if (range !== 'unicast') return { deny: `${ip} is ${NOUN[range] ?? 'a reserved address'}` };
  if (!address.match(GLOBAL_UNICAST, GLOBAL_UNICAST_PREFIX)) {
    return { deny: `${ip} is not a global unicast address` };
  }
  if (address.match(SIXBONE, SIXBONE_PREFIX)) return { deny: `${ip} is a reserved address` };
  // ISATAP (RFC 5214): an interface identifier that hides an IPv4 address behind any prefix.
  const [group4, group5] = [address.parts[4], address.parts[5]];
  if (group5 === 0x5efe && (group4 === 0 || group4 === 0x200)) return { deny: `${ip} is an ISATAP address` };
  return 'allow';
}

/** Undefined for whatever is not exactly one address: octal, short and hexadecimal forms, zones. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // A zone says which interface of this machine is meant: never a public address.
  if (text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return undefined;
}

function contains(range: Cidr, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return range.network.kind() === address.kind() && address.match(range.network, range.prefix);
}

function embeddedIpv4(address: ipaddr.IPv6): string {
  return address.toByteArray().slice(-4).join('.');
}
