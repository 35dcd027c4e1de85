import { domainToASCII } from 'node:url';
import { invalid } from '../error.ts';
import { type Address, type Cidr, holds, parseCidr } from './cidr.ts';

/** What an operator allows or denies: addresses, names, or any host, and perhaps one port of them only. */
export type DestinationRule = (Cidr | HostRule | AnyHost) & { readonly port?: number };

interface HostRule {
  /** In lower case, in ASCII, without a dot at the end. */
  readonly name: string;
  /** All names below it, rather than the name itself. */
  readonly isBelow: boolean;
}

interface AnyHost {
  readonly isAny: true;
}

/** What is to be connected to, as far as it is known. */
export interface Called {
  /** As `URL` writes it, unless it is an address. */
  readonly name?: string;
  readonly port?: number;
  /** Whether what is asked for there is a path of an inbox. */
  readonly isInbox?: boolean;
}

/** The most rules in a list. */
const RULES_MAX = 256;

/**
 * Parses rules: `10.0.0.0/8`, `fd00::/8`, `192.168.1.7`, `hooks.example.com`, `*.example.com` for all names below
 * it, or `*`; each with `:port` behind it for that port only, where an IPv6 range stands in brackets. INVALID,
 * naming the first that is none.
 */
export function parseDestinationRules(list: readonly string[], field: string): DestinationRule[] {
  if (list.length > RULES_MAX) throw invalid(field, `has ${list.length} rules: give at most ${RULES_MAX}`);
  return list.map((text) => parseRule(text, field));
}

/** Parses the name of a host, or `*.` and one for all names below it. Undefined for what is neither. */
export function parseHostRule(text: string): HostRule | undefined {
  const [, below, written = ''] = /^(\*\.)?(.*?)\.?$/s.exec(text) ?? [];
  // It reads a host as URLs have one, up to a path.
  const name = /[/?#\\@%\s]/.test(written) ? '' : domainToASCII(written);
  const isName = name.length <= NAME_LENGTH_MAX && name.split('.').every((label) => LABEL.test(label));
  return isName ? { name, isBelow: below !== undefined } : undefined;
}

/** Whether a rule is about this. An address rule is about no name whose address is not known. */
export function ruleHolds(rule: DestinationRule, { name, port }: Called, address?: Address): boolean {
  if (rule.port !== undefined && rule.port !== port) return false;
  if ('isAny' in rule) return true;
  if ('network' in rule) return address !== undefined && holds(rule, address);
  const called = name?.replace(/\.$/, '');
  return called !== undefined && (rule.isBelow ? called.endsWith(`.${rule.name}`) : called === rule.name);
}

/** Whether a rule needs an address to be judged by. */
export function isOfAddresses(rule: DestinationRule): boolean {
  return 'network' in rule;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A host, which stands in brackets if it has colons itself and a port, and perhaps the port. */
const RULE = /^(?:\[([^\]]+)\]|([^:]+|[^[\]]*:[^[\]]*:[^[\]]*?))(?::(\d{1,5}))?$/;

/** RFC 1035, 2.3.4. */
const NAME_LENGTH_MAX = 253;
const LABEL = /^(?!-)[a-z\d_-]{1,63}(?<!-)$/;

function parseRule(text: string, field: string): DestinationRule {
  const parts = RULE.exec(text);
  if (parts === null) throw invalid(field, `${JSON.stringify(text)} is no address, range or name of a host`);
  const [, bracketed, plain = '', digits] = parts;
  const host = bracketed ?? plain;
  // What has colons and stands in no brackets is an IPv6 range, to its end.
  const isBare = bracketed === undefined && text.split(':').length > 2;
  const port = digits === undefined || isBare ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) {
    throw invalid(field, `${JSON.stringify(text)} has no port from 1 to 65535`);
  }
  const to = hostRule(isBare ? text : host, field);
  return port === undefined ? to : { ...to, port };
}

function hostRule(host: string, field: string): Cidr | HostRule | AnyHost {
  if (host === '*') return { isAny: true };
  const named = parseHostRule(host);
  // No name ends in a number (RFC 3696, section 2): what does is meant to be an address.
  return named === undefined || /(?:^|\.)\d+$/.test(named.name) ? parseCidr(host, field) : named;
}
