import type { ClientCertificate } from './client-certificate.ts';

/** What is known of the other end of a connection with TLS. */
export interface Peer {
  /** What it has shown, where it was asked to. */
  readonly certificate: ClientCertificate | undefined;
}

/** What of a connection says who is at its other end: a socket of Node, or what stands for one in HTTP/2. */
export interface Line {
  readonly remoteAddress?: string | undefined;
}

/** A property, since Node gives out each connection of HTTP/2 in several disguises, which all show the properties of it. */
const PEER = Symbol('peer');

interface Known extends Line {
  [PEER]?: Peer;
}

/** Remembers it with the connection, which is the socket itself. */
export function notePeer(line: Line, peer: Peer): void {
  (line as Known)[PEER] = peer;
}

/** Undefined for a connection without TLS. */
export function peerOf(line: Line): Peer | undefined {
  return (line as Known)[PEER];
}
