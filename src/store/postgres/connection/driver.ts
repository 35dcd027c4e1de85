import { Client, type ClientConfig, type CustomTypesConfig } from 'pg';
import { readText, writeText } from '../texts.ts';

/** The only file that knows node-postgres. Rows come as arrays, in the order of the columns asked for. */
export interface Session {
  /** Runs a statement. Statements are sent at once, and answered in their order. */
  query(text: string, name: string | undefined, values: readonly Value[]): Promise<Result>;
  /** Runs statements without values. */
  exec(text: string): Promise<void>;
  /** The server's process that has the connection. */
  readonly pid: number;
  isLost(): boolean;
  /** Calls back once the connection is lost, unless it was closed. */
  onLost(listener: () => void): void;
  /** Gives the connection up, as if it were lost. */
  abandon(): void;
  close(): Promise<void>;
}

export type Value = string | number | null | Uint8Array | readonly (string | number | null)[];

export interface Result {
  readonly rows: unknown[];
  /** Rows that were read or changed. */
  readonly count: number;
}

export type Target = Pick<
  ClientConfig,
  | 'connectionString'
  | 'host'
  | 'port'
  | 'user'
  | 'password'
  | 'database'
  | 'ssl'
  | 'options'
  | 'connectionTimeoutMillis'
  | 'application_name'
> & {
  /** How long an answer may take, before the connection is taken for lost; as long as it likes without one. */
  readonly answerMs?: number;
};

/** Types by their ids, which never change: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat. */
const BYTEA = 17;
const INT8 = 20;
const TEXT = 25;

const TYPES: CustomTypesConfig = {
  // Parsers are asked for with an id or a name; there is none that is asked for by name here.
  getTypeParser: (id: number) => {
    switch (id) {
      case BYTEA:
        return (text: string) => new Uint8Array(Buffer.from(text.slice(2), 'hex'));
      case TEXT:
        return readText;
      // Whatever is counted here stays below 2^53, and so do times.
      case INT8:
      case 21:
      case 23:
      case 700:
      case 701:
        return Number;
      default:
        return (text: string) => text;
    }
  },
};

/**
 * Has the server find out within half a minute that the machine at the other end is gone, in place of two hours: until
 * then it keeps the locks of the session, which nobody else gets. What the operator has set otherwise stays.
 */
const BEGIN = `
  SELECT pg_backend_pid(), count(set_config(name, value, false))
  FROM (VALUES ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '25s')) AS wanted (name, value)
  JOIN pg_settings USING (name) WHERE source = 'default'`;

/** What node-postgres says when an answer has not come in time, and of a server that does not speak TLS. */
const TIMED_OUT = 'Query read timeout';
const WITHOUT_TLS = 'The server does not support SSL connections';

export async function connect({ answerMs, ...target }: Target): Promise<Session> {
  const client = new Client({
    ...target,
    ...(answerMs !== undefined && { query_timeout: answerMs }),
    pipeline: true,
    keepAlive: true,
    types: TYPES,
  });
  const listeners: (() => void)[] = [];
  let lost = false;
  let closed = false;
  /** What the transaction that failed last failed of. */
  let cause: unknown;

  function lose(): void {
    if (lost) return;
    lost = true;
    if (!closed) for (const listener of listeners) listener();
  }

  function abandon(): void {
    lose();
    // It is lost by that, or was already.
    void client.end().catch(() => {});
  }

  // Without a listener an error of an idle connection would end the process. Queries under way are told by themselves.
  client.on('error', lose);
  client.on('end', lose);
  await client.connect();
  const { rows } = await client.query<[number]>({ text: BEGIN, rowMode: 'array' });

  async function answered<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      // node-postgres breaks the connection then, but tells of it later.
      if (error instanceof Error && error.message === TIMED_OUT) lose();
      // The server is no primary any more, and has written nothing: another one may be by now.
      if (stateOf(error) === READ_ONLY) abandon();
      // Statements are sent before those in front of them are answered: the first that failed says why all did.
      if (stateOf(error) === ABORTED && cause !== undefined) throw cause;
      cause = error;
      throw error;
    }
  }

  return {
    pid: rows[0]![0],
    async query(text, name, values) {
      const query = { text, values: values.map(written), rowMode: 'array' as const, ...(name && { name }) };
      const answer = await answered(client.query<unknown[]>(query));
      return { rows: answer.rows, count: answer.rowCount ?? 0 };
    },
    async exec(text) {
      await answered(client.query(text));
    },
    isLost: () => lost,
    onLost: (listener) => void listeners.push(listener),
    abandon,
    async close() {
      closed = true;
      // A connection that is lost already, or is lost by this, is closed.
      await client.end().catch(() => {});
    },
  };
}

function written(value: Value): unknown {
  if (typeof value === 'string') return writeText(value);
  return Array.isArray(value)
    ? value.map((each) => (typeof each === 'string' ? writeText(each) : each))
    : value;
}

/** The SQLSTATE of an error: https://www.postgresql.org/docs/current/errcodes-appendix.html. Undefined for others. */
export function stateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error ? error.code : undefined;
}

/** Whether TLS was asked for, and the server does not speak it. */
export function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && error.message === WITHOUT_TLS;
}

/** read_only_sql_transaction, in_failed_sql_transaction */
const READ_ONLY = '25006';
const ABORTED = '25P02';

/** Whether the same again can succeed: a deadlock, a conflict, or a row that somebody else was first to insert. */
export function isConflict(error: unknown): boolean {
  const state = stateOf(error);
  return state === '40P01' || state === '40001' || state === '23505';
}

/**
 * Whether the database cannot do its work now: no space, no memory, too many connections, a broken disk, a lock that others
 * hold, a server that stops or is no primary any more.
 */
export function isTrouble(error: unknown): boolean {
  const state = stateOf(error);
  return state !== undefined && (/^(08|53|57|58)/.test(state) || state === '55P03' || state === READ_ONLY);
}

export function messageOf(error: unknown): string {
  // Of several addresses that could not be reached, Node says so with an empty message.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
