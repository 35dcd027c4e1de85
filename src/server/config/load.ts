import { resolve } from 'node:path';
import { DomainError } from '../../domain/error.ts';
import { didYouMean } from '../../domain/nearest.ts';
import { quote } from '../../domain/text.ts';
import { formatDuration, path } from './setting-types.ts';
import {
  CLIENT_VARIABLES,
  CONFIG_FILE,
  type Command,
  SETTING_KEYS,
  SETTINGS,
  type Setting,
  type SettingKey,
  type Settings,
  settingNames,
} from './settings.ts';
import { splitFlag } from './split-flag.ts';

/** Every setting as it was found, with `auto` decided. */
export type Config = Readonly<Omit<Settings, 'logFormat'>> & {
  readonly command: Command;
  readonly logFormat: 'pretty' | 'json';
  /** Variables by which libpq is told of a database, of which the URL of one need not say everything. */
  readonly pgEnvironment: ConfigSources['env'];
};

export interface ConfigSources {
  /** What follows the command. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working folder, where `carillon.toml` is looked for. */
  readonly cwd: string;
  /** Whether a person reads what is printed. */
  readonly terminal: boolean;
  /** The text of a file, or undefined when there is none. */
  readFile(path: string): Promise<string | undefined>;
}

/** A value as somebody wrote it, and where: `--listen`, `CARILLON_LISTEN`, `carillon.toml: listen`. */
interface Found {
  readonly text: string;
  readonly from: string;
}
type FoundByKey = Map<SettingKey, Found>;

/** What a source holds: settings, and the name of the file. */
interface Source {
  readonly found: FoundByKey;
  readonly config: Found | undefined;
}

const CONFIG_NAMES = settingNames('config');
const FLAGS = new Map(SETTING_KEYS.map((key) => [settingNames(key).flag, key]));
const VARIABLES = new Map(SETTING_KEYS.map((key) => [settingNames(key).env, key]));
const TOML_KEYS = new Map(SETTING_KEYS.map((key) => [settingNames(key).toml, key]));
const ENV_PREFIX = 'CARILLON_';
/** Begins so, and is not for a server. */
const FOREIGN: ReadonlySet<string> = new Set(Object.values(CLIENT_VARIABLES));
/** Characters of a refused value that are repeated in the message. */

/**
 * The settings of a command: a flag wins over the environment, that over the file, that over the
 * default.
 *
 * Rejects with DomainError SETTING_INVALID, its message one line that names the setting, where it came from
 * and what is allowed, when anything in any source is unknown, or not allowed even where another
 * source would win.
 */
export async function loadConfig(command: Command, sources: ConfigSources): Promise<Config> {
  const flags = readFlags(command, sources.argv);
  const env = readEnv(sources.env);
  const file = await readToml(flags.config ?? env.config, sources);
  const settings: Partial<Record<SettingKey, unknown>> = {};
  const given = new Set<SettingKey>();
  for (const key of SETTING_KEYS) {
    const setting: Setting<unknown> = SETTINGS[key];
    for (const found of [file.get(key), env.found.get(key), flags.found.get(key)]) {
      if (!found) continue;
      settings[key] = parse(setting, found);
      given.add(key);
    }
    const byDefault = setting.default[command];
    if (byDefault !== null) settings[key] ??= parse(setting, { text: byDefault, from: 'default' });
    else settings[key] ??= undefined;
  }
  // The table's types are the types of its parsers, and each key went through its own.
  return {
    ...decide(command, settings as Settings, given, sources.terminal),
    pgEnvironment: pgEnvironment(sources),
  };
}

/** The rules between settings. */
function decide(
  command: Command,
  settings: Settings,
  given: ReadonlySet<SettingKey>,
  terminal: boolean,
): Omit<Config, 'pgEnvironment'> {
  const { defaultEveryMs, everyMinMs, logFormat } = settings;
  if (defaultEveryMs < everyMinMs) {
    throw refuse(
      `default-every (${formatDuration(defaultEveryMs)}) is shorter than every-min (${formatDuration(everyMinMs)}); ` +
        'raise the one or lower the other',
    );
  }
  for (const [one, other] of APART) {
    if (!given.has(one) || !given.has(other)) continue;
    throw refuse(`${nameOf(one)} and ${nameOf(other)} are both set; give only one of them`);
  }
  for (const [has, lacks] of TOGETHER) {
    if (settings[has] !== undefined && settings[lacks] === undefined) {
      throw refuse(`${nameOf(has)} is set without ${nameOf(lacks)}; give that too`);
    }
  }
  if (
    settings.tlsClientCa === undefined &&
    (settings.clientRoles.length > 0 || settings.tlsClientAuth === 'required')
  ) {
    const has = settings.clientRoles.length > 0 ? 'client-roles' : 'tls-client-auth';
    throw refuse(
      `${has} is about the certificates of callers, of which none are asked for without tls-client-ca; give that too`,
    );
  }
  const resolved = logFormat === 'auto' ? (terminal ? 'pretty' : 'json') : logFormat;
  return { ...settings, command, logFormat: resolved };
}

function nameOf(key: SettingKey): string {
  return settingNames(key).flag.slice(2);
}

/** Settings of which one at most can be meant. */
const APART = [
  ['secretsKey', 'secretsKeyFile'],
  ['db', 'store'],
] as const satisfies readonly (readonly [SettingKey, SettingKey])[];

