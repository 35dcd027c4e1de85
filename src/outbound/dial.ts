import type { LookupAddress } from 'node:dns';
import { connect, type Socket } from 'node:net';
import { connectFailure, type SendFailure } from './failure.ts';

/** Connections tried for one host. */
const TRIES_MAX = 6;
/** How long an address is tried alone before the next is tried beside it (RFC 8305, 5). */
const HEAD_START_MS = 250;

export interface DialRequest {
  /** Never empty. All of them were judged. */
  readonly addresses: readonly LookupAddress[];
  readonly port: number;
  /** The host and port as a person would write them. */
  readonly peer: string;
  /** Called with every socket as soon as it is made. */
  readonly opened: (socket: Socket) => void;
}

/**
 * Connects to the first of the addresses that answers ("happy eyeballs"): the next is tried when one
 * fails or has had its head start, and the first to connect wins. Only these addresses are connected to;
 * no name goes to the socket, so there is no second resolution. Returns a way to give up.
 */
export function dial(
  { addresses, port, peer, opened }: DialRequest,
  done: (failure: SendFailure | null, socket: Socket | null) => void,
): () => void {
  const order = interleave(addresses).slice(0, TRIES_MAX);
  const trying = new Set<Socket>();
  let tried = 0;
  let over = false;
  /** The last that was no trouble of our own, or the first of all where there was nothing else. */
  let telling: SendFailure | undefined;
  let headStart: NodeJS.Timeout | undefined;

  function tryNext(): void {
    clearTimeout(headStart);
    const address = order[tried++];
    if (address === undefined) return;
    const socket = connect({ host: address.address, port, noDelay: true });
    trying.add(socket);
    opened(socket);
    socket.once('connect', () => {
      trying.delete(socket);
      if (over) return void socket.destroy();
      stop();
      done(null, socket);
    });
    socket.on('error', (error) => {
      if (!trying.delete(socket) || over) return;
      const failure = connectFailure(error, named(peer, order));
      if (telling === undefined || failure.errorClass !== 'LOCAL') telling = failure;
      if (tried < order.length) return tryNext();
      if (trying.size > 0) return;
      stop();
      done(telling, null);
    });
    if (tried < order.length) headStart = setTimeout(tryNext, HEAD_START_MS);
  }

  function stop(): void {
    over = true;
    clearTimeout(headStart);
    for (const socket of trying) socket.destroy();
    trying.clear();
  }

  tryNext();
  return stop;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The resolver's order, but with IPv4 and IPv6 in turn, so that a broken family costs one head start (RFC 8305, 4). */
function interleave(addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]!.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]!.family);
  const order: LookupAddress[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    order.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return order;
}

function named(peer: string, tried: readonly LookupAddress[]): string {
  const addresses = tried.map(({ address }) => address);
  return addresses.length === 1 && peer.includes(addresses[0]!) ? peer : `${peer} (${addresses.join(', ')})`;
}
