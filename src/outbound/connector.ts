import { isIP, type Socket } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext, connect as tlsConnect } from 'node:tls';
import type { buildConnector } from 'undici';
import { type BoundedCache, boundedCache } from '../domain/bounded-cache.ts';
import type { Clock } from '../domain/clock.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import { startDeadline } from './deadline.ts';
import { noConnection, SendFailure, tlsFailure } from './failure.ts';
import { listenTo } from './incoming.ts';
import { type Line, startOpening } from './line.ts';
import { type EgressProxy, throughProxy } from './proxy.ts';
import { createResolver, type Lookup } from './resolver.ts';
import { straight } from './way.ts';

/** Opens connections for undici, to judged addresses only. */
export interface Connector {
  /**
   * A function that opens the connections of a line, and notes on the line how long each step took. `isInbox` says
   * that all its requests are for the inbox of this server, if it leads there.
   */
  connectorOf(line: Line, isInbox: boolean): buildConnector.connector;
  /** Sockets that are open or being opened. */
  readonly open: number;
  /** Drops every socket, those being opened too. */
  destroy(): void;
}

export interface ConnectorOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly policy: AddressPolicy;
  /** For the lookup, the connection and the TLS handshake together. */
  readonly connectTimeoutMs: number;
  /** Looks names up; by default the system's resolver does. */
  readonly lookup?: Lookup;
  /** If there is one, it is all that is connected to. */
  readonly egressProxy?: EgressProxy;
  /** Certificates in PEM that are trusted beside the usual ones. */
  readonly trustedCertificates?: string;
}

/** The most TLS sessions kept for resumption, which saves most of a handshake. Those unused for longest are dropped. */
const SESSIONS_MAX = 2_000;

export function createConnector(options: ConnectorOptions): Connector {
  const { clock, connectTimeoutMs } = options;
  const { egressProxy: proxy, policy, lookup } = options;
  const names = { policy, ...(lookup !== undefined && { lookup }) };
  const way = proxy === undefined ? straight(createResolver(names)) : throughProxy({ ...names, proxy });
  const secure = createHandshake(options.trustedCertificates);
  const sockets = new Set<Socket>();
  const underWay = new Set<(failure: SendFailure) => void>();

  function opened(socket: Socket): void {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  }

  function connect(line: Line, { hostname, protocol, port, isInbox }: Wanted, callback: Connected): void {
    const tls = protocol === 'https:';
    const portNumber = Number(port) || (tls ? 443 : 80);
    const family = isIP(hostname);
    const peer = `${family === 6 ? `[${hostname}]` : hostname}:${portNumber}`;
    const opening = startOpening(clock, way.looksUp(hostname) ? 'dnsMs' : 'connectMs');
    line.opening = opening;
    line.fresh = true;
    let over = false;
    let stop = () => {};
    const callOff = startDeadline(clock, connectTimeoutMs, (heldUpMs) => {
      giveUp(noConnection(peer, `within ${connectTimeoutMs} ms`, heldUpMs, opening.via));
    });

    function finish(failure: SendFailure | null, socket: Socket | null): void {
      if (over) return void socket?.destroy();
      over = true;
      opening.next(undefined);
      callOff();
      underWay.delete(giveUp);
      if (failure !== null) {
        callback(failure, null);
      } else {
        line.incoming = listenTo(socket!, peer);
        callback(null, socket!);
      }
    }

    function giveUp(failure: SendFailure): void {
      finish(failure, null);
      stop();
    }

    underWay.add(giveUp);
    stop = way.open({ hostname, port: portNumber, isInbox, peer, opening, opened }, (failure, socket) => {
      if (socket !== null) opening.remoteAddress = remoteAddress(socket);
      if (failure !== null || socket === null || !tls) return finish(failure, socket);
      opening.next('tlsMs');
      stop = () => void socket.destroy();
      secure({ socket, hostname, peer }, finish);
    });
  }

  return {
    connectorOf: (line, isInbox) => (wanted, callback) => connect(line, { ...wanted, isInbox }, callback),
    get open() {
      return sockets.size;
    },
    destroy() {
      for (const giveUp of underWay) giveUp(new SendFailure('LOCAL', 'Carillon is stopping'));
      for (const socket of sockets) socket.destroy();
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Wanted = Pick<buildConnector.Options, 'hostname' | 'protocol' | 'port'> & { readonly isInbox: boolean };
type Connected = buildConnector.Callback;

/** Undefined when the connection was lost at the same moment. */
function remoteAddress({ remoteAddress: address, remotePort: port }: Socket): string | undefined {
  if (address === undefined) return undefined;
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

interface Handshake {
  readonly socket: Socket;
  readonly hostname: string;
  readonly peer: string;
}

type Secured = (failure: SendFailure | null, socket: Socket | null) => void;

/** TLS over a connected socket, for the name that was asked for, whatever address that led to. */
function createHandshake(trustedCertificates?: string): (handshake: Handshake, done: Secured) => void {
  const sessions: BoundedCache<string, Buffer> = boundedCache(SESSIONS_MAX);
  let context: SecureContext | undefined;

  return ({ socket, hostname, peer }, done) => {
    // One context serves all connections, because making one reads every root certificate.
    context ??= createSecureContext(
      trustedCertificates === undefined ? {} : { ca: [...getCACertificates('default'), trustedCertificates] },
    );
    // Certificates have names without the dot that ends an absolute name. An address is checked against the
    // certificate too, but is never sent as a server name (RFC 6066, 3).
    const name = hostname.replace(/\.$/, '');
    const session = sessions.get(peer);
    const secured = tlsConnect({
      socket,
      host: name,
      secureContext: context,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(name) === 0 && { servername: name }),
      ...(session !== undefined && { session }),
    });
    secured.on('session', (fresh) => sessions.set(peer, fresh));
    secured.once('secureConnect', () => done(null, secured));
    secured.on('error', (error) => done(tlsFailure(error, peer), null));
  };
}
