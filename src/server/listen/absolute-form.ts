import type { IncomingMessage } from 'node:http';

/** A target with its scheme and host: what is sent to proxies, and what every server must take. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Makes the usual form of a request whose target is in absolute form (RFC 9112, section 3.2.2): its host takes the
 * place of the Host header, so that the guard judges the one that counts.
 */
export function takeAbsoluteForm(request: IncomingMessage): void {
  const [, host, target] = ABSOLUTE.exec(request.url ?? '') ?? [];
  if (host === undefined || target === undefined) return;
  request.url = target.startsWith('/') ? target : `/${target}`;
  request.headers.host = host;
  const { rawHeaders } = request;
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (rawHeaders[i]!.toLowerCase() === 'host') rawHeaders.splice(i, 2);
  }
  rawHeaders.push('Host', host);
}
