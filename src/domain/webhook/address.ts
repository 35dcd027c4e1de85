import ipaddr from 'ipaddr.js';
import { type Address, type Cidr, embeddedIpv4, holds, isNat64, parseAddress } from './cidr.ts';
import { type Called, type DestinationRule, isOfAddresses, ruleHolds } from './destination-rule.ts';
import { type OwnListeners, ownListener } from './own-listeners.ts';

export { parseCidrs } from './cidr.ts';

/**
 * Which addresses a POST may go to. Public unicast addresses, unless an operator denies them; others only where
 * one allows them. What is public follows the IANA special-purpose address registries
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry).
 */
export interface AddressPolicy {
  /** What may be called although it is not public. A name that is allowed may have any address. */
  readonly allow: readonly DestinationRule[];
  /** What may not be called, whatever else allows it. */
  readonly deny?: readonly DestinationRule[];
  /** If it has any rule, what none of them is about may not be called. It makes nothing public. */
  readonly only?: readonly DestinationRule[];
  /** What may not be called although it is allowed, since it is this server. */
  readonly own?: OwnListeners;
  /** Whether somebody else resolves the names, so that no rule for addresses can be held against them. */
  readonly isResolvedElsewhere?: boolean;
}

/** Why not, as a phrase that begins with the address or the name. */
export type AddressVerdict = 'allow' | { readonly deny: string; readonly isByOperator?: true };

/** Nothing but public addresses. */
export const PUBLIC_ONLY: AddressPolicy = { allow: [] };

/** The ranges of this machine itself, which `carillon dev` allows. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];

/**
 * Judges one IP address, written as `URL`, the resolver or a socket write it: no brackets. `called` is how it came
 * to be connected to, which the operator's lists go by too.
 */
export function judgeAddress(ip: string, policy: AddressPolicy, called: Called = {}): AddressVerdict {
  const address = parseAddress(ip);
  if (address === undefined) return { deny: `${ip} is not an IP address without a zone` };
  const forms = [address, embeddedIpv4(address) ?? address];
  const isIn = (rules: readonly DestinationRule[]) =>
    rules.some((rule) => forms.some((form) => ruleHolds(rule, called, form)));
  const at = called.port === undefined ? ip : hostAndPort(ip, called.port);
  if (policy.deny !== undefined && isIn(policy.deny)) return { deny: `${at} ${DENIED}`, isByOperator: true };
  const own = ownFault(address, at, policy, called);
  if (own !== undefined) return { deny: own, isByOperator: true };
  if (policy.only !== undefined && policy.only.length > 0 && !isIn(policy.only)) {
    return { deny: `${at} ${NOT_LISTED}`, isByOperator: true };
  }
  return judgeReach(ip, address, policy, called);
}

/** Judges a name by the operator's lists, as far as that can be done before its addresses are known. */
export function judgeName(name: string, policy: AddressPolicy, called: Called): AddressVerdict {
  const { deny = [], only = [] } = policy;
  const at = called.port === undefined ? name : `${name}:${called.port}`;
  const to = { ...called, name };
  if (deny.some((rule) => ruleHolds(rule, to))) return { deny: `${at} ${DENIED}`, isByOperator: true };
  const isOpen = (rule: DestinationRule) => policy.isResolvedElsewhere !== true && isOfAddresses(rule);
  if (only.length > 0 && !only.some((rule) => ruleHolds(rule, to) || isOpen(rule))) {
    return { deny: `${at} ${NOT_LISTED}`, isByOperator: true };
  }
  return 'allow';
}

/** Judges a name that always means this machine: all that it can lead to. */
export function judgeLoopback(policy: AddressPolicy, called: Called = {}): AddressVerdict {
  const verdicts = ['127.0.0.1', '::1'].map((ip) => judgeAddress(ip, policy, called));
  const final = verdicts.find((verdict) => verdict !== 'allow' && verdict.isByOperator === true);
  return final ?? verdicts.find((verdict) => verdict === 'allow') ?? verdicts[0]!;
}

/** Whether a name that means something inside may be left to whoever resolves it: elsewhere, only if it is allowed. */
export function allowsUnresolved(policy: AddressPolicy, called: Called): boolean {
  return policy.isResolvedElsewhere !== true || policy.allow.some((rule) => ruleHolds(rule, called));
}

/** Whether the operator has opened this name, or any range but this machine itself. */
export function allowsBeyondLoopback(policy: AddressPolicy, called: Called = {}): boolean {
  return policy.allow.some((rule) => {
    if (!('network' in rule)) return ruleHolds(rule, called);
    if (rule.port !== undefined && rule.port !== called.port) return false;
    const least = rule.network.kind() === 'ipv4' ? 8 : 128;
    return rule.network.range() !== 'loopback' || rule.prefix < least;
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const DENIED = 'is denied by the operator (--deny-destinations)';
const NOT_LISTED = 'is not among what the operator allows (--only-destinations)';

function ownFault(address: Address, at: string, policy: AddressPolicy, called: Called): string | undefined {
  if (policy.own === undefined || called.port === undefined) return undefined;
  const listener = ownListener(address, called.port, policy.own);
  if (listener === undefined || (listener.hasInbox && called.isInbox === true)) return undefined;
  return `${at} is this Carillon itself${listener.hasInbox ? ', of which only the inbox may be called' : ''}`;
}

function judgeReach(ip: string, address: Address, policy: AddressPolicy, called: Called): AddressVerdict {
  const isAllowed = policy.allow.some((rule) => ruleHolds(rule, called, address));
  if (isAllowed && isNat64(address)) {
    // Allowing NAT64 opens the way to IPv4, so the IPv4 address at its end is what counts.
    const end = embeddedIpv4(address)!;
    const verdict = judgeReach(end.toString(), end, policy, called);
    return verdict === 'allow' ? verdict : { deny: `${ip} is a NAT64 address, and ${verdict.deny}` };
  }
  if (isAllowed) return 'allow';
  return address instanceof ipaddr.IPv6 ? judgePublicV6(ip, address) : judgePublicV4(ip, address);
}

/** All that IANA has given out for global unicast (RFC 4291, 2.4). */
const GLOBAL_UNICAST: Cidr = { network: ipaddr.IPv6.parse('2000::'), prefix: 3 };

/** The 6bone's, given back in 2006 (RFC 3701): public in no table, so it may be routed anywhere. */
const SIXBONE: Cidr = { network: ipaddr.IPv6.parse('3ffe::'), prefix: 16 };

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
  return address.toString() === AZURE_PLATFORM
    ? { deny: `${ip} is the address of Azure's platform` }
    : 'allow';
}

function judgePublicV6(ip: string, address: ipaddr.IPv6): AddressVerdict {
  const range = address.range();
  if (range !== 'unicast') return { deny: `${ip} is ${NOUN[range] ?? 'a reserved address'}` };
  if (!holds(GLOBAL_UNICAST, address)) {
    return { deny: `${ip} is not a global unicast address` };
  }
  if (holds(SIXBONE, address)) return { deny: `${ip} is a reserved address` };
  // ISATAP (RFC 5214): an interface identifier that hides an IPv4 address behind any prefix.
  const [group4, group5] = [address.parts[4], address.parts[5]];
  if (group5 === 0x5efe && (group4 === 0 || group4 === 0x200)) return { deny: `${ip} is an ISATAP address` };
  return 'allow';
}

function hostAndPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
