import { userInfo } from 'node:os';
import { DomainError } from '../../../domain/error.ts';
import { type Parameters, type PgEnvironment, readParameters } from './parameters.ts';

/** Where a store is: a database that one of several servers has, and the schema in it. */
export interface Place {
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  readonly user: string;
  /** The password that the URL has. */
  readonly password: string | undefined;
  readonly database: string;
  readonly schema: string;
  readonly parameters: Parameters;
  /** For people: without the password and the parameters. */
  readonly shown: string;
}

export interface Host {
  /** A name, an address (that of IPv6 without its brackets), or the folder of a socket, which begins with `/`. */
  readonly host: string;
  readonly port: number;
}

const PORT_DEFAULT = 5432;
const HOSTS_MAX = 16;

/** Whether a URL names a database of PostgreSQL. */
export function isPostgres(url: string): boolean {
  return /^postgres(?:ql)?:/i.test(url);
}

/** Whether a text can be the URL of such a database, whatever its parameters are. */
export function canBePlace(url: string): boolean {
  return isPostgres(url) && partsOf(url) !== undefined;
}

/**
 * Reads a URL such as `postgres://user:password@one:5432,two:5432/database?schema=carillon`, as libpq does
 * (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS). `env` has the variables for what
 * it does not say. Raises FAILED_PRECONDITION.
 */
export function placeOf(url: string, env: PgEnvironment = {}): Place {
  const parts = partsOf(url);
  // Nothing of it is in the message: where it cannot be read, nobody knows where the password is.
  if (parts === undefined) throw refusal('the database', UNREADABLE);
  const { specs, password, database, query } = parts;
  const user = parts.user ?? env.PGUSER ?? userInfo().username;
  const bare = `postgres://${encodeURIComponent(user)}@${specs.map(({ text }) => text).join(',')}/`;
  if (database === '') throw refusal(bare, 'names no database; write one behind the host, as in /carillon');
  const shown = `${bare}${encodeURIComponent(database)}`;
  const parameters = readParameters(query, env);
  if (typeof parameters === 'string') throw refusal(shown, parameters);
  const hosts = hostsOf(specs, parameters);
  if (typeof hosts === 'string') throw refusal(shown, hosts);
  return { hosts, user, password, database, schema: parameters.schema, parameters, shown };
}

export function refusal(shown: string, why: string): DomainError {
  return new DomainError('DATABASE_UNUSABLE', `${shown} ${why}`);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const UNREADABLE =
  'has an address that cannot be read; write postgres://user:password@host:5432/name, and what has a meaning in URLs ' +
  'percent-encoded';

/** As it was written. */
interface Spec {
  readonly text: string;
  readonly host: string;
  readonly port: string;
}

interface Parts {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly specs: readonly Spec[];
  readonly database: string;
  readonly query: string;
}

const FORM = /^postgres(?:ql)?:\/\/(?:([^/?#\s]*)@)?([^@/?#\s]*)(?:\/([^@/?#\s]*))?(?:\?([^@#\s]*))?$/i;
const SPEC = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d*))?$/;

/** `URL` takes one host only. Undefined for what is no such URL. */
function partsOf(url: string): Parts | undefined {
  const match = FORM.exec(url);
  if (match === null) return undefined;
  const [, userInfo = '', authority = '', path = '', query = ''] = match;
  const colon = userInfo.indexOf(':');
  const name = colon < 0 ? userInfo : userInfo.slice(0, colon);
  const secret = colon < 0 ? '' : userInfo.slice(colon + 1);
  const specs: Spec[] = [];
  for (const text of authority === '' ? [] : authority.split(',')) {
    const [, host, port = ''] = SPEC.exec(text) ?? [];
    const plain = host === undefined ? undefined : decoded(host.replace(/^\[(.*)\]$/, '$1'));
    if (plain === undefined) return undefined;
    specs.push({ text, host: plain, port });
  }
  if (specs.length === 0 && !new URLSearchParams(query).has('host')) return undefined;
  const [user, password, database] = [name, secret, path].map(decoded);
  if (user === undefined || password === undefined || database === undefined) return undefined;
  return { user: user || undefined, password: password || undefined, specs, database, query };
}

/** The hosts of a URL, or what is wrong with them. */
function hostsOf(specs: readonly Spec[], { host, port }: Parameters): readonly Host[] | string {
  if (specs.length > 0 && (host !== undefined || port !== undefined)) {
    return `names hosts twice; leave out the parameter ${host === undefined ? 'port' : 'host'}`;
  }
  const names = specs.length > 0 ? specs.map((spec) => spec.host) : (host ?? '').split(',');
  const ports = specs.length > 0 ? specs.map((spec) => spec.port) : (port ?? '').split(',');
  if (names.length > HOSTS_MAX) return `names more than ${HOSTS_MAX} hosts`;
  if (ports.length > 1 && ports.length !== names.length) {
    return 'names another number of ports than of hosts; give one for each, or one for all';
  }
  const hosts: Host[] = [];
  for (const [i, name] of names.entries()) {
    if (name === '' || /[\s\0]/.test(name)) return 'names a host that is none';
    const digits = (ports.length === 1 ? ports[0] : ports[i]) ?? '';
    const number = digits === '' ? PORT_DEFAULT : Number(digits);
    if (!/^\d{0,5}$/.test(digits) || number < 1 || number > 65_535) {
      return `has the port ${JSON.stringify(digits.slice(0, 20))}; give one from 1 to 65535`;
    }
    hosts.push({ host: name, port: number });
  }
  return hosts;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
