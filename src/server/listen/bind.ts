import { type AddressInfo, isIPv4, type Server } from 'node:net';
import { DomainError } from '../../domain/error.ts';

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ListenOptions extends Address {
  /** The flag that says where, for messages. */
  readonly option: string;
}

/** Rejects with DomainError FAILED_PRECONDITION, its message for the operator, when it cannot listen. */
export function listen(server: Server, { host, port, option }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(explained(error, { host, port, option })));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** The address, with the port that was free. */
export function addressOf(server: Server): Address {
  // A string only for pipes, null only before it listens.
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}

/**
 * What an operator should know whose server can be called from other machines, which mostly call it by a
 * name; undefined where there is nothing to say.
 */
export function hostsHint(
  addresses: readonly Address[],
  { allowedHosts }: { readonly allowedHosts: readonly string[] },
): string | undefined {
  if (allowedHosts.length > 0 || addresses.every(isLoopback)) return undefined;
  return 'only calls to an IP address or to localhost are answered; to be called by a name, start with --allowed-hosts';
}

/** Whether only programs of this machine reach it there. A name other than localhost can be any address. */
export function isLoopback({ host }: Pick<Address, 'host'>): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

export function authorityOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function explained(error: NodeJS.ErrnoException, { host, port, option }: ListenOptions): DomainError {
  const where = authorityOf({ host, port });
  const why: Record<string, string> = {
    EADDRINUSE: `${where} is already in use; choose another with ${option}`,
    EACCES: `${where} may not be opened by this user; choose a port from 1024 up with ${option}`,
    EADDRNOTAVAIL: `${where} is not an address of this machine; choose another with ${option}`,
    ENOTFOUND: `${host} is not the name of a host; choose another with ${option}`,
  };
  return new DomainError(
    'ADDRESS_UNUSABLE',
    why[error.code ?? ''] ?? `cannot listen on ${where}: ${error.message}`,
  );
}
