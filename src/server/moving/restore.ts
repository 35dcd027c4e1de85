import { statSync } from 'node:fs';
import { openSealRotation } from '../../control/seal-rotation.ts';
import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import type { Random } from '../../domain/random.ts';
import { createSealKeyring } from '../../domain/seal-keys.ts';
import type { Standby } from '../../domain/standby.ts';
import { keysWith } from '../../domain/webhook/signature.ts';
import { openStore } from '../../store/open.ts';
import { openSigningKeyring } from '../../store/signing-keyring.ts';
import { beginRestore, type Restoring } from '../../store/sqlite/restore.ts';
import type { Store } from '../../store/store.ts';
import type { Log } from '../../telemetry/log.ts';
import { checkKey } from '../check-key.ts';
import type { Config } from '../config/load.ts';
import { keySource } from '../key-source.ts';
import { loadSecretsKey } from '../secrets-key.ts';
import { checkIsFile } from './backup.ts';

export interface Restored {
  /** Where the database is now. */
  readonly place: string;
  /** Where the one is that was there before. */
  readonly aside: string | undefined;
  /** What was sent after this may be sent again. */
  readonly since: number;
  readonly webhooks: number;
  readonly waiting: number;
}

export interface RestoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Namespaces that are counted at a time. */
const PAGE = 500;

/**
 * Puts a backup in the place of the database of a configuration, on standby, once it was proven: it is whole, this version
 * can work with it, and the key opens its secrets. Raises FAILED_PRECONDITION, and nothing is changed then.
 */
export async function restoreDatabase(
  config: Config,
  backup: string,
  options: { readonly replace: boolean },
  deps: RestoreDeps,
): Promise<Restored> {
  checkIsFile(config, 'restore its own dump with pg_restore; carillon import takes an export');
  const restoring = beginRestore(backup, config.db, options.replace);
  try {
    const proven = await prove(config, restoring, backup, deps);
    const stamp = new Date(deps.clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const aside = restoring.install(stamp);
    return { place: restoring.place, aside, ...proven };
  } finally {
    restoring.close();
  }
}

/** How many webhooks there are, and how much waits. */
async function countStore(
  store: Pick<Store, 'listNamespaces' | 'namespaceUsage'>,
): Promise<{ readonly webhooks: number; readonly waiting: number }> {
  const total = { webhooks: 0, waiting: 0 };
  for (let after = ''; ; ) {
    const names = (await store.listNamespaces({ after, limit: PAGE })).map(({ name }) => name);
    for (const { webhooks, waiting } of await store.namespaceUsage(names)) {
      total.webhooks += webhooks;
      total.waiting += waiting;
    }
    if (names.length < PAGE) return total;
    after = names.at(-1)!;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

async function prove(config: Config, { place, draft }: Restoring, backup: string, deps: RestoreDeps) {
  const { secretsKey, secretsKeyFile } = config;
  const given = secretsKey !== undefined || secretsKeyFile !== undefined;
  const beside = `${place}.key`;
  if (!given && statSync(beside, { throwIfNoEntry: false }) === undefined) {
    throw new DomainError(
      'SECRETS_KEY_UNUSABLE',
      `there is no key that opens the secrets in ${backup}: put the key file of its time at ${beside}, or name it with ` +
        '--secrets-key-file',
    );
  }
  const loaded = await loadSecretsKey({
    db: undefined,
    secretsKey,
    secretsKeyFile: given ? secretsKeyFile : beside,
    random: deps.random,
  });
  const store = await openStore(draft, { ...config, restored: true }).catch((error: unknown) => {
    throw error instanceof DomainError ? named(error, draft, backup) : error;
  });
  try {
    const keyring = createSealKeyring(loaded.keys);
    const source = keySource(loaded, secretsKey !== undefined, deps.random);
    const rotation = await openSealRotation({ ...deps, store, keyring, source });
    const signing = await openSigningKeyring({ ...deps, store: rotation.store, sealKey: keyring });
    await checkKey(store, keysWith(keyring, signing.privateKeyOf));
    const since = await sinceOf(store, backup, deps.clock);
    await store.standBy({ reason: 'RESTORED', since });
    return { since, ...(await countStore(store)) };
  } finally {
    await store.close();
  }
}

/** A backup says when it was made; one that was made otherwise, when a server last worked on what it is a copy of. */
async function sinceOf(store: Store, backup: string, clock: Clock): Promise<number> {
  const standby: Standby | undefined = await store.getStandby();
  if (standby !== undefined) return standby.since;
  const aliveAt = await store.comeBack({ now: clock.now(), awayMs: Number.MAX_SAFE_INTEGER });
  return aliveAt ?? Math.floor(statSync(backup).mtimeMs);
}

/** The copy has a name of its own for a moment, which says nothing to people. */
function named({ reason, message }: DomainError, draft: string, backup: string): DomainError {
  return new DomainError(reason, message.replaceAll(draft, backup));
}
