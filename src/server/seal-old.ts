import { createVault, kept, secretsApart } from '../control/credentials.ts';
import { DomainError } from '../domain/error.ts';
import { noProblems } from '../domain/problems.ts';
import type { Random } from '../domain/random.ts';
import type { SealKey } from '../domain/seal.ts';
import { NO_CREDENTIALS } from '../domain/webhook/credentials.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

export interface SealOldDeps {
  readonly store: Pick<Store, 'unsealedWebhooks' | 'sealWebhooks' | 'rewrite'>;
  readonly sealKey: SealKey;
  readonly random: Random;
  readonly log: Log;
}

/** Webhooks at a time: each may hold a payload of 1 MiB. */
const BATCH = 50;

/**
 * Seals the secret headers that versions before wrote in the clear: a migration of the store has no key. To be done
 * before anybody reads the webhooks. Rejects as the store does.
 */
export async function sealOld({ store, sealKey, random, log }: SealOldDeps): Promise<void> {
  const vault = createVault({ sealKey, random });
  let count = 0;
  for (;;) {
    const found = await store.unsealedWebhooks(BATCH);
    if (found.length === 0) break;
    await store.sealWebhooks(found.map(sealed));
    count += found.length;
  }
  if (count === 0) return;
  log.info(
    { webhooks: count },
    'headers with secret values were in the clear in the database, and are sealed now',
  );
  const erased = await store.rewrite().catch((error: unknown) => {
    if (!(error instanceof DomainError)) throw error;
    log.warn(
      { reason: error.message },
      'copies of them may be left in the free space of the database; make room for a second copy of it, end the server and run: sqlite3 FILE VACUUM',
    );
    return true;
  });
  if (!erased) {
    log.warn(
      {},
      'the log of the database still has them, since somebody reads it; end that program and start again',
    );
  }

  function sealed(webhook: Webhook): Webhook {
    const asked = secretsApart({ spec: webhook.spec, credentials: NO_CREDENTIALS });
    const credentials = kept(asked.credentials, NO_CREDENTIALS, noProblems());
    return { ...webhook, ...vault.stored(webhook, asked.spec, credentials) };
  }
}
