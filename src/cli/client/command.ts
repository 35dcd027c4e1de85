/** What a command line can say: pure data, so that help costs nothing to print. */

/** The groups of commands that are clients of the API. */
export const GROUPS = ['webhooks', 'events', 'deliveries', 'schedules', 'namespaces', 'keys'] as const;
export type Group = (typeof GROUPS)[number];

/**
 * Commands that stand in no group: what declares many webhooks at once, what asks how the server is and was used, and what
 * lets all of it send.
 */
export const LONE = ['apply', 'import-crontab', 'status', 'audit', 'resume'] as const;
type Lone = (typeof LONE)[number];

/** Commands that work on a database, and not on a server. */
export const OFFLINE = ['backup', 'restore', 'export', 'import'] as const;

export const OFFLINE_TITLES: Readonly<Record<(typeof OFFLINE)[number], string>> = {
  backup: 'copy a database of SQLite, also while a server works on it',
  restore: 'put a backup in the place of a database',
  export: 'write all that a database has into a file, to move it to another',
  import: 'fill an empty database from such a file',
};

/** Other words that do as well. */
export const LONE_ALIASES: ReadonlyMap<string, Lone> = new Map([['health', 'status']]);

export const LONE_TITLES: Readonly<Record<Lone, string>> = {
  apply: 'make webhooks what files declare, showing the difference first',
  'import-crontab': 'register webhooks for the curl lines of a crontab',
  status: 'say whether a server is well, which it is, what waits and what fails',
  audit: 'show who changed what, when and from where',
  resume: 'let a server send whose database was restored or imported',
};

/** The group that a command stands in; empty for one that stands alone. */
export type Place = Group | '';

/** What is written after `carillon` to call a command. */
export function spoken(place: Place, { verb }: Pick<Command, 'verb'>): string {
  return place === '' ? verb : `${place} ${verb}`;
}

/** What each group is for, for the list of all commands. */
export const GROUP_TITLES: Readonly<Record<Group, string>> = {
  webhooks: 'register and manage webhooks',
  events: 'publish events, and send them again',
  deliveries: 'see what was sent and what waits, follow it, send it again',
  schedules: 'look ahead in a schedule before it is registered, or after',
  namespaces: 'make tenants, bound what each may have, suspend and delete them',
  keys: 'make keys by which programs may call, list and revoke them; rotate the key that seals secrets',
};

/** One command, such as `carillon webhooks register`. */
export interface Command {
  readonly verb: string;
  /** A shorter word that does as well: `ls`. */
  readonly alias?: string;
  /** What stands after the verb; none when there is none. */
  readonly argument?: Argument;
  /** What it does, a sentence of one line. */
  readonly about: string;
  /** What else there is to know. */
  readonly notes?: string;
  readonly options: readonly Option[];
  /** What it takes besides; what every client takes without it. */
  readonly common?: readonly Option[];
  /** What follows `carillon <group> <verb>`, or `carillon <verb>`. */
  readonly examples: readonly string[];
}

export interface Argument {
  /** What stands for it in help. */
  readonly name: string;
  readonly about: string;
  readonly required: boolean;
  /** The field of the request that it becomes, as the server names it. */
  readonly field?: string;
}

export interface Option {
  /** `--every` */
  readonly flag: string;
  /** What may be written in its place: `-f`. */
  readonly short?: string;
  /** What stands for its value in help; a switch has none. */
  readonly value?: string;
  /** It can be given several times. */
  readonly many?: boolean;
  readonly about: string;
  /** The field of the request that it sets, as the server names it: `webhook.schedule.every`. */
  readonly field?: string;
  /** The field that takes all of its values where it is given several times. */
  readonly several?: string;
}

/** What every command takes. */
export const COMMON: readonly Option[] = [
  { flag: '--json', about: 'Print what the API answers as JSON, with all of its fields.' },
  {
    flag: '--address',
    value: 'url',
    about: 'Where the server is (default http://127.0.0.1:8090; or CARILLON_ADDRESS in the environment).',
  },
  {
    flag: '--api-key-file',
    value: 'path',
    about: 'The file that holds the key to call with (or CARILLON_API_KEY_FILE in the environment).',
  },
  {
    flag: '--api-key',
    value: 'key',
    about:
      'The key itself (or CARILLON_API_KEY in the environment, which the list of processes does not show to others).',
  },
  {
    flag: '--ca',
    value: 'path',
    about:
      'The certificate that the server’s was signed by, in PEM, where it is none that everybody trusts (or CARILLON_CA in the environment).',
  },
  {
    flag: '--client-cert',
    value: 'path',
    about:
      'A certificate to call with, in PEM, where the server takes them (or CARILLON_CLIENT_CERT in the environment).',
  },
  {
    flag: '--client-key',
    value: 'path',
    about: 'Its key, in PEM (or CARILLON_CLIENT_KEY in the environment).',
  },
  {
    flag: '--namespace',
    value: 'name',
    about: 'The tenant (default the server’s; or CARILLON_NAMESPACE in the environment).',
    field: 'namespace',
  },
  { flag: '--help', about: 'Print this.' },
];

/** What every list takes. */
export const PAGE: readonly Option[] = [
  { flag: '--limit', value: 'number', about: 'How many at most (default 50, at most 10000).' },
  {
    flag: '--page-token',
    value: 'token',
    about: 'Go on where an earlier list with the same options ended.',
    field: 'page_token',
  },
];

/** A command line that was taken apart. */
export interface Invocation {
  readonly place: Place;
  readonly command: Command;
  readonly argument: string | undefined;
  /** The values of each flag that was given, in order; a switch has one, empty. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** A wrong call: its message says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The last value of a flag, which wins over those before it; undefined when it was not given. */
export function flagValue({ flags }: Pick<Invocation, 'flags'>, flag: string): string | undefined {
  return flags.get(flag)?.at(-1);
}

export function flagValues({ flags }: Pick<Invocation, 'flags'>, flag: string): readonly string[] {
  return flags.get(flag) ?? [];
}
