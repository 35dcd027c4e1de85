import { isIP, type Socket } from 'node:net';
import type { ErrorClass } from '../domain/delivery/attempt.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import { judgeHost } from '../domain/webhook/destination.ts';
import { headEnd } from './answer-head.ts';
import { dial } from './dial.ts';
import { SendFailure } from './failure.ts';
import { createResolver, type Lookup } from './resolver.ts';
import type { Way } from './way.ts';

/** The proxy that all connections go through, by CONNECT (RFC 9110, 9.3.6). */
export interface EgressProxy {
  /** A name or an address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of Proxy-Authorization, which holds a password; without one nothing is sent. */
  readonly authorization?: string;
}

export interface ThroughProxyOptions {
  readonly proxy: EgressProxy;
  readonly policy: AddressPolicy;
  readonly lookup?: Lookup;
}

/** The longest head of an answer of the proxy. */
const HEAD_BYTES = 16 * 1024;

/** The operator has named it, so it may have any address. */
const ANY: AddressPolicy = { allow: [{ isAny: true }] };

/**
 * The way through a proxy, which is then all that is connected to. It resolves the names, so of these only the name
 * is judged; addresses that are written out are judged as ever. What is wrong with the proxy itself is PROXY.
 */
export function throughProxy({ proxy, policy, lookup }: ThroughProxyOptions): Way {
  const resolver = createResolver({ policy: ANY, ...(lookup !== undefined && { lookup }) });
  const { host, port } = proxy;
  const called = `the egress proxy ${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

  return {
    looksUp: () => isIP(host) === 0,
    open({ hostname, port: wanted, isInbox, peer, opening, opened }, done) {
      const refused = judgeHost(hostname, policy, { port: wanted, isInbox });
      if (refused !== undefined) {
        queueMicrotask(() => done(new SendFailure('FORBIDDEN_ADDRESS', `${peer} ${refused}`), null));
        return () => {};
      }
      const via = { proxy: called, isReached: false };
      opening.via = via;
      let isOver = false;
      let stop = () => {};

      function end(failure: SendFailure | null, socket: Socket | null): void {
        if (isOver) return void socket?.destroy();
        isOver = true;
        if (failure === null) opening.via = undefined;
        done(failure, socket);
      }

      resolver.resolve({ hostname: host, port }, (failure, addresses) => {
        if (isOver) return;
        if (failure !== null) return end(ofProxy(failure, called), null);
        if (isIP(host) === 0) opening.next('connectMs');
        stop = dial({ addresses, port, peer: called, opened }, (failed, socket) => {
          if (socket === null) return end(failed === null ? null : ofProxy(failed, called), null);
          via.isReached = true;
          stop = () => void socket.destroy();
          tunnel(socket, { peer, called, proxy }, end);
        });
      });
      return () => {
        isOver = true;
        stop();
      };
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A failure to reach the proxy. What this machine has run out of stays that. */
function ofProxy({ errorClass, message }: SendFailure, called: string): SendFailure {
  if (errorClass === 'LOCAL') return new SendFailure('LOCAL', message);
  return new SendFailure(
    'PROXY',
    message.includes(called) ? message : `${called} cannot be reached: ${message}`,
  );
}

interface Tunnel {
  readonly peer: string;
  readonly called: string;
  readonly proxy: EgressProxy;
}

/** Asks the proxy for a connection, and hands over the socket when there is one. */
function tunnel(
  socket: Socket,
  { peer, called, proxy }: Tunnel,
  done: (failure: SendFailure | null, socket: Socket | null) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);

  function settle(failure: SendFailure | null): void {
    socket.off('readable', read);
    socket.off('end', lost);
    socket.off('close', lost);
    if (failure !== null) socket.destroy();
    done(failure, failure === null ? socket : null);
  }

  function read(): void {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      const searched = bytes.length;
      bytes = Buffer.concat([bytes, chunk]);
      const end = headEnd(bytes, searched);
      if (end < 0 && bytes.length <= HEAD_BYTES) continue;
      const status = end < 0 ? undefined : STATUS.exec(bytes.toString('latin1', 0, end))?.[1];
      if (status === undefined) {
        settle(new SendFailure('PROXY', `${called} does not answer as an HTTP proxy does`));
        return;
      }
      const failure = refusal(Number(status), { peer, called });
      // Nobody speaks before the request or the handshake, and undici would open connection after connection.
      const isTooMuch = failure === null && bytes.length > end;
      settle(isTooMuch ? new SendFailure('PROXY', `${called} sends more than its answer`) : failure);
      return;
    }
  }

  function lost(): void {
    settle(new SendFailure('PROXY', `${called} closed the connection before it answered`));
  }

  socket.on('readable', read);
  socket.once('end', lost);
  socket.once('close', lost);
  const authorization =
    proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${peer} HTTP/1.1\r\nHost: ${peer}\r\n${authorization}\r\n`);
}

const STATUS = /^HTTP\/1\.[01] ([1-5]\d\d)[ \r\n]/;

/** What an answer to CONNECT means; null when there is a connection. */
function refusal(status: number, { peer, called }: Omit<Tunnel, 'proxy'>): SendFailure | null {
  if (status >= 200 && status < 300) return null;
  const [errorClass, words] = MEANING[status] ?? (status > 501 ? UNCONNECTED : NOT_TRIED);
  return new SendFailure(errorClass, `${called} ${words.replace('{peer}', peer)} (${status})`);
}

type Meaning = readonly [ErrorClass, string];

/** It could not, which is a matter of the destination as far as can be told from here. */
const UNCONNECTED: Meaning = ['CONNECT', 'could not connect to {peer}'];
/** It did not try. */
const NOT_TRIED: Meaning = [
  'PROXY',
  'makes no connection to {peer}: see whether it takes CONNECT, and for this port',
];

const MEANING: Readonly<Record<number, Meaning>> = {
  403: ['FORBIDDEN_ADDRESS', 'refuses to connect to {peer}'],
  404: UNCONNECTED,
  407: ['PROXY', 'wants other credentials: check the user and the password in --egress-proxy'],
  410: UNCONNECTED,
  451: ['FORBIDDEN_ADDRESS', 'refuses to connect to {peer}'],
  504: ['TIMEOUT', 'waited too long for a connection to {peer}'],
};
