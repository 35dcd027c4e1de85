import { readFile, stat } from 'node:fs/promises';
import { type ConnectionOptions, getCACertificates } from 'node:tls';
import { messageOf } from './driver.ts';
import type { Parameters } from './parameters.ts';

/** How a connection is made safe: by TLS with these options, or not at all. */
export type Safety = ConnectionOptions | false;

type TlsParameters = Pick<Parameters, 'sslmode' | 'sslrootcert' | 'sslcert' | 'sslkey'>;

/**
 * How to try it with a host, one after the other, as libpq does
 * (https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS). Files are read anew each time,
 * since certificates are renewed. Raises an error with a message for people.
 */
export async function waysOf(parameters: TlsParameters, host: string): Promise<readonly Safety[]> {
  const { sslmode, sslrootcert } = parameters;
  // What goes through a socket of this machine is seen by nobody else.
  if (sslmode === 'disable' || host.startsWith('/')) return [false];
  const own = await ownCertificate(parameters);
  const trusting = { ...own, rejectUnauthorized: false };
  if (sslmode === 'allow') return [false, trusting];
  if (sslmode === 'prefer') return [trusting, false];
  // libpq looks at the certificate then, whatever else `require` says.
  if (sslmode === 'require' && sslrootcert === undefined) return [trusting];
  const ca = sslrootcert === undefined ? {} : { ca: await authorities(sslrootcert) };
  if (sslmode === 'verify-full') return [{ ...own, ...ca }];
  return [{ ...own, ...ca, checkServerIdentity: () => undefined }];
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

async function authorities(path: string): Promise<string | string[]> {
  return path === 'system' ? getCACertificates('system') : read('sslrootcert', path);
}

async function ownCertificate({ sslcert, sslkey }: TlsParameters): Promise<ConnectionOptions> {
  if (sslcert === undefined || sslkey === undefined) return {};
  await checkPrivate(sslkey);
  return { cert: await read('sslcert', sslcert), key: await read('sslkey', sslkey) };
}

/** As in libpq: nobody else may read it, but the group may where it is the administrator's. */
async function checkPrivate(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw new Error(`the file of sslkey cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (process.platform === 'win32') return;
  const others = found.uid === 0 ? 0o037 : 0o077;
  if ((found.mode & others) !== 0) {
    throw new Error(`the file of sslkey, ${path}, can be read by other users; chmod 600 it`);
  }
}

async function read(parameter: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`the file of ${parameter} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