/** Settings that are nothing without another. */
const TOGETHER = [
  ['tlsCert', 'tlsKey'],
  ['tlsKey', 'tlsCert'],
  ['tlsClientCa', 'tlsCert'],
  ['storePasswordFile', 'store'],
] as const satisfies readonly (readonly [SettingKey, SettingKey])[];

function parse<T>(setting: Setting<T>, found: Found): T {
  const value = setting.type.parse(found.text);
  if (value !== undefined) return value;
  const shown = setting.secret ? 'its value' : quote(found.text);
  throw refuse(`${found.from}: ${shown} is not allowed; give ${setting.type.allowed}`);
}

// ── Flags ────────────────────────────────────────────────────────────────────────────────────────

function readFlags(command: Command, argv: readonly string[]): Source {
  const found: FoundByKey = new Map();
  let config: Found | undefined;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    const { flag, value } = splitFlag(arg);
    const key = FLAGS.get(flag);
    if (key === undefined && flag !== CONFIG_NAMES.flag) throw unknownFlag(command, arg, flag);
    const type = key === undefined ? path() : SETTINGS[key].type;
    let text = value;
    if (text === undefined && type.shape === 'switch') {
      // `--inbox false` would otherwise say yes, and then complain about `false`.
      text = argv[i + 1] === 'true' || argv[i + 1] === 'false' ? argv[++i]! : 'true';
    } else if (text === undefined) {
      text = argv[++i];
      if (text === undefined || text.startsWith('--')) throw refuse(`${flag} needs a value: ${type.allowed}`);
    }
    if (key === undefined) config = { text, from: flag };
    else found.set(key, { text: merged(type.shape, found.get(key), text), from: flag });
  }
  return { found, config };
}

/** A list's flag adds; any other flag given again wins, as wrappers of the command expect. */
function merged(shape: 'one' | 'list' | 'switch', before: Found | undefined, text: string): string {
  return shape === 'list' && before && text !== '' ? `${before.text},${text}` : text;
}

function unknownFlag(command: Command, arg: string, flag: string): DomainError {
  const help = `see carillon ${command} --help`;
  if (!arg.startsWith('-')) return refuse(`unexpected ${quote(arg)}; ${command} takes options only, ${help}`);
  return refuse(
    `${quote(flag)} is not an option${didYouMean(flag, [...FLAGS.keys(), CONFIG_NAMES.flag])}; ${help}`,
  );
}

// ── Environment ──────────────────────────────────────────────────────────────────────────────────

function readEnv(env: ConfigSources['env']): Source {
  const found: FoundByKey = new Map();
  let config: Found | undefined;
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || text === undefined || FOREIGN.has(name)) continue;
    const key = VARIABLES.get(name);
    if (key !== undefined) found.set(key, { text, from: name });
    else if (name === CONFIG_NAMES.env) config = { text, from: name };
    else {
      const hint = didYouMean(name, [...VARIABLES.keys(), CONFIG_NAMES.env]);
      throw refuse(`${quote(name)} in the environment is not a setting${hint}; unset it or correct it`);
    }
  }
  return { found, config };
}

function pgEnvironment({ env }: ConfigSources): ConfigSources['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('PG')));
}

// ── File ─────────────────────────────────────────────────────────────────────────────────────────

async function readToml(named: Found | undefined, sources: ConfigSources): Promise<FoundByKey> {
  const found: FoundByKey = new Map();
  const name = named?.text ?? CONFIG_FILE;
  if (path().parse(name) === undefined)
    throw refuse(`${named?.from}: ${quote(name)} is not allowed; give a path`);
  const content = await read(name, sources);
  if (content === undefined) {
    if (named) throw refuse(`${named.from}: there is no file ${quote(name)}; give the path of a TOML file`);
    return found;
  }
  for (const [tomlKey, value] of Object.entries(await parseToml(name, content))) {
    const key = TOML_KEYS.get(tomlKey);
    if (key === undefined) {
      throw refuse(
        `${name}: ${quote(tomlKey)} is not a setting${didYouMean(tomlKey, [...TOML_KEYS.keys()])}`,
      );
    }
    const from = `${name}: ${tomlKey}`;
    const text = tomlText(value, SETTINGS[key].type.shape);
    if (text === undefined) throw refuse(`${from} has the wrong type; give ${SETTINGS[key].type.allowed}`);
    found.set(key, { text, from });
  }
  return found;
}

async function read(name: string, sources: ConfigSources): Promise<string | undefined> {
  try {
    return await sources.readFile(resolve(sources.cwd, name));
  } catch (error) {
    throw refuse(`${name}: cannot be read: ${firstLine(error)}`);
  }
}

async function parseToml(name: string, content: string): Promise<Record<string, unknown>> {
  // Loaded only where there is a file.
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(content);
  } catch (error) {
    // The other lines of its message repeat the file, which may hold a secret.
    const place = error instanceof TomlError ? `:${error.line}:${error.column}` : '';
    throw refuse(
      `${name}${place}: not valid TOML: ${firstLine(error).replace('Invalid TOML document: ', '')}`,
    );
  }
}

function tomlText(value: unknown, shape: 'one' | 'list' | 'switch'): string | undefined {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return shape === 'list' && items.every((item) => typeof item === 'string') ? items.join(',') : undefined;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────

function refuse(message: string): DomainError {
  return new DomainError('SETTING_INVALID', message);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
