import type { ListenerRequest, ListenerResponse } from './http-protocol.ts';

/** Where a supervisor asks: Kubernetes, a load balancer, the health check of a container. */
export const LIVEZ_PATH = '/livez';
export const READYZ_PATH = '/readyz';

export interface ProbesDeps {
  /** Whether the store answers, and the server has not begun to stop. */
  readonly isReady: () => boolean;
}

/** Answers a probe; false when the request is for something else. */
export type Probes = (request: ListenerRequest, response: ListenerResponse) => boolean;

/**
 * Probes need no key and no known host, as health needs none. Nothing is asked and nothing waits for them, so that they
 * are answered also when there is too much of everything else: an answer at LIVEZ_PATH says only that the event loop
 * turns, and one at READYZ_PATH what was last found out about the store.
 */
export function createProbes({ isReady }: ProbesDeps): Probes {
  return (request, response) => {
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== LIVEZ_PATH && path !== READYZ_PATH) return false;
    // What was sent along is not wanted, but must be read for the connection to go on.
    request.resume();
    response.setHeader('cache-control', 'no-store');
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.setHeader('x-content-type-options', 'nosniff');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      response.statusCode = 405;
      response.end('probes only ask: use GET\n');
    } else if (path === LIVEZ_PATH || isReady()) {
      response.statusCode = 200;
      response.end('ok\n');
    } else {
      response.statusCode = 503;
      response.end('not ready: the database cannot be used, or the server is stopping; its log says which\n');
    }
    return true;
  };
}
