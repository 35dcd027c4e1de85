/** The parameters of a database's URL: those of libpq that are of use here, and a few of our own. */
import { didYouMean } from '../../../domain/nearest.ts';

/** Variables by which libpq is told what a URL does not say. */
export type PgEnvironment = Readonly<Record<string, string | undefined>>;

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** Which server is meant where several hosts are named. All of it is written, so it is never a standby. */
const TARGETS = ['read-write', 'primary', 'any'] as const;

export interface Parameters {
  /** In which all tables are. */
  readonly schema: string;
  readonly sslmode: SslMode;
  /** A file of authorities, or `system`. */
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  readonly target_session_attrs: (typeof TARGETS)[number];
  /** Seconds that it may take to reach one host. */
  readonly connect_timeout: number;
  /** Seconds that an answer may take before the connection is taken for lost. */
  readonly answer_timeout: number;
  readonly application_name: string;
  /** A file of passwords. */
  readonly passfile: string | undefined;
  /** What the server is told at the start of a session, as in `-c lock_timeout=5s`. */
  readonly options: string | undefined;
  /** Hosts and ports where the URL names none before its path, several with commas between them. */
  readonly host: string | undefined;
  readonly port: string | undefined;
}

/** PostgreSQL cuts names that are longer, in bytes. */
const NAME_BYTES_MAX = 63;
const TEXT_MAX = 4096;

interface Parameter<T> {
  /** libpq's variable for it. */
  readonly env?: string;
  readonly default: T;
  /** What may be given. */
  readonly allowed: string;
  /** Undefined for what may not. */
  parse(text: string): T | undefined;
}

type Table = { readonly [K in keyof Parameters]: Parameter<Parameters[K]> };

const TABLE: Table = {
  schema: {
    default: 'carillon',
    allowed: `one of 1 to ${NAME_BYTES_MAX} bytes that is not PostgreSQL's own, as those are that begin with pg_`,
    parse: (text) => (isName(text) && !/^(?:pg_|information_schema$)/.test(text) ? text : undefined),
  },
  sslmode: { env: 'PGSSLMODE', default: 'prefer', ...oneOf(SSL_MODES) },
  sslrootcert: file('PGSSLROOTCERT', 'the path of a file of certificates, or system'),
  sslcert: file('PGSSLCERT', 'the path of a certificate'),
  sslkey: file('PGSSLKEY', 'the path of the private key of that certificate'),
  target_session_attrs: { env: 'PGTARGETSESSIONATTRS', default: 'read-write', ...oneOf(TARGETS) },
  connect_timeout: { env: 'PGCONNECT_TIMEOUT', default: 10, ...seconds(1, 600) },
  answer_timeout: { default: 60, ...seconds(1, 3600) },
  application_name: {
    env: 'PGAPPNAME',
    default: 'carillon',
    allowed: `1 to ${NAME_BYTES_MAX} printable ASCII characters`,
    parse: (text) => (/^[ -~]{1,63}$/.test(text) ? text : undefined),
  },
  passfile: file('PGPASSFILE', 'the path of a file of passwords'),
  options: {
    env: 'PGOPTIONS',
    default: undefined,
    allowed: `settings of the session, as in -c lock_timeout=5s, of at most ${TEXT_MAX} characters`,
    parse: plain,
  },
  host: { default: undefined, allowed: 'a host, or the folder of a socket', parse: plain },
  port: { default: undefined, allowed: 'a port', parse: plain },
};

const NAMES = Object.keys(TABLE) as readonly (keyof Parameters)[];

/**
 * Reads the parameters of a URL, and for what it does not say, libpq's variables. What is wrong with one of them, to
 * follow what it is about, instead.
 */
export function readParameters(query: string, env: PgEnvironment): Parameters | string {
  const given = new URLSearchParams(query);
  for (const name of new Set(given.keys())) {
    if (name === 'password' || name === 'user' || name === 'dbname') {
      return `cannot have a parameter ${name}; write postgres://user:password@host:5432/database`;
    }
    if (!(name in TABLE)) return `cannot have a parameter ${cut(name)}${didYouMean(name, NAMES)}`;
    if (given.getAll(name).length > 1) return `has the parameter ${name} more than once; give it once`;
  }
  const read: Record<string, unknown> = {};
  for (const name of NAMES) {
    const parameter: Parameter<unknown> = TABLE[name];
    const variable = parameter.env === undefined ? undefined : env[parameter.env];
    const text = given.get(name) ?? (variable === '' ? undefined : variable);
    const value = text === null || text === undefined ? parameter.default : parameter.parse(text);
    if (value === undefined && text !== null && text !== undefined) {
      const where = given.has(name) ? `a ${name}` : `${parameter.env}`;
      return `cannot have ${where} ${JSON.stringify(cut(text))}; give ${parameter.allowed}`;
    }
    read[name] = value;
  }
  // Each went through the parser of its name.
  const parameters = read as unknown as Parameters;
  return together(parameters) ?? parameters;
}

/** What is wrong with parameters beside each other. */
function together({ sslmode, sslrootcert, sslcert, sslkey }: Parameters): string | undefined {
  if ((sslcert === undefined) !== (sslkey === undefined)) {
    const [has, lacks] = sslcert === undefined ? ['sslkey', 'sslcert'] : ['sslcert', 'sslkey'];
    return `has ${has} without ${lacks}; give both or neither`;
  }
  if (sslmode === 'verify-ca' && sslrootcert === undefined) {
    return 'has sslmode=verify-ca without sslrootcert: anybody can have a certificate of a public authority; give it, or verify-full';
  }
  if (sslrootcert === 'system' && sslmode !== 'verify-full') {
    return `has sslrootcert=system with sslmode=${sslmode}: anybody can have a certificate of a public authority; give sslmode=verify-full`;
  }
  return undefined;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function isName(text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= NAME_BYTES_MAX;
}

function plain(text: string): string | undefined {
  return text !== '' && text.length <= TEXT_MAX && !/\p{Cc}/u.test(text) ? text : undefined;
}

function file(env: string, allowed: string): Parameter<string | undefined> {
  return { env, default: undefined, allowed, parse: plain };
}

function oneOf<const T extends string>(words: readonly T[]): Pick<Parameter<T>, 'allowed' | 'parse'> {
  return {
    allowed: `one of ${words.join(', ')}`,
    parse: (text) => words.find((word) => word === text),
  };
}

function seconds(min: number, max: number): Pick<Parameter<number>, 'allowed' | 'parse'> {
  return {
    allowed: `whole seconds from ${min} to ${max}`,
    parse: (text) =>
      /^\d{1,6}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
  };
}

/** No message repeats all of what was given. */
function cut(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
