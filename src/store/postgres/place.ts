import { DomainError } from '../../domain/error.ts';

/** Where a store is: a server's database, and the schema in it. */
export interface Place {
  /** For node-postgres, which knows the parameters of libpq. */
  readonly url: string;
  readonly schema: string;
  /** For people: without the password. */
  readonly shown: string;
}

const SCHEMA_DEFAULT = 'carillon';
/** PostgreSQL cuts what is longer, in bytes. */
const SCHEMA_BYTES_MAX = 63;

/** Whether a URL names a database of PostgreSQL. */
export function isPostgres(url: string): boolean {
  return /^postgres(?:ql)?:/i.test(url);
}

/** Reads a URL such as `postgres://user:password@host:5432/database?schema=carillon`. Raises FAILED_PRECONDITION. */
export function placeOf(url: string): Place {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Neither here nor in a message: it can have a password in it.
    throw refusal(
      'the database',
      'has an address that cannot be read; write postgres://user:password@host:5432/name',
    );
  }
  const schema = parsed.searchParams.get('schema') ?? SCHEMA_DEFAULT;
  parsed.searchParams.delete('schema');
  const shown = new URL(parsed);
  shown.password = '';
  shown.search = '';
  if (parsed.pathname.length < 2)
    throw refusal(shown.href, 'names no database; write one behind the host, as in /carillon');
  if (schema === '' || Buffer.byteLength(schema) > SCHEMA_BYTES_MAX || schema.startsWith('pg_')) {
    throw refusal(
      shown.href,
      `cannot have a schema ${schema}; give one of 1 to ${SCHEMA_BYTES_MAX} bytes that does not begin with pg_`,
    );
  }
  return { url: parsed.href, schema, shown: shown.href };
}

export function refusal(shown: string, why: string): DomainError {
  return new DomainError('DATABASE_UNUSABLE', `${shown} ${why}`);
}
