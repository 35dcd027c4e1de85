import ipaddr from 'ipaddr.js';
import { invalid } from '../error.ts';

/** A range of addresses. IPv4 ranges hold no IPv6 addresses, not even those that embed one of theirs. */
export interface Cidr {
  readonly network: Address;
  readonly prefix: number;
}

/** One address. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The most ranges that are taken at once. */
const CIDRS_MAX = 256;

/**
 * Parses ranges such as `10.0.0.0/8`, `fd00::/8` or a single `192.168.1.7`. INVALID, naming the first
 * that is not one.
 */
export function parseCidrs(list: readonly string[], field = 'allow_addresses'): Cidr[] {
  if (list.length > CIDRS_MAX) throw invalid(field, `has ${list.length} ranges: give at most ${CIDRS_MAX}`);
  return list.map((text) => parseCidr(text, field));
}

/** Parses one range. INVALID if it is none. */
export function parseCidr(text: string, field: string): Cidr {
  const slash = text.indexOf('/');
  const network = parseAddress(slash < 0 ? text : text.slice(0, slash));
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

/** Undefined for whatever is not exactly one address: octal, short and hexadecimal forms, zones. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // A zone says which interface of this machine is meant: never a public address.
  if (text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  return undefined;
}

export function holds(range: Cidr, address: Address): boolean {
  return range.network.kind() === address.kind() && address.match(range.network, range.prefix);
}

/** RFC 6052: an IPv4 address in the last 32 bits, reached through a translator. */
const NAT64: Cidr = { network: ipaddr.IPv6.parse('64:ff9b::'), prefix: 96 };
/** RFC 4291, 2.5.5.2: to an operating system this is the IPv4 address. */
const MAPPED: Cidr = { network: ipaddr.IPv6.parse('::ffff:0:0'), prefix: 96 };
/** RFC 3056: an IPv4 address behind the first 16 bits. */
const SIX_TO_FOUR: Cidr = { network: ipaddr.IPv6.parse('2002::'), prefix: 16 };

export function isNat64(address: Address): boolean {
  return holds(NAT64, address);
}

/** The IPv4 address that an IPv6 address leads to; undefined where there is none. */
export function embeddedIpv4(address: Address): ipaddr.IPv4 | undefined {
  if (holds(NAT64, address) || holds(MAPPED, address))
    return new ipaddr.IPv4(address.toByteArray().slice(12));
  if (holds(SIX_TO_FOUR, address)) return new ipaddr.IPv4(address.toByteArray().slice(2, 6));
  return undefined;
}
