import { isIP } from 'node:net';
import { quote } from '../text.ts';

/**
 * By which names this server may be called, as long as anybody may call it without a key.
 *
 * A page of any site can make its own name resolve to this machine (DNS rebinding): to the browser this
 * server is then that site, and the page can call it and read the answers. The name is still in the
 * request, so a name that nobody gave to this server is refused. An address cannot be rebound, and
 * `localhost` and everything below it always mean this machine (RFC 6761, section 6.3).
 */
export interface HostPolicy {
  /** Further names, in lower case and without a dot at the end. `*.example.com` is every name below it, `*` any. */
  readonly allowedHosts: readonly string[];
}

/** What is read of the head of a request, in whichever version of HTTP. */
export interface RequestHead {
  /** Names and values in turn, as they came. Pseudo-headers of HTTP/2 are among them. */
  readonly rawHeaders: readonly string[];
}

/** Why not, as a sentence without a full stop. */
export type AccessVerdict = 'allow' | { readonly deny: string };

/**
 * The hosts that a request names, in `:authority` and in each `Host`. Usually one; programs read
 * different ones where there are several, so each has to be judged.
 */
export function hostsOf({ rawHeaders }: RequestHead): readonly string[] {
  const hosts: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name === ':authority' || (name.length === 4 && name.toLowerCase() === 'host')) {
      hosts.push(rawHeaders[i + 1]!);
    }
  }
  return hosts;
}

/** Judges the hosts that a request names. All of them must be allowed. */
export function judgeHosts(hosts: readonly string[], { allowedHosts }: HostPolicy): AccessVerdict {
  if (hosts.length === 0) return { deny: `the request names no host: ${remedy('<name>')}` };
  for (const host of hosts) {
    const name = nameOf(host);
    if (name !== undefined && isAllowed(name, allowedHosts)) continue;
    return { deny: `this server may not be called as ${quote(host)}: ${remedy(name ?? '<name>')}` };
  }
  return 'allow';
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A name, an IPv4 address, or an IPv6 address in brackets, which some gRPC clients percent-encode; then perhaps a port. */
const HOST = /^(?:\[([\da-f:.]+)\]|%5b([\da-f:.]+)%5d|([a-z\d._-]+))(?::\d{0,5})?$/;

/** The longest name that DNS has (RFC 1035, section 2.3.4). */
const NAME_LENGTH_MAX = 253;

/** The host without its port, in lower case; an IPv6 address without brackets. Undefined for what is no host. */
function nameOf(host: string): string | undefined {
  const [, bracketed, encoded, name] = HOST.exec(host.toLowerCase()) ?? [];
  const address = bracketed ?? encoded;
  if (address !== undefined) return isIP(address) === 6 ? address : undefined;
  const bare = name?.replace(/\.$/, '') ?? '';
  return bare === '' || bare.length > NAME_LENGTH_MAX ? undefined : bare;
}

function isAllowed(name: string, allowed: readonly string[]): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0) return true;
  return allowed.some(
    (each) => each === '*' || each === name || (each.startsWith('*.') && name.endsWith(each.slice(1))),
  );
}

function remedy(name: string): string {
  return `call it by an IP address or as localhost, or start it with --allowed-hosts ${name}`;
}
