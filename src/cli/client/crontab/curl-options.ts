/** What becomes of an option of curl. */
export type CurlOption =
  /** It is understood. */
  | { readonly does: 'count'; readonly value: boolean }
  /** It says nothing about the request. */
  | { readonly does: 'nothing'; readonly value: boolean }
  /** It is left out, and the person is told why. */
  | { readonly does: 'warn'; readonly value: boolean; readonly why: string }
  /** Without it, it would be another request. */
  | { readonly does: 'refuse'; readonly why: string };

const taken = (...names: string[]) => all(names, { does: 'count', value: true });
const takenSwitch = (...names: string[]) => all(names, { does: 'count', value: false });
const idle = (...names: string[]) => all(names, { does: 'nothing', value: true });
const idleSwitch = (...names: string[]) => all(names, { does: 'nothing', value: false });
const warned = (value: boolean, why: string, ...names: string[]) => all(names, { does: 'warn', value, why });
const refused = (why: string, ...names: string[]) => all(names, { does: 'refuse', why });

function all(names: readonly string[], option: CurlOption): [string, CurlOption][] {
  return names.map((name) => [name, option]);
}

/** Options by their long names (curl(1)). One that is not here is refused by its name. */
export const CURL_OPTIONS: ReadonlyMap<string, CurlOption> = new Map([
  ...taken('request', 'header', 'url', 'user', 'oauth2-bearer', 'referer', 'cookie', 'output'),
  ...taken('data', 'data-ascii', 'data-raw', 'data-binary', 'data-urlencode', 'json'),
  ...taken('max-time', 'retry', 'retry-delay'),
  ...takenSwitch('get', 'head', 'globoff', 'retry-all-errors'),
  ...idleSwitch('silent', 'show-error', 'fail', 'fail-with-body', 'fail-early', 'include', 'verbose'),
  ...idleSwitch('no-buffer', 'progress-bar', 'no-progress-meter', 'compressed', 'disable', 'basic'),
  ...idleSwitch('http1.0', 'http1.1', 'http2', 'tcp-nodelay', 'no-keepalive', 'retry-connrefused'),
  ...idleSwitch('tlsv1.2', 'tlsv1.3', 'path-as-is', 'create-dirs', 'remote-time', 'styled-output'),
  ...idle('write-out', 'stderr', 'keepalive-time', 'max-filesize', 'limit-rate', 'dump-header'),
  ...idle('max-redirs', 'speed-limit', 'speed-time', 'proto', 'proto-redir', 'proto-default'),
  ...warned(
    false,
    'Carillon does not follow redirects: give the URL that they end at',
    'location',
    'location-trusted',
  ),
  ...warned(true, 'Carillon says who it is itself', 'user-agent'),
  ...warned(true, 'the time for all of an attempt counts, see timeout', 'connect-timeout'),
  ...warned(true, 'the delays of retry_policy bound it', 'retry-max-time'),
  ...warned(false, 'Carillon takes the addresses that the name has', 'ipv4', 'ipv6'),
  ...warned(false, 'Carillon keeps what the destination answered with each attempt', 'remote-name'),
  ...warned(true, 'cookies are not kept from one run to the next', 'cookie-jar'),
  ...refused('Carillon checks certificates; register it without, and give --tls-ca-bundle', 'insecure'),
  ...refused('it sends a form in parts, for which Carillon has no body', 'form', 'form-string'),
  ...refused('it sends a file with PUT, and Carillon POSTs', 'upload-file'),
  ...refused('it reads options from a file', 'config'),
  ...refused('it reads a password from a file', 'netrc', 'netrc-file', 'netrc-optional'),
  ...refused(
    'register it without, and give --tls-client-certificate and --tls-private-key',
    'cert',
    'key',
    'pass',
    'cert-type',
  ),
  ...refused('register it without, and give --tls-ca-bundle', 'cacert', 'capath'),
  ...refused('Carillon connects to the destination itself', 'proxy', 'socks5', 'socks5-hostname'),
  ...refused(
    'Carillon connects to the address that the name of the destination has',
    'resolve',
    'connect-to',
    'unix-socket',
    'interface',
  ),
  ...refused('Carillon does not answer challenges', 'digest', 'ntlm', 'negotiate', 'anyauth'),
  ...refused('it makes several requests', 'next', 'parallel'),
]);

/** The long names of one-letter options. */
export const CURL_SHORT: Readonly<Record<string, string>> = {
  X: 'request',
  H: 'header',
  d: 'data',
  u: 'user',
  e: 'referer',
  b: 'cookie',
  o: 'output',
  m: 'max-time',
  G: 'get',
  I: 'head',
  g: 'globoff',
  s: 'silent',
  S: 'show-error',
  f: 'fail',
  i: 'include',
  v: 'verbose',
  N: 'no-buffer',
  '#': 'progress-bar',
  q: 'disable',
  '0': 'http1.0',
  w: 'write-out',
  D: 'dump-header',
  y: 'speed-time',
  Y: 'speed-limit',
  R: 'remote-time',
  L: 'location',
  A: 'user-agent',
  '4': 'ipv4',
  '6': 'ipv6',
  O: 'remote-name',
  c: 'cookie-jar',
  k: 'insecure',
  F: 'form',
  T: 'upload-file',
  K: 'config',
  n: 'netrc',
  E: 'cert',
  x: 'proxy',
  Z: 'parallel',
};
