import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallableResponse, NodeRequest } from '../transport/node.ts';
import { type OpenApi, renderReference } from './reference.ts';

/** The description of the API: the OpenAPI document, and a page for people made of it. */
export interface Pages {
  /** Answers a request if its path is one of them. Returns whether it does. */
  handle(path: string, request: NodeRequest, response: CallableResponse): boolean;
}

const DOCUMENT = join(import.meta.dirname, '../../../gen/openapi.json');
const STYLE = join(import.meta.dirname, 'reference.css');

interface Page {
  readonly type: string;
  readonly make: () => string;
}

/** Nothing of other places, no script at all, and in nobody's frame. */
const POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function createPages(): Pages {
  const document = once(() => readFileSync(DOCUMENT, 'utf8'));
  const pages: Readonly<Record<string, Page>> = {
    '/openapi.json': { type: 'application/json', make: document },
    '/docs': {
      type: 'text/html; charset=utf-8',
      make: once(() => renderReference(JSON.parse(document()) as OpenApi)),
    },
    '/docs/reference.css': {
      type: 'text/css; charset=utf-8',
      make: once(() => readFileSync(STYLE, 'utf8')),
    },
  };
  return {
    handle(path, request, response) {
      const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
      if (page === undefined) return false;
      const { method } = request;
      const readable = method === 'GET' || method === 'HEAD';
      const body = readable ? page.make() : 'this is only read, with GET\n';
      request.resume();
      response.writeHead(readable ? 200 : 405, {
        'content-type': readable ? page.type : 'text/plain; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        ...(!readable && { allow: 'GET, HEAD' }),
      });
      response.end(method === 'HEAD' ? '' : body);
      return true;
    },
  };
}

/** Made when it is first asked for: most servers are never asked. */
function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
