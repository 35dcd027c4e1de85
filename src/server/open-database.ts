import type { KeySource } from '../control/key-rotation.ts';
import type { Random } from '../domain/random.ts';
import { openStore, storePlace } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Config } from './config/load.ts';
import { keySource } from './key-source.ts';
import { checkNotAlone, forgetKey, loadSecretsKey } from './secrets-key.ts';

export interface Opening {
  readonly random: Random;
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
export async function openDatabase(
  config: Config,
  { random, warn, tell, onFatal }: Opening,
): Promise<{ store: Store; keys: readonly Uint8Array[]; source: KeySource }> {
  const { waitingMax, namespaceWaitingMax, restored, defaultEveryMs } = config;
  // Before a key is made for a database that cannot be.
  const place = storePlace(config.db);
  const secretsKey = await loadSecretsKey({ ...config, db: place, named: config.db, random });
  const { keys, warning } = secretsKey;
  if (warning !== undefined) warn(warning);
  if (!restored) await checkNotAlone(place, secretsKey);
  const store = await openStore(place, {
    waitingMax,
    namespaceWaitingMax,
    defaultEveryMs,
    restored,
    warn,
    ...(onFatal && { onFatal }),
  }).catch(async (error: unknown) => {
    await forgetKey(place, secretsKey);
    throw error;
  });
  const { beside } = secretsKey;
  if (beside?.isNew)
    tell(
      `${beside.path} is new: it has the key that seals secrets in ${place}, which nobody can open without it; keep a copy of it, elsewhere than the backups of the database`,
    );
  return { store, keys, source: keySource(secretsKey, config.secretsKey !== undefined, random) };
}
