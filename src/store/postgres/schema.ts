import { DomainError } from '../../domain/error.ts';
import type { SchemaState } from '../migrations.ts';
import { checkServer } from './connection/checks.ts';
import type { Session } from './connection/driver.ts';
import { type Place, placeOf, refusal } from './connection/place.ts';
import { faultOf, reach } from './connection/reach.ts';
import { migrate, schemaState } from './migrate.ts';
import type { PostgresOptions } from './options.ts';

type SchemaOptions = Pick<PostgresOptions, 'env' | 'passwordFile' | 'warn'>;

/** How far the schema is that `url` names. Changes nothing. Raises what `openStore` raises. */
export function stateOfSchema(url: string, options: SchemaOptions): Promise<SchemaState> {
  return withSession(url, options, schemaState);
}

/** Brings it up to date, also while servers work on it, and answers how far it was. Raises what `openStore` raises. */
export function migrateSchema(url: string, options: SchemaOptions): Promise<SchemaState> {
  return withSession(url, options, async (session, place) => {
    const before = await schemaState(session, place);
    await migrate(session, place);
    return before;
  });
}

async function withSession<T>(
  url: string,
  { env = {}, passwordFile, warn = () => {} }: SchemaOptions,
  run: (session: Session, place: Place) => Promise<T>,
): Promise<T> {
  const place = placeOf(url, env);
  const session = await reach(place, { passwords: { file: passwordFile, env } });
  try {
    await checkServer(session, place, warn);
    return await run(session, place);
  } catch (error) {
    throw error instanceof DomainError ? error : refusal(place.shown, faultOf(error, place));
  } finally {
    await session.close();
  }
}
