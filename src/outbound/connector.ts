import { isIP, type Socket } from 'node:net';
import type { buildConnector } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import type { DestinationTls } from '../domain/webhook/destination-tls.ts';
import { startDeadline } from './deadline.ts';
import { noConnection, SendFailure } from './failure.ts';
import { createHandshake } from './handshake.ts';
import { listenTo } from './incoming.ts';
import { type Line, startOpening } from './line.ts';
import { type EgressProxy, throughProxy } from './proxy.ts';
import { createResolver, type Lookup } from './resolver.ts';
import { straight } from './way.ts';

/** Opens connections for undici, to judged addresses only. */
export interface Connector {
  /** A function that opens the connections of a line, and notes on the line how long each step took. */
  connectorOf(line: Line, how: Manner): buildConnector.connector;
  /** Sockets that are open or being opened. */
  readonly open: number;
  /** Drops every socket, those being opened too. */
  destroy(): void;
}

/** What all requests of a line have in common, but for where they go. */
export interface Manner {
  /** They are for the inbox of this server, if they lead there. */
  readonly isInbox: boolean;
  /** How TLS is spoken; as with others where it is undefined. */
  readonly tls?: DestinationTls;
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

  function connect(
    line: Line,
    { isInbox, tls }: Manner,
    { hostname, protocol, port }: Wanted,
    callback: Connected,
  ): void {
    const isSecure = protocol === 'https:';
    const portNumber = Number(port) || (isSecure ? 443 : 80);
    const family = isIP(hostname);
    const peer = `${family === 6 ? `[${hostname}]` : hostname}:${portNumber}`;
    const opening = startOpening(clock, way.looksUp(hostname) ? 'dnsMs' : 'connectMs');
    line.opening = opening;
    line.fresh = true;
    let over = false;
    let stop = () => {};
    const callOff = startDeadline(clock, connectTimeoutMs, (heldUpMs) => {
      giveUp(noConnection(peer, `within ${connectTimeoutMs} ms`, heldUpMs, opening));
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
      if (failure !== null || socket === null || !isSecure) return finish(failure, socket);
      opening.next('tlsMs');
      stop = () => void socket.destroy();
      secure({ socket, hostname, peer, ...(tls && { tls }) }, finish);
    });
  }

  return {
    connectorOf: (line, how) => (wanted, callback) => connect(line, how, wanted, callback),
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

type Wanted = Pick<buildConnector.Options, 'hostname' | 'protocol' | 'port'>;
type Connected = buildConnector.Callback;

/** Undefined when the connection was lost at the same moment. */
function remoteAddress({ remoteAddress: address, remotePort: port }: Socket): string | undefined {
  if (address === undefined) return undefined;
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
