/**
 * What is moved from one store to another, of whatever kind either is: rows that name others as all stores do. What follows
 * from the rest (lists, counters, places in a database) is made anew.
 */

export type MovedType = 'text' | 'bigint' | 'integer' | 'smallint' | 'double precision' | 'bytea';
export type MovedColumn = readonly [name: string, type: MovedType];
export type MovedCell = string | number | null | Uint8Array;
export type MovedRow = readonly MovedCell[];

export interface MovedKind {
  readonly name: MovedName;
  readonly columns: readonly MovedColumn[];
  /** The columns by which rows are gone through. */
  readonly place: readonly string[];
  /** Those that can be long. */
  readonly long: readonly string[];
}

/** In an order in which what others name comes before them. */
export const MOVED_NAMES = [
  'namespaces',
  'namespace_keys',
  'api_keys',
  'webhooks',
  'subscriptions',
  'events',
  'event_ids',
  'deliveries',
  'renderings',
  'journal',
  'journal_kept',
  'last_attempts',
  'requests',
  'request_totals',
  'audit_entries',
  'alive',
] as const;
export type MovedName = (typeof MOVED_NAMES)[number];

const COLUMNS: Readonly<Record<MovedName, { place: string; long?: string; columns: string }>> = {
  namespaces: {
    place: 'name',
    columns: `name text, state text, webhooks_max bigint, waiting_max bigint, lane_waiting_max bigint,
      publish_rate double precision, publish_burst bigint, payload_bytes_max bigint, created_at bigint,
      updated_at bigint, version bigint`,
  },
  namespace_keys: {
    place: 'namespace',
    columns: 'namespace text, id text, public_key bytea, sealed bytea, created_at bigint',
  },
  api_keys: {
    place: 'id',
    columns: `id text, hash text, prefix text, namespace text, role text, note text, calls_per_second bigint,
      created_at bigint, expires_at bigint, revoked_at bigint, last_used_at bigint, change bigint`,
  },
  webhooks: {
    place: 'key',
    long: 'spec',
    columns: `key bigint, id text, caller_id text, namespace text, name text, destination text, state text,
      state_reason text, anchor_at bigint, nominal_at bigint, run_due_at bigint, fired bigint, skipped bigint,
      moved_at bigint, zone_rules text, failing_since bigint, trips bigint, open_until bigint, hold_until bigint,
      health_version bigint, created_at bigint, updated_at bigint, version bigint, removed_at bigint,
      emptying smallint, secrets text, spec text, filter_failures bigint, waiting_max bigint, drop_newest smallint,
      credentials bytea, secrets_end_at bigint, compatibility_secret text, unverified smallint, consent text,
      consent_due_at bigint, consent_since bigint`,
  },
  subscriptions: {
    place: 'namespace, pattern, webhook_id',
    columns: 'namespace text, pattern text, webhook_id text',
  },
  events: {
    place: 'key',
    long: 'body',
    columns: `key bigint, id text, caller_id text, namespace text, type text, source text, subject text, time bigint,
      nominal_at bigint, content_type text, headers text, extensions text, created_at bigint, body bytea,
      shadowed smallint, digest text, known_until bigint, made bigint`,
  },
  event_ids: {
    place: 'namespace, id',
    columns:
      'namespace text, id text, event bigint, event_id text, digest text, known_until bigint, made bigint',
  },
  deliveries: {
    place: 'id',
    columns: `id text, ord bigint, namespace text, webhook bigint, event bigint, type text, state smallint,
      reason smallint, due_at bigint, first_due_at bigint, attempts integer, attempts_before integer, run smallint,
      turn smallint, ending smallint, format smallint, rendered smallint, last_status smallint, replay_of text,
      created_at bigint, message text, finished_at bigint`,
  },
  renderings: {
    place: 'delivery',
    long: 'body',
    columns: 'delivery text, headers text, content_type text, body bytea',
  },
  journal: {
    place: 'seq',
    long: 'body, headers, facts',
    columns: `seq bigint, delivery text, state smallint, reason smallint, at bigint, attempts integer, status smallint,
      number integer, facts text, headers text, body bytea`,
  },
  journal_kept: { place: 'after', columns: 'after bigint, ended bigint' },
  last_attempts: {
    place: 'webhook',
    columns: 'webhook bigint, delivery text, at bigint, status smallint',
  },
  requests: {
    place: 'namespace, id',
    long: 'answer',
    columns: 'namespace text, id text, digest text, claimed_at bigint, known_until bigint, answer bytea',
  },
  request_totals: { place: 'namespace', columns: 'namespace text, count bigint, bytes bigint' },
  audit_entries: {
    place: 'id',
    long: 'changes',
    columns: `id text, namespace text, at bigint, method text, caller_kind text, caller text, address text,
      request_id text, outcome text, reason text, changes text, change_count bigint`,
  },
  alive: { place: 'at', columns: 'at bigint' },
};

export const MOVED: Readonly<Record<MovedName, MovedKind>> = Object.fromEntries(
  MOVED_NAMES.map((name) => [name, kindOf(name)]),
) as Record<MovedName, MovedKind>;

/** Rows that are moved at a time, and bytes of what can be long, once there is one row. */
export const MOVED_ROWS = 500;
const MOVED_BYTES = 2 * 1024 * 1024;

/** The place before all rows of a kind. */
export function firstPlace({ columns, place }: MovedKind): MovedCell[] {
  return place.map((name) => (columns.find(([each]) => each === name)?.[1] === 'text' ? '' : -1));
}

/** The place of a row. */
export function placeOf({ columns, place }: MovedKind, row: MovedRow): MovedCell[] {
  return place.map((name) => row[columns.findIndex(([each]) => each === name)] ?? null);
}

/** How many of these rows are not too long together, by the bytes of each: one at least. */
export function countWithin(bytes: readonly number[]): number {
  let sum = 0;
  const beyond = bytes.findIndex((each, i) => {
    sum += each;
    return i > 0 && sum > MOVED_BYTES;
  });
  return beyond === -1 ? bytes.length : beyond;
}

function kindOf(name: MovedName): MovedKind {
  const { place, long = '', columns } = COLUMNS[name];
  const words = (list: string) => (list === '' ? [] : list.split(',').map((each) => each.trim()));
  return {
    name,
    place: words(place),
    long: words(long),
    columns: words(columns).map((each): MovedColumn => {
      const [column = '', ...type] = each.split(' ');
      return [column, type.join(' ') as MovedType];
    }),
  };
}
