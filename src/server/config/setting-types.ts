import { isIP } from 'node:net';
import { CLIENT_ROLE_FORM, type ClientRole, parseClientRole } from '../../domain/access/client-role.ts';
import { type Cidr, parseCidr } from '../../domain/webhook/cidr.ts';
import { parseDestinationRules, parseHostRule } from '../../domain/webhook/destination-rule.ts';
import type { EgressProxy } from '../../outbound/proxy.ts';
import { canBePlace } from '../../store/postgres/connection/place.ts';

/**
 * How a setting is written by a person and what it becomes in the program. Every type reads text, so
 * that a flag, a variable, a key in the file and the default in the table are read alike.
 */
export interface SettingType<T> {
  /** What stands for the value in help: `host:port`. */
  readonly placeholder: string;
  /** What is allowed, to follow "give": `a whole number from 1 to 10`. */
  readonly allowed: string;
  /** A switch is a flag that needs no value; a list takes several. */
  readonly shape: 'one' | 'list' | 'switch';
  /** The value, or undefined when the text is not allowed. */
  parse(text: string): T | undefined;
}

/** Where to listen. */
export interface HostPort {
  /** A name or an address; an IPv6 address without its brackets. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** Items that a list holds at most. */
const LIST_MAX = 256;
/** Characters that a text holds at most. */
const TEXT_MAX = 4096;

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Its parts are added up: `1h30m`. */
const DURATION = /^(?:\d{1,12}(?:\.\d{1,6})?(?:ms|s|m|h|d)){1,5}$/;
const DURATION_PART = /([\d.]+)(ms|s|m|h|d)/g;

/** The name of a file. */
export function path(): SettingType<string> {
  return {
    placeholder: 'path',
    allowed: 'a path',
    shape: 'one',
    parse: (text) => (text === '' || text.length > TEXT_MAX || /\p{Cc}/u.test(text) ? undefined : text),
  };
}

/** A SQLite database: a path, with or without `sqlite:` before it, or `:memory:`. */
export function database(): SettingType<string> {
  return {
    placeholder: 'path',
    allowed: 'the path of a SQLite file, or :memory:',
    shape: 'one',
    parse(text) {
      const bare = text.replace(/^sqlite:(?:\/\/)?/i, '');
      // Another scheme is a database that this version does not speak, not an odd file name; one
      // letter is a drive.
      return /^[a-z][a-z\d+.-]+:/i.test(bare) ? undefined : path().parse(bare);
    },
  };
}

/** A database that servers reach by its URL. */
export function storeUrl(): SettingType<string> {
  return {
    placeholder: 'url',
    allowed:
      'a URL such as postgres://user:password@host:5432/database?schema=carillon, with what has a meaning in URLs percent-encoded',
    shape: 'one',
    parse: (text) => (canBePlace(text) ? text : undefined),
  };
}

/** A whole number within bounds. */
export function integer(bounds: { min: number; max: number }): SettingType<number> {
  return {
    placeholder: 'number',
    allowed: `a whole number from ${bounds.min} to ${bounds.max}`,
    shape: 'one',
    parse: (text) => (/^\d{1,15}$/.test(text) ? within(Number(text), bounds) : undefined),
  };
}

/** A span of time, written with a unit; milliseconds in the program. The bounds are written the same way. */
export function duration(bounds: { min: string; max: string }): SettingType<number> {
  const limits = { min: milliseconds(bounds.min) ?? 0, max: milliseconds(bounds.max) ?? 0 };
  return {
    placeholder: 'duration',
    allowed: `a duration from ${bounds.min} to ${bounds.max}, with a unit: 500ms, 15s, 10m, 1h30m, 5d`,
    shape: 'one',
    parse: (text) => within(milliseconds(text), limits),
  };
}

/** A size, written with or without a unit; bytes in the program. The bounds are written the same way. */
export function bytes(bounds: { min: string; max: string }): SettingType<number> {
  const limits = { min: byteCount(bounds.min) ?? 0, max: byteCount(bounds.max) ?? 0 };
  return {
    placeholder: 'bytes',
    allowed: `a size from ${bounds.min} to ${bounds.max}: 65536, 512KiB, 4MiB`,
    shape: 'one',
    parse: (text) => within(byteCount(text), limits),
  };
}

/** Yes or no. As a flag, `--inbox` says yes and `--inbox=false` says no. */
export function boolean(): SettingType<boolean> {
  return {
    placeholder: 'true|false',
    allowed: 'true or false',
    shape: 'switch',
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  };
}

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): SettingType<T> {
  return {
    placeholder: words.join('|'),
    allowed: `one of ${words.join(', ')}`,
    shape: 'one',
    parse: (text) => words.find((word) => word === text),
  };
}

/** Several of another type: the flag again for each, or with commas between them. Empty text is an empty list. */
export function list<T>(item: SettingType<T>): SettingType<readonly T[]> {
  return {
    placeholder: `${item.placeholder},…`,
    allowed: `${item.allowed}; several with commas between them, at most ${LIST_MAX}`,
    shape: 'list',
    parse(text) {
      const parts = text.trim() === '' ? [] : text.split(',');
      if (parts.length > LIST_MAX) return undefined;
      const items: T[] = [];
      for (const part of parts) {
        const value = item.parse(part.trim());
        if (value === undefined) return undefined;
        items.push(value);
      }
      return items;
    },
  };
}

