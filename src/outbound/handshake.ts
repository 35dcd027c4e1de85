import { isIP, type Socket } from 'node:net';
import {
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
  connect as tlsConnect,
} from 'node:tls';
import { type BoundedCache, boundedCache } from '../domain/bounded-cache.ts';
import type { DestinationTls } from '../domain/webhook/destination-tls.ts';
import { SendFailure, tlsFailure } from './failure.ts';

/** A handshake over a connected socket. */
export interface Handshake {
  readonly socket: Socket;
  readonly hostname: string;
  /** The host and port as a person would write them. */
  readonly peer: string;
  /** How a webhook speaks TLS; undefined where it does as the others. */
  readonly tls?: DestinationTls;
}

export type Secured = (failure: SendFailure | null, socket: Socket | null) => void;

/** The most TLS sessions kept for resumption, which saves most of a handshake. Those unused for longest are dropped. */
const SESSIONS_MAX = 2_000;

/** The most contexts kept of webhooks that speak TLS in a way of their own: about 40 KB each, and 0.4 ms to make. */
const CONTEXTS_MAX = 500;

/**
 * TLS over a connected socket, for the name that was asked for, whatever address that led to. `trustedCertificates` are
 * trusted beside the usual ones.
 */
export function createHandshake(trustedCertificates?: string): (handshake: Handshake, done: Secured) => void {
  const sessions: BoundedCache<string, Buffer> = boundedCache(SESSIONS_MAX);
  const contexts: BoundedCache<string, SecureContext> = boundedCache(CONTEXTS_MAX);
  let common: SecureContext | undefined;

  function usual(): SecureContextOptions {
    if (trustedCertificates === undefined) return {};
    return { ca: [...getCACertificates('default'), trustedCertificates] };
  }

  function contextOf(tls: DestinationTls | undefined): SecureContext {
    // One serves all other connections, because making one reads every root certificate.
    if (tls === undefined) {
      common ??= createSecureContext(usual());
      return common;
    }
    const known = contexts.get(tls.id);
    if (known !== undefined) return known;
    const { clientCertificate: cert, privateKey: key, caBundle: ca } = tls;
    const context = createSecureContext({
      ...usual(),
      // What its owner trusts need not be a root: it can be an intermediate one, or the certificate itself.
      ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    });
    contexts.set(tls.id, context);
    return context;
  }

  return ({ socket, hostname, peer, tls }, done) => {
    let secureContext: SecureContext;
    try {
      secureContext = contextOf(tls);
    } catch (error) {
      const code = String((error as { code?: unknown }).code);
      socket.destroy();
      return done(
        new SendFailure('TLS', `the webhook's own certificates cannot be used: ${peer} (${code})`),
        null,
      );
    }
    // Certificates have names without the dot that ends an absolute name. An address is checked against the
    // certificate too, but is never sent as a server name (RFC 6066, 3).
    const name = hostname.replace(/\.$/, '');
    // A session that is resumed is of whoever began it, and its certificate is not looked at again.
    const place = tls === undefined ? peer : `${peer} ${tls.id}`;
    const session = sessions.get(place);
    const secured = tlsConnect({
      socket,
      host: name,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: tls?.unverified !== true,
      ...(isIP(name) === 0 && { servername: name }),
      ...(session !== undefined && { session }),
    });
    secured.on('session', (fresh) => sessions.set(place, fresh));
    secured.once('secureConnect', () => done(null, secured));
    secured.on('error', (error) => done(tlsFailure(error, peer), null));
  };
}
