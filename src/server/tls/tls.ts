import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { notePeer } from '../../domain/access/peer.ts';
import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import type { Log } from '../../telemetry/log.ts';
import { materialOf, readTlsFiles, type TlsFiles, type TlsMaterial, type TlsPaths } from './files.ts';
import { certificateOf, refusalOf } from './peer-certificate.ts';
import type { Refusal } from './refusal.ts';

/** TLS for the ports. Its certificate is read again when its files change; connections that there are go on. */
export interface Tls {
  /** What speaks TLS on the connections of one port, which it is given. */
  open(options: GateOptions): Gate;
  /** Looks whether the files have changed, and how long the certificate is valid. To be called every few seconds. */
  tick(): Promise<number>;
}

export interface GateOptions {
  /** How long a connection may take to agree on its keys. */
  readonly handshakeMs: number;
  /** Serves a connection, from its first bytes, or tells it why it is not served. */
  readonly take: (socket: TLSSocket, refusal: Refusal | undefined) => void;
}

/** Takes a connection whose first bytes are waiting to be read. */
export type Gate = (socket: Socket) => void;

export interface TlsDeps {
  readonly paths: TlsPaths;
  /** Whether nobody is served without a certificate that `clientCa` has signed. */
  readonly clientAuth?: 'optional' | 'required';
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a certificate that was replaced is used at most. */
export const TLS_REFRESH_MS = 5_000;

/** Both are offered on both ports, so that who speaks HTTP/1.1 to the port of gRPC is told what to do. */
const PROTOCOLS = ['h2', 'http/1.1'];
const DAY_MS = 86_400_000;
/** From when it is said that a certificate will expire. Most are renewed by then. */
const SOON_MS = 7 * DAY_MS;

/** Rejects with DomainError TLS_UNUSABLE, its message for the operator, when the files cannot be used. */
export async function openTls({ paths, clientAuth = 'optional', clock, log }: TlsDeps): Promise<Tls> {
  const servers = new Set<Server>();
  const asks = paths.clientCa !== undefined;
  let seen = await readTlsFiles(paths);
  let material = materialOf(seen, paths);
  /** The last that was wrong with the files: it is said once. */
  let told = '';
  /** What was said of the end of the certificate. */
  let warned: 'nothing' | 'soon' | 'over' = 'nothing';
  warnOfEnd();

  function warnOfEnd(): void {
    const leftMs = material.expiresAt - clock.now();
    const now = leftMs <= 0 ? 'over' : leftMs <= SOON_MS ? 'soon' : 'nothing';
    if (now === warned) return;
    warned = now;
    if (now === 'nothing') return;
    const fields = { certificate: material.names, expiresAt: new Date(material.expiresAt).toISOString() };
    const todo = `put a new one into ${paths.cert}, and its key into ${paths.key}: they are read within seconds`;
    if (now === 'over') log.warn(fields, `the certificate has expired, and callers refuse it; ${todo}`);
    else log.warn(fields, `the certificate expires in less than a week; ${todo}`);
  }

  function take(files: TlsFiles, made: TlsMaterial): void {
    seen = files;
    material = made;
    told = '';
    for (const server of servers) server.setSecureContext(made.context);
    const expiresAt = new Date(made.expiresAt).toISOString();
    log.info(
      { certificate: made.names, expiresAt },
      'the certificates were read again, and are used from now on',
    );
    warned = 'nothing';
  }

  async function refresh(): Promise<void> {
    try {
      const files = await readTlsFiles(paths);
      if (isSame(files, seen)) told = '';
      else take(files, materialOf(files, paths));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.message === told) return;
      told = error.message;
      log.error(
        { reason: told },
        'the new certificates cannot be used, and those before stay in use; mend the files, which are read again every few seconds',
      );
    }
  }

  return {
    open({ handshakeMs, take: serve }) {
      const server = createServer({
        ...material.context,
        ALPNProtocols: PROTOCOLS,
        requestCert: asks,
        // It is judged here, so that a caller learns why and not just that: see `refusalOf`, and the keyring.
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs,
      });
      servers.add(server);
      server.on('secureConnection', (socket) => {
        const certificate = asks ? certificateOf(socket) : undefined;
        notePeer(socket, { certificate });
        serve(socket, asks && clientAuth === 'required' ? refusalOf(certificate) : undefined);
      });
      // Who cannot agree with us on TLS has broken off, or was told so by TLS itself.
      server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
        const { remoteAddress: address } = socket;
        log.debug(
          { address, reason: error.code ?? error.message },
          'a caller and this server did not agree on TLS',
        );
        socket.destroy();
      });
      return (socket) => void server.emit('connection', socket);
    },
    async tick() {
      await refresh();
      warnOfEnd();
      return 0;
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function isSame(a: TlsFiles, b: TlsFiles): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key) && a.clientCa.equals(b.clientCa);
}
