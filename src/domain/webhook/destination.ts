import ipaddr from 'ipaddr.js';
import {
  type AddressPolicy,
  type AddressVerdict,
  allowsBeyondLoopback,
  allowsUnresolved,
  judgeAddress,
  judgeLoopback,
  judgeName,
} from './address.ts';
import type { Called } from './destination-rule.ts';
import { isPlainIdn } from './idn.ts';
import { isInboxPath } from './own-listeners.ts';
import { MASK } from './secret-headers.ts';

/**
 * Where a webhook goes: an absolute http or https URL. It is stored and compared as the caller wrote
 * it, and sent to as the WHATWG URL Standard reads it. What the two could read differently is refused
 * rather than repaired, because a check and a client that disagree on the host are how guards are
 * passed.
 */
export const DESTINATION_LENGTH_MAX = 2048;

/** `refused` says which rule is broken and what to do, as a sentence without a full stop. */
export type DestinationVerdict = { readonly url: URL } | { readonly refused: string };

/**
 * Judges a destination without asking the network: syntax, port, an address written out, and names
 * that only mean something inside. What a name resolves to is judged at each connection. A fragment is
 * taken, and dropped from `url`: it is never sent.
 */
export function judgeDestination(
  text: string,
  options: { readonly policy: AddressPolicy },
): DestinationVerdict {
  const misspelt = textFault(text);
  if (misspelt !== undefined) return { refused: misspelt };
  const url = URL.parse(text);
  if (url === null || !isPlainIdn(url.hostname)) {
    return { refused: `is not a valid URL: check its host and port, ${EXAMPLE}` };
  }
  const refused = portFault(url) ?? judgeHost(url.hostname, options.policy, calledBy(url));
  if (refused !== undefined) return { refused };
  url.hash = '';
  return { url };
}

/** A destination as logs and messages have it: tokens are often in what follows the question mark. */
export function withoutQuery(destination: string): string {
  const end = destination.search(/[?#]/);
  return end === -1 ? destination : `${destination.slice(0, end)}?${MASK}`;
}

/** How a URL calls its host. */
export function calledBy(url: URL): Called & { readonly port: number } {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  return { port, isInbox: isInboxPath(url.pathname) };
}

/** What is wrong with a host, as `URL` writes it, as far as that can be told without asking the network. */
export function judgeHost(hostname: string, policy: AddressPolicy, called: Called): string | undefined {
  const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  // `URL` has written every spelling of an address (octal, hexadecimal, short) in its plain form.
  if (ipaddr.isValid(address)) return refusal(judgeAddress(address, policy, called));
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  const labels = name.split('.');
  if (
    name.length > NAME_LENGTH_MAX ||
    labels.some((label) => label === '' || label.length > LABEL_LENGTH_MAX)
  ) {
    return `has a host that is no domain name: labels have 1 to ${LABEL_LENGTH_MAX} characters, all together at most ${NAME_LENGTH_MAX}`;
  }
  const listed = refusal(judgeName(name, policy, called));
  if (listed !== undefined) return listed;
  // The addresses of such a name are judged when it is called, like all others: this is the early answer.
  if (LOOPBACK_NAME.test(name)) {
    const verdict = judgeLoopback(policy, { ...called, name });
    if (verdict === 'allow' && allowsUnresolved(policy, { ...called, name })) return undefined;
    if (verdict !== 'allow' && verdict.isByOperator === true) return refusal(verdict);
    return `points inside: ${name} is this machine; ${ALLOW_HINT}`;
  }
  if (labels.length === 1 || INSIDE_NAME.test(name)) {
    return allowsBeyondLoopback(policy, { ...called, name }) && allowsUnresolved(policy, { ...called, name })
      ? undefined
      : `points inside: ${name} is not a public domain name; ${ALLOW_HINT}`;
  }
  return undefined;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const EXAMPLE = 'as in https://example.com/hook';

/** The rules on the text as it was written, before anything is folded, stripped or decoded. */
function textFault(text: string): string | undefined {
  if (text === '') return `must not be empty: give an absolute http or https URL, ${EXAMPLE}`;
  if (text.length > DESTINATION_LENGTH_MAX) {
    return `has ${text.length} characters: give at most ${DESTINATION_LENGTH_MAX}`;
  }
  // `URL` strips tabs and newlines wherever they are, so they are looked for before it runs.
  if (/\p{Cc}/u.test(text)) {
    return 'must not contain control characters, such as a tab or a newline: remove them';
  }
  if (/^\s|\s$/.test(text)) return 'must not begin or end with white space: remove it';
  if (/\s/.test(text)) return 'must not contain white space: write a space as %20';
  if (!text.isWellFormed()) return 'must be well-formed Unicode: half of a surrogate pair is alone in it';
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return `must be an absolute URL with its scheme, ${EXAMPLE}`;
  if (scheme !== 'http' && scheme !== 'https') {
    return `has the scheme ${scheme}: only http and https are sent to`;
  }
  // `URL` reads a backslash as a slash; others read what follows it as user info or a path.
  if (text.includes('\\')) return 'must not contain a backslash: write / or %5C';
  const authority = /^[a-z]+:\/\/([^/?#]+)/i.exec(text)?.[1];
  if (authority === undefined) return `must have a host after ${scheme}://, ${EXAMPLE}`;
  if (authority.includes('@')) {
    return 'must not contain user info (name:password@): send credentials in a header instead';
  }
  // Also a zone identifier (RFC 6874), which names an interface of this machine.
  if (authority.includes('%')) return 'must not have % in its host: write the host without percent-encoding';
  return undefined;
}

/**
 * The ports on which other protocols listen that an HTTP request could be made to speak to. The list is
 * https://fetch.spec.whatwg.org/#port-blocking; 0 is no port.
 */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
  109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
  526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
  3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

function portFault(url: URL): string | undefined {
  if (url.port === '' || !BAD_PORTS.has(Number(url.port))) return undefined;
  return `has the port ${url.port}, which belongs to another protocol: serve HTTP on another port`;
}

/** RFC 1035, 2.3.4. */
const NAME_LENGTH_MAX = 253;
const LABEL_LENGTH_MAX = 63;

/** Names for this machine itself (RFC 6761, and what distributions put in /etc/hosts). */
const LOOPBACK_NAME = /(^|\.)localhost$|^localhost6?(\.localdomain6?)?$|^ip6-(localhost|loopback)$/;

/**
 * Names that no public resolver answers for: .local (RFC 6762), .home.arpa (RFC 8375), ICANN's
 * .internal, and what networks and clusters use among themselves.
 */
const INSIDE_NAME =
  /\.(local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa|svc|cluster\.local)$/;

function refusal(verdict: AddressVerdict): string | undefined {
  if (verdict === 'allow') return undefined;
  return verdict.isByOperator === true
    ? `may not be called: ${verdict.deny}; use another host`
    : `points inside: ${verdict.deny}; ${ALLOW_HINT}`;
}

const ALLOW_HINT = 'use a public host, or have the operator allow this one (--allow-destinations)';
