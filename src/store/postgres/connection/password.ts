import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from './driver.ts';
import type { PgEnvironment } from './parameters.ts';
import type { Host, Place } from './place.ts';

export interface PasswordSource {
  /** A file that has nothing but the password, and perhaps the end of a line. */
  readonly file: string | undefined;
  readonly env: PgEnvironment;
}

/** Larger than any password, and than any file of them. */
const BYTES_MAX = 64 * 1024;

/**
 * The password for a host: that of the URL, or of the file that has only that, or `PGPASSWORD`, or the one that a file of
 * passwords has for it. Read anew for each connection, since passwords are changed. Raises an error with a message for
 * people where there is none; that never has a password in it.
 */
export async function passwordFor(place: Place, host: Host, { file, env }: PasswordSource): Promise<string> {
  if (place.password !== undefined && file !== undefined) {
    throw new Error('there is a password in the URL and one in --store-password-file; give one of them');
  }
  if (place.password !== undefined) return place.password;
  if (file !== undefined) return alone(await read('the file of the password', file), file);
  if (env.PGPASSWORD !== undefined && env.PGPASSWORD !== '') return env.PGPASSWORD;
  const named = place.parameters.passfile;
  const found = named === undefined ? await readDefault() : await read('the passfile', named);
  const password = found === undefined ? undefined : lookUp(found, place, host);
  if (password !== undefined) return password;
  throw new Error(
    'the database asks for a password, and there is none; give it in the URL, with --store-password-file, ' +
      'in PGPASSWORD or in a passfile',
  );
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function alone(text: string, path: string): string {
  const password = text.replace(/\r?\n$/, '');
  if (password === '' || /[\r\n\0]/.test(password)) {
    throw new Error(`the file of the password, ${path}, must have the password in one line and nothing else`);
  }
  return password;
}

/** As libpq has it: of no use where others can read it. */
async function readDefault(): Promise<string | undefined> {
  const path = join(homedir(), '.pgpass');
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || isOpen(found.mode)) return undefined;
  return read('the passfile', path);
}

async function read(what: string, path: string): Promise<string> {
  try {
    const { mode, size } = await stat(path);
    if (size > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX} bytes`);
    if (what === 'the passfile' && isOpen(mode)) throw new Error('others can read it; chmod 600 it');
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${what}, ${path}, cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function isOpen(mode: number): boolean {
  return process.platform !== 'win32' && (mode & 0o077) !== 0;
}

/** https://www.postgresql.org/docs/current/libpq-pgpass.html. A socket's host is `localhost` there. */
function lookUp(text: string, { database, user }: Place, { host, port }: Host): string | undefined {
  const asked = [host.startsWith('/') ? 'localhost' : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    if (fields.length < 5) continue;
    if (asked.every((each, i) => fields[i] === '*' || fields[i]?.replaceAll(/\\(.)/g, '$1') === each)) {
      return fields[4]!.replaceAll(/\\(.)/g, '$1');
    }
  }
  return undefined;
}

/** Parts between colons, of which those behind a backslash are no such thing. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/((?:\\.|[^\\:])*)(?::|$)/g)].map(([, field = '']) => field);
}
