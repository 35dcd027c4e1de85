import { createServer, type Socket } from 'node:net';
import { isTls, NEEDS_TLS, type Refusal, refuseConnection } from '../tls/refusal.ts';
import type { Tls } from '../tls/tls.ts';
import { type Address, addressOf, type ListenOptions, listen } from './bind.ts';
import { createCrowd } from './crowd.ts';
import { firstBytes } from './first-bytes.ts';
import type { ListenerLimits, Protocol } from './http-protocol.ts';

export interface AcceptorOptions {
  readonly limits: Pick<ListenerLimits, 'connectionsMax' | 'firstBytesMs' | 'lingerMs'>;
  /** Without it the port is cleartext; with it, nothing else but TLS is served. */
  readonly tls?: Pick<Tls, 'open'>;
  /** Serves a connection, whose first bytes are given, and are no longer in the socket. */
  readonly take: (socket: Socket, first: Buffer) => void;
  /** What serves the connections: it is drained and closed together with the port. */
  readonly protocols: readonly Pick<Protocol, 'isBusy' | 'drain' | 'cutOff' | 'close'>[];
  /** Told of connections that could not be accepted: no file handles left, say. */
  readonly onError: (error: unknown) => void;
}

/** Accepts the connections of a port, looks at how they begin, and hands them on. */
export interface Acceptor {
  /** Where it listens, with the port that was free. */
  readonly address: Address;
  /**
   * Accepts nothing new, and gives calls in flight `graceMs` to finish; then cuts them off. Resolves when
   * every connection is closed. Called again, it waits for the first call, whose grace is shortened when
   * the new one ends sooner.
   */
  close(graceMs: number): Promise<void>;
}

/** Before a quiet connection is asked whether its other end still exists. */
const PROBE_MS = 60_000;

/** What a connection has for taking the last answers when its calls were cut off. */
const LAST_ANSWERS_MS = 200;

/** Rejects with DomainError FAILED_PRECONDITION, its message for the operator, when it cannot listen. */
export async function accept(where: ListenOptions, options: AcceptorOptions): Promise<Acceptor> {
  const { limits, tls, take, protocols, onError } = options;
  const undecided = new Set<Socket>();
  /** By their ends, connections on which TLS is agreed; and when it is, what speaks TLS on them. */
  const agreeing = new Map<string, Socket>();
  const secured = new WeakMap<Socket, Socket>();
  const isBusy = (socket: Socket): boolean =>
    protocols.some((each) => each.isBusy(secured.get(socket) ?? socket));
  const crowd = createCrowd(limits.connectionsMax, {
    isBusy,
    close: (socket) => void socket.destroy(),
  });

  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_MS });
  function begin(socket: Socket, decide: (bytes: Buffer) => void): void {
    undecided.add(socket);
    socket.once('close', () => undecided.delete(socket));
    // Connections break all the time. Whoever serves this one hears of it too; without a listener
    // here it would end the process while nobody does.
    socket.on('error', () => {});
    firstBytes(socket, limits.firstBytesMs, decide);
  }

  function serve(socket: Socket, refusal?: Refusal): void {
    begin(socket, (bytes) => {
      undecided.delete(socket);
      if (refusal === undefined) take(socket, bytes);
      else refuseConnection(socket, bytes, refusal, limits);
    });
  }

  // Undecided until TLS is agreed on, and then again until it shows its protocol.
  const gate = tls?.open({
    handshakeMs: limits.firstBytesMs,
    take(socket, refusal) {
      const below = agreeing.get(endsOf(socket));
      if (below !== undefined) {
        secured.set(below, socket);
        undecided.delete(below);
      }
      serve(socket, refusal);
    },
  });
  server.on('connection', (socket) => {
    if (!crowd.enter(socket)) {
      socket.on('error', () => {}).destroy();
      return;
    }
    if (gate === undefined) return serve(socket);
    const ends = endsOf(socket);
    agreeing.set(ends, socket);
    socket.once('close', () => {
      if (agreeing.get(ends) === socket) agreeing.delete(ends);
    });
    begin(socket, (bytes) => {
      if (!isTls(bytes)) {
        undecided.delete(socket);
        return refuseConnection(socket, bytes, NEEDS_TLS, limits);
      }
      socket.unshift(bytes);
      gate(socket);
    });
  });
  await listen(server, where);
  server.on('error', onError);

  let closed: Promise<void> | undefined;

  function stop(): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => {
        for (const protocol of protocols) protocol.close();
        resolve();
      });
      for (const socket of undecided) socket.destroy();
      for (const protocol of protocols) protocol.drain();
    });
  }

  return {
    address: addressOf(server),
    close(graceMs) {
      closed ??= stop();
      let timer = setTimeout(() => {
        const answering = protocols.some(({ cutOff }) => cutOff !== undefined);
        for (const socket of crowd.sockets()) if (!answering || !isBusy(socket)) socket.destroy();
        for (const protocol of protocols) protocol.cutOff?.();
        timer = setTimeout(() => {
          for (const socket of crowd.sockets()) socket.destroy();
        }, LAST_ANSWERS_MS);
      }, graceMs);
      return closed.finally(() => clearTimeout(timer));
    },
  };
}

/** Both ends of a connection, which are the same with and without TLS on it. */
function endsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}
