import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import type { Log } from '../../telemetry/log.ts';
import { materialOf, readTlsFiles, type TlsFiles, type TlsMaterial, type TlsPaths } from './files.ts';

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
  /** Serves a connection, from its first bytes. */
  readonly take: (socket: TLSSocket) => void;
}

/** Takes a connection whose first bytes are waiting to be read. */
export type Gate = (socket: Socket) => void;

export interface TlsDeps {
  readonly paths: TlsPaths;
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
export async function openTls({ paths, clock, log }: TlsDeps): Promise<Tls> {
  const servers = new Set<Server>();
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
    log.info({ certificate: made.names, expiresAt }, 'another certificate is used from now on');
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
        'the new certificate cannot be used, and the one before stays in use; mend its files, which are read again every few seconds',
      );
    }
  }

  return {
    open({ handshakeMs, take: serve }) {
      const server = createServer({
        ...material.context,
        ALPNProtocols: PROTOCOLS,
        handshakeTimeout: handshakeMs,
        // Who calls is known from the beginning of a connection, and stays so (RFC 9113, section 9.2.1).
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      });
      servers.add(server);
      server.on('secureConnection', serve);
      // Who cannot agree with us on TLS has broken off, or was told so by TLS itself.
      server.on('tlsClientError', (_error, socket) => socket.destroy());
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
  return a.cert.equals(b.cert) && a.key.equals(b.key);
}