/** A host and a port. */
export function hostPort(): SettingType<HostPort> {
  return {
    placeholder: 'host:port',
    allowed:
      'a host and a port from 0 (any free one) to 65535, such as 127.0.0.1:8090, 0.0.0.0:80 or [::1]:8090',
    shape: 'one',
    parse(text) {
      const match = /^(?:\[([\da-fA-F:.]+)\]|([a-zA-Z\d](?:[a-zA-Z\d.-]{0,252})?)):(\d{1,5})$/.exec(text);
      if (!match) return undefined;
      const [, address, name, digits] = match;
      const port = Number(digits);
      const host = address ?? name ?? '';
      if (port > 65_535 || (address !== undefined && isIP(address) !== 6)) return undefined;
      // `1.2.3` and `300.0.0.1` are no addresses, and no name ends in a number (RFC 3696, section 2).
      return isIP(host) === 0 && /(?:^|\.)\d+$/.test(host) ? undefined : { host, port };
    },
  };
}

/** Another type, or the word `off` for nothing. */
export function orOff<T>(type: SettingType<T>): SettingType<T | 'off'> {
  return {
    ...type,
    placeholder: `${type.placeholder}|off`,
    allowed: `${type.allowed}; or off`,
    parse: (text) => (text === 'off' ? text : type.parse(text)),
  };
}

/** Hosts that a rule for destinations is about: see `parseDestinationRules`. Written as the rule has it. */
export function destination(): SettingType<string> {
  return {
    placeholder: 'destination',
    allowed:
      'an address or a range of them (10.0.0.0/8, fd00::/8), a host, *.example.com for all below it, or * for any, ' +
      'perhaps with a port (hooks.example.com:8443, [fd00::/8]:443)',
    shape: 'one',
    parse: (text) => cidr(text) ?? (isRule(text) ? text.toLowerCase() : undefined),
  };
}

/** A range of addresses. */
export function addressRange(): SettingType<Cidr> {
  return {
    placeholder: 'addresses',
    allowed: 'an address or a range of them, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8',
    shape: 'one',
    parse(text) {
      try {
        return parseCidr(text, '');
      } catch {
        return undefined;
      }
    },
  };
}

/** What a name in the certificate of a caller may do. */
export function clientRole(): SettingType<ClientRole> {
  return {
    placeholder: 'name=role[@namespace][/calls]',
    allowed: CLIENT_ROLE_FORM,
    shape: 'one',
    parse: parseClientRole,
  };
}

/** An HTTP proxy as a URL has it (RFC 3986, 3.2), with a user and a password or without. */
export function httpProxy(): SettingType<EgressProxy> {
  return {
    placeholder: 'url',
    allowed:
      'http://host:port or http://user:password@host:port, with what has a meaning in URLs percent-encoded',
    shape: 'one',
    parse(text) {
      const [, userInfo, where = ''] = /^http:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)\/?$/i.exec(text) ?? [];
      const at = hostPort().parse(where);
      if (at === undefined || at.port === 0) return undefined;
      if (userInfo === undefined) return at;
      const authorization = basic(userInfo);
      return authorization === undefined ? undefined : { ...at, authorization };
    },
  };
}

/** A web origin as browsers send it (RFC 6454, section 6), or `*`. */
export function origin(): SettingType<string> {
  return {
    placeholder: 'origin',
    allowed: 'an origin without a path, such as https://app.example.com, or * for any',
    shape: 'one',
    parse(text) {
      if (text === '*') return text;
      if (!/^https?:\/\/[^/?#@\s]+$/i.test(text) || !URL.canParse(text)) return undefined;
      return new URL(text).origin;
    },
  };
}

/** The name of a host without a port, in lower case and in ASCII; `*.` before it for all names below it, or `*`. */
export function hostName(): SettingType<string> {
  return {
    placeholder: 'name',
    allowed:
      'the name of a host without a port, such as hooks.example.com, *.example.com for all below it, or * for any',
    shape: 'one',
    parse(text) {
      if (text === '*') return text;
      const rule = parseHostRule(text);
      return rule && (rule.isBelow ? `*.${rule.name}` : rule.name);
    },
  };
}

/** A span of time as one would write it: 5000 is `5s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** The credentials of a user and a password (RFC 7617), percent-encoded; undefined where they are none. */
function basic(userInfo: string): string | undefined {
  const [, encodedUser = '', encodedPassword = ''] = /^([^:]+):?(.*)$/s.exec(userInfo) ?? [];
  try {
    const user = decodeURIComponent(encodedUser);
    const credentials = `${user}:${decodeURIComponent(encodedPassword)}`;
    if (user === '' || user.includes(':') || /\p{Cc}/u.test(credentials)) return undefined;
    return `Basic ${Buffer.from(credentials).toString('base64')}`;
  } catch {
    return undefined;
  }
}

/** A range of addresses in CIDR notation; a single address is the range of itself. */
function cidr(text: string): string | undefined {
  const [address = '', prefix, rest] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  const bits = version === 4 ? 32 : 128;
  if (version === 0 || rest !== undefined) return undefined;
  if (prefix === undefined) return `${address}/${bits}`;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? `${address}/${Number(prefix)}` : undefined;
}

function isRule(text: string): boolean {
  try {
    parseDestinationRules([text], '');
    return true;
  } catch {
    return false;
  }
}

function milliseconds(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  const parts = [...text.matchAll(DURATION_PART)];
  return Math.round(
    parts.reduce((sum, [, number, unit]) => sum + Number(number) * MS[unit as keyof typeof MS], 0),
  );
}

function byteCount(text: string): number | undefined {
  const match = /^(\d{1,12})(B|KiB|MiB|GiB)?$/.exec(text);
  return match ? Number(match[1]) * BYTES[(match[2] ?? 'B') as keyof typeof BYTES] : undefined;
}

function within(value: number | undefined, bounds: { min: number; max: number }): number | undefined {
  return value !== undefined && value >= bounds.min && value <= bounds.max ? value : undefined;
}
