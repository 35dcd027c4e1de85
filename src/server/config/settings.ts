import { isMadeUpKey, MADE_UP_KEY } from '../../domain/access/authorization.ts';
import { FORWARDED_HEADERS } from '../../domain/access/source.ts';
import { WAITING_BOUNDS } from '../../domain/delivery/waiting-bounds.ts';
import { decodeKeys, KEYS_ALLOWED } from '../secrets-key.ts';
import {
  addressRange,
  boolean,
  bytes,
  clientRole,
  database,
  destination,
  duration,
  hostName,
  hostPort,
  httpProxy,
  integer,
  list,
  oneOf,
  origin,
  orOff,
  path,
  type SettingType,
  storeUrl,
} from './setting-types.ts';

/** The commands that take settings. */
export const COMMANDS = ['dev', 'serve'] as const;
export type Command = (typeof COMMANDS)[number];

/** The file that is read when `--config` names none. It need not exist. */
export const CONFIG_FILE = 'carillon.toml';

/**
 * Variables of the commands that are clients of the API. A server ignores them, since both may run in one
 * environment.
 */
export const CLIENT_VARIABLES = {
  address: 'CARILLON_ADDRESS',
  namespace: 'CARILLON_NAMESPACE',
  apiKey: 'CARILLON_API_KEY',
  apiKeyFile: 'CARILLON_API_KEY_FILE',
  ca: 'CARILLON_CA',
  clientCert: 'CARILLON_CLIENT_CERT',
  clientKey: 'CARILLON_CLIENT_KEY',
} as const;

/** One setting: everything that the program, `--help` and the README know about it. */
export interface Setting<T> {
  readonly type: SettingType<T>;
  /** What it is when nobody sets it, as one would write it; null for nothing. */
  readonly default: Readonly<Record<Command, string | null>>;
  /** One line, without a full stop. */
  readonly about: string;
  /** Its value appears in no message. */
  readonly secret: boolean;
}

/**
 * Every setting there is. A key names it in code; people write its name as `settingNames` spells it.
 * A span of time ends in `Ms` in code only, since people write its unit with the number.
 */
