import { createKeys, type KeyOrder, type NewKey } from '../control/keys.ts';
import { checkIsThere } from '../domain/access/standing.ts';
import { systemClock } from '../domain/clock.ts';
import { noProblems } from '../domain/problems.ts';
import { systemRandom } from '../domain/random.ts';
import { type ConfigSources, loadConfig } from './config/load.ts';
import { openDatabase } from './open-database.ts';
import { databaseArguments } from './shown-database.ts';

/** What of the process is asked for the other settings of the server, such as the key that seals secrets. */
interface Surroundings extends Omit<ConfigSources, 'argv'> {
  /** Told of the key that seals secrets, where one is made. */
  readonly tell?: (sentence: string) => void;
}

/**
 * Makes a key in a database that no server is using, and the database too where there is none yet, as `serve` would.
 * Rejects with DomainError, its message for an operator, also for a namespace that there is not: its key would be good
 * for another that is given the name later. As over the API, the first key must be able to make others.
 */
export async function createKeyInDatabase(
  db: string,
  { tell = () => {}, ...surroundings }: Surroundings,
  order: KeyOrder,
): Promise<NewKey> {
  const config = await loadConfig('serve', { ...surroundings, argv: databaseArguments(db) });
  const random = systemRandom();
  const { store } = await openDatabase(config, { random, serves: false, warn() {}, tell });
  try {
    const { namespace } = order;
    if (namespace !== undefined) checkIsThere(namespace, (await store.getNamespaces([namespace]))[0]);
    const keys = createKeys({ store, clock: systemClock, random });
    await keys.checkFirst(order);
    return await keys.create(order, noProblems());
  } finally {
    await store.close();
  }
}
