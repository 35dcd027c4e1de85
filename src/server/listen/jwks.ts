import { createHash } from 'node:crypto';
import { hostsOf, judgeHosts } from '../../domain/access/host.ts';
import { quote } from '../../domain/text.ts';
import { publicJwk } from '../../domain/webhook/namespace-key.ts';
import { DEFAULT_NAMESPACE } from '../../domain/webhook/webhook.ts';
import type { NamespaceDirectory } from '../../store/namespace-directory.ts';
import type { SigningKeyring } from '../../store/signing-keyring.ts';
import type { ListenerRequest, ListenerResponse } from './http-protocol.ts';

/** Where receivers look for public keys (RFC 8615). */
export const JWKS_PATH = '/.well-known/jwks.json';

export interface JwksDeps {
  readonly keys: Pick<SigningKeyring, 'publicKeyOf'>;
  readonly namespaces: Pick<NamespaceDirectory, 'load'>;
  readonly allowedHosts: readonly string[];
}

/** Answers a request for the public keys of a namespace (RFC 7517); false when it is for something else. */
export type Jwks = (request: ListenerRequest, response: ListenerResponse) => boolean;

/** How long a receiver may keep them: a key that is new signs nothing that was registered before. */
const MAX_AGE_S = 300;
/** No namespace has a longer name. */
const NAMESPACE_LENGTH_MAX = 63;

/** Public keys are for anybody; only pages of names that nobody gave to this server are refused, as everywhere. */
export function createJwks({ keys, namespaces, allowedHosts }: JwksDeps): Jwks {
  async function answer(
    request: ListenerRequest,
    response: ListenerResponse,
    namespace: string,
  ): Promise<void> {
    const [found] = namespace.length > NAMESPACE_LENGTH_MAX ? [] : await namespaces.load([namespace]);
    if (found === undefined) {
      refuse(
        response,
        404,
        `there is no namespace ${quote(namespace)}; name another one, or none for default\n`,
      );
      return;
    }
    const key = keys.publicKeyOf(namespace);
    serve(request, response, JSON.stringify({ keys: key === undefined ? [] : [publicJwk(key)] }));
  }

  return (request, response) => {
    const [path, query = ''] = (request.url ?? '').split('?', 2);
    if (path !== JWKS_PATH) return false;
    // What was sent along is not wanted, but must be read for the connection to go on.
    request.resume();
    response.setHeader('x-content-type-options', 'nosniff');
    const verdict = judgeHosts(hostsOf(request), { allowedHosts });
    if (verdict !== 'allow') {
      refuse(response, 403, `${verdict.deny}\n`);
      return true;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      refuse(response, 405, 'public keys can only be read: use GET\n');
      return true;
    }
    const namespace = new URLSearchParams(query).get('namespace') || DEFAULT_NAMESPACE;
    answer(request, response, namespace).catch(() => {
      refuse(response, 503, 'the keys cannot be read now; try again later\n');
    });
    return true;
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function serve(request: ListenerRequest, response: ListenerResponse, body: string): void {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
  response.setHeader('cache-control', `public, max-age=${MAX_AGE_S}`);
  response.setHeader('etag', etag);
  if (request.headers['if-none-match'] === etag) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.setHeader('content-type', 'application/jwk-set+json');
  response.setHeader('content-length', String(Buffer.byteLength(body)));
  // Node leaves it out of an answer to HEAD.
  response.end(body);
}

function refuse(response: ListenerResponse, status: number, words: string): void {
  response.statusCode = status;
  response.setHeader('cache-control', 'no-store');
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(words);
}