export const SETTINGS = {
  listen: setting(hostPort(), '127.0.0.1:8090', 'Where the API, the inbox and health are served'),
  grpcListen: setting(
    orOff(hostPort()),
    '127.0.0.1:8091',
    'Where the same API is served over native gRPC, at a part of the cost for each call',
  ),
  db: setting(
    database(),
    'carillon.db',
    'The SQLite file that keeps everything, or :memory: to keep nothing',
  ),
  store: optional(
    storeUrl(),
    'A PostgreSQL that keeps everything instead, postgres://user:password@host/database; better in the environment, since others see flags',
    { secret: true },
  ),
  restored: setting(
    boolean(),
    'false',
    'Start once with a database that is older than it was, or new: a backup was restored, or a new one is meant',
  ),
  takeOver: setting(
    boolean(),
    'false',
    'Start once with a database that was restored or imported and sends nothing yet, and send: the server that it was copied from has stopped',
  ),
  inbox: setting(
    boolean(),
    { dev: 'true', serve: 'false' },
    'Serve the built-in receiver and its page at /inbox/<name>',
  ),
  logLevel: setting(
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'The least that is worth a log line',
  ),
  logFormat: setting(
    oneOf('auto', 'pretty', 'json'),
    { dev: 'auto', serve: 'json' },
    'How log lines look; auto is pretty on a terminal and json elsewhere',
  ),
  allowDestinations: setting(
    list(destination()),
    { dev: '127.0.0.0/8,::1/128', serve: '' },
    'Destinations that may be called although they are not public',
  ),
  denyDestinations: setting(
    list(destination()),
    '',
    'Destinations that may not be called, whatever else allows them',
  ),
  onlyDestinations: setting(
    list(destination()),
    '',
    'If given, the only destinations that may be called; those that are not public have to be allowed too',
  ),
  egressProxy: optional(
    httpProxy(),
    'An HTTP proxy that all requests to destinations go through; with a password better in the environment',
    { secret: true },
  ),
  defaultEveryMs: setting(
    duration({ min: '100ms', max: '365d' }),
    '5s',
    'How often a webhook rings that is registered without a schedule',
  ),
  everyMinMs: setting(
    duration({ min: '100ms', max: '1d' }),
    '1s',
    'The least time between two runs that a schedule may have: of a period, of crons and of intervals',
  ),
  retentionMs: setting(
    duration({ min: '1m', max: '3650d' }),
    '30d',
    'How long finished deliveries, their attempts and their events are kept',
  ),
  payloadRetentionMs: setting(
    duration({ min: '1m', max: '3650d' }),
    '30d',
    'How long the data of events is kept, if nothing of them waits; not longer than the events',
  ),
  idempotencyWindowMs: setting(
    duration({ min: '1m', max: '365d' }),
    '24h',
    'How long the id that a publisher gave an event is remembered, to publish it only once, at least; it is for as long as the event is kept',
  ),
  disableAfterMs: setting(
    duration({ min: '1m', max: '365d' }),
    '5d',
    'A webhook whose every attempt failed for this long is disabled',
  ),
  inFlightMax: setting(integer({ min: 1, max: 65_535 }), '4096', 'Requests to destinations at once, in all'),
  originInFlightMax: setting(
    integer({ min: 1, max: 65_535 }),
    '256',
    'Requests at once to one origin: a scheme, host and port',
  ),
  waitingMax: setting(
    integer({ min: 1, max: 1_000_000_000 }),
    String(WAITING_BOUNDS.waitingMax),
    'Deliveries that may wait, in all; beyond, no events are taken',
  ),
  namespaceWaitingMax: setting(
    integer({ min: 1, max: 1_000_000_000 }),
    String(WAITING_BOUNDS.namespaceWaitingMax),
    'Deliveries that may wait in a namespace that has no quota of its own; beyond, its longest lanes overflow',
  ),
  messageBytesMax: setting(
    bytes({ min: '64KiB', max: '64MiB' }),
    '4MiB',
    'The largest message that a call may send',
  ),
  workBytesMax: optional(
    bytes({ min: '1MiB', max: '64GiB' }),
    'Bytes of requests in work at once, from their first until what they ask for is stored; beyond, callers wait; a 128th of the heap that Node may take unless set, at least 16MiB',
  ),
  connectionsMax: setting(
    integer({ min: 16, max: 1_000_000 }),
    '10000',
    'Connections to the API at once; for one more, an idle one is closed, or one of an address that has more than half, or else the new one',
  ),
  stopTimeoutMs: setting(
    duration({ min: '100ms', max: '1h' }),
    { dev: '3s', serve: '20s' },
    'How long requests in flight may take to finish when the server stops',
  ),
  allowedHosts: setting(
    list(hostName()),
    '',
    'Names that the server may be called by, besides localhost and every IP address',
  ),
  trustedProxies: setting(
    list(addressRange()),
    '',
    'Proxies that are believed when they say who has called them; of others it is not heard',
  ),
  forwardedHeader: setting(
    oneOf(...FORWARDED_HEADERS),
    'x-forwarded-for',
    'The header in which they say it; with the first, x-forwarded-proto says whether that was over TLS',
  ),
  corsOrigins: setting(list(origin()), '', 'Origins whose pages may call the API from a browser'),
  bootstrapKey: optional(
    {
      placeholder: 'key',
      allowed: MADE_UP_KEY,
      shape: 'one',
      parse: (text) => (isMadeUpKey(text) ? text : undefined),
    },
    'An admin key of your own making, which the server takes from its start on; better in the environment, since others see flags',
    { secret: true },
  ),
  noKeys: setting(
    boolean(),
    'false',
    'Take calls without a key although there are keys, or from other machines; whoever reaches the server may do everything',
  ),
  tlsCert: optional(
    path(),
    'The certificate to speak TLS with on both ports, in PEM, and behind it those that signed it; read again when it changes',
  ),
  tlsKey: optional(path(), 'The private key of that certificate, in PEM; read again when it changes'),
  tlsClientCa: optional(
    path(),
    'The certificates that those of callers must be signed by, in PEM: callers are asked for one; read again when it changes',
  ),
  tlsClientAuth: setting(
    oneOf('optional', 'required'),
    'optional',
    'Whether nobody is served on either port without such a certificate',
  ),
  clientRoles: setting(
    list(clientRole()),
    '',
    'What callers may do by a name in their certificate, as by a key; the first that fits counts, and without a namespace it is for all',
  ),
  plaintext: setting(
    boolean(),
    'false',
    'Listen without TLS where other machines can reach it, because TLS ends in front of it',
  ),
  secretsKey: optional(
    {
      placeholder: 'key',
      allowed: KEYS_ALLOWED,
      shape: 'one',
      parse: (text) => (typeof decodeKeys(text) === 'string' ? undefined : text),
    },
    'The key that seals secrets at rest; better in the environment, since others see flags',
    { secret: true },
  ),
  secretsKeyFile: optional(
    path(),
    'The file that holds that key; the database path with .key unless set, and made at the first start',
  ),
} as const;

/** The key of a setting in code. */
export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** What each setting is once read. */
export type Settings = {
  readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

/** How a setting is written as a flag, in the environment, and in the file. */
export interface SettingNames {
  readonly flag: string;
  readonly env: string;
  readonly toml: string;
}

export function settingNames(key: SettingKey | 'config'): SettingNames {
  const words = key.replace(/Ms$/, '').split(/(?=[A-Z])/);
  const toml = words.join('_').toLowerCase();
  return { flag: `--${toml.replaceAll('_', '-')}`, env: `CARILLON_${toml.toUpperCase()}`, toml };
}

function setting<T>(
  type: SettingType<T>,
  value: string | Record<Command, string>,
  about: string,
): Setting<T> {
  return {
    type,
    default: typeof value === 'string' ? { dev: value, serve: value } : value,
    about,
    secret: false,
  };
}

/** A setting that is undefined when nobody sets it. */
function optional<T>(type: SettingType<T>, about: string, { secret = false } = {}): Setting<T | undefined> {
  return { type, default: { dev: null, serve: null }, about, secret };
}
