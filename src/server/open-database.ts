import type { Random } from '../domain/random.ts';
import { openStore, storePlace } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config/load.ts';
import { checkNotAlone, forgetKey, loadSecretsKey } from './secrets-key.ts';

export interface Opening {
  readonly random: Random;
  /** Told of what an operator should know, in sentences. */
  readonly warn: (sentence: string) => void;
  readonly onFatal?: (error: Error) => void;
}

/**
 * Opens the database of a configuration, with the key of what is sealed in it. Rejects with DomainError
 * FAILED_PRECONDITION, its message for an operator, when either cannot be had, and while a server has it.
 */
export async function openDatabase(
  config: Config,
  opening: Opening,
): Promise<{ store: Store; key: Uint8Array }> {
  return config.store === undefined ? openFile(config, opening) : openUrl(config, config.store, opening);
}

async function openFile(config: Config, opening: Opening) {
  const { random, warn } = opening;
  const { restored } = config;
  // Before a key is made for a database that cannot be.
  const place = storePlace(config.db);
  const secretsKey = await loadSecretsKey({ ...config, db: place, named: config.db, random });
  const { key, warning } = secretsKey;
  if (warning !== undefined) warn(warning);
  if (!restored) await checkNotAlone(place, secretsKey);
  const store = await openStore(place, optionsOf(config, opening)).catch(async (error: unknown) => {
    await forgetKey(place, secretsKey);
    throw error;
  });
  return { store, key };
}

async function openUrl(config: Config, url: string, opening: Opening) {
  const { random, warn } = opening;
  const { key, warning } = await loadSecretsKey({ ...config, db: undefined, random });
  if (warning !== undefined) warn(warning);
  return { store: await openStore(url, optionsOf(config, opening)), key };
}

function optionsOf(config: Config, { warn, onFatal }: Opening) {
  const { waitingMax, namespaceWaitingMax, restored, defaultEveryMs } = config;
  return { waitingMax, namespaceWaitingMax, defaultEveryMs, restored, warn, ...(onFatal && { onFatal }) };
}
