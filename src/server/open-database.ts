import type { KeySource } from '../control/key-rotation.ts';
import type { Random } from '../domain/random.ts';
import { openStore, type StoreOptions, storePlace } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config/load.ts';
import { keySource } from './key-source.ts';
import { checkNotAlone, forgetKey, loadSecretsKey } from './secrets-key.ts';
import { sharedSettings } from './shared-settings.ts';

export interface Opening {
  readonly random: Random;
  /** Whether a server begins to work on it, which agrees with others on the settings that must be the same. */
  readonly serves: boolean;
  /** Told of what an operator should know, in sentences. */
  readonly warn: (sentence: string) => void;
  /** Told of the key that was made for a new database, in a sentence. */
  readonly tell: (sentence: string) => void;
  readonly onFatal?: (error: Error) => void;
}

/**
 * Opens the database of a configuration, with the keys of what is sealed in it, newest first. Rejects with DomainError
 * FAILED_PRECONDITION, its message for an operator, when either cannot be had, and while a server has it.
 */
export interface OpenDatabase {
  readonly store: Store;
  readonly keys: readonly Uint8Array[];
  readonly source: KeySource;
}

export async function openDatabase(config: Config, opening: Opening): Promise<OpenDatabase> {
  return config.store === undefined ? openFile(config, opening) : openUrl(config, config.store, opening);
}

async function openFile(config: Config, opening: Opening): Promise<OpenDatabase> {
  const { random, warn, tell } = opening;
  const { restored } = config;
  // Before a key is made for a database that cannot be.
  const place = storePlace(config.db);
  const secretsKey = await loadSecretsKey({ ...config, db: place, named: config.db, random });
  const { keys, beside, warning } = secretsKey;
  if (warning !== undefined) warn(warning);
  if (!restored) await checkNotAlone(place, secretsKey);
  const store = await openStore(place, optionsOf(config, opening)).catch(async (error: unknown) => {
    await forgetKey(place, secretsKey);
    throw error;
  });
  if (beside?.isNew)
    tell(
      `${beside.path} is new: it has the key that seals secrets in ${place}, which nobody can open without it; keep a copy of it, elsewhere than the backups of the database`,
    );
  return { store, keys, source: keySource(secretsKey, config.secretsKey !== undefined, random) };
}

async function openUrl(config: Config, url: string, opening: Opening): Promise<OpenDatabase> {
  const { random, warn, serves } = opening;
  const secretsKey = await loadSecretsKey({ ...config, db: undefined, random });
  const { keys, warning } = secretsKey;
  if (warning !== undefined) warn(warning);
  const shared = { values: sharedSettings(config), force: config.forceSettings };
  const store = await openStore(url, { ...optionsOf(config, opening), ...(serves && { shared }) });
  return { store, keys, source: keySource(secretsKey, config.secretsKey !== undefined, random) };
}

function optionsOf(config: Config, { warn, onFatal }: Opening): StoreOptions {
  const { waitingMax, namespaceWaitingMax, restored, noMigrate, defaultEveryMs } = config;
  return {
    ...{ waitingMax, namespaceWaitingMax, defaultEveryMs, restored, noMigrate, warn },
    ...connectionOf(config),
    ...(onFatal && { onFatal }),
  };
}

/** How a database that is not in a file is reached. */
export function connectionOf({ storePasswordFile, pgEnvironment }: Config): StoreOptions {
  return { passwordFile: storePasswordFile, env: pgEnvironment };
}
