import { timingSafeEqual } from 'node:crypto';
import { readAuthorization } from '../domain/access/authorization.ts';
import type { ClientRole } from '../domain/access/client-role.ts';
import type { Credentials, Door } from '../domain/access/door.ts';
import { type ApiKey, hashOfKey, stateOfKey } from '../domain/access/key.ts';
import { ANONYMOUS, type Principal } from '../domain/access/principal.ts';
import { createWrongKeys } from '../domain/access/wrong-keys.ts';
import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import type { Store } from '../store/store.ts';
import { createCertificateHolders, takeCall } from './certificate-holders.ts';
import { storeKey } from './keys.ts';

/**
 * All keys, in memory, so that a call costs one hash and one look-up, and a wrong key never reaches the database.
 * There are `API_KEYS_MAX` at most that are taken, of a few hundred bytes each.
 */
export interface Keyring extends Door {
  /**
   * Whether a key, or a certificate, is needed. Once there is one it is, also when all are revoked: nothing falls open by
   * itself. So it is once certificates have roles.
   */
  isLocked(): boolean;
  /** Reads what has changed of keys. What this returns after a revocation knows of it. */
  refresh(): Promise<void>;
  /** Reads what has changed, and writes down which keys were used. To be called every few seconds. */
  tick(): Promise<number>;
  /** Adds a key that an operator made up. Returns how it is now, which may be revoked. */
  addGiven(key: string): Promise<ApiKey>;
}

export interface KeyringDeps {
  readonly store: Pick<Store, 'apiKeyChanges' | 'noteApiKeyUses' | 'createApiKeys'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether anybody may call without a key, whatever keys there are. */
  readonly open: boolean;
  /** What certificates of callers may do. */
  readonly clientRoles?: readonly ClientRole[];
}

/** How long a key that another process revoked is taken at most, if its database can be read. */
export const KEY_REFRESH_MS = 2_000;
/** Keys are read from the database so many at a time. */
const CHANGES_MAX = 1_000;
/** Last-used times are to the minute, so that a busy key is written once a minute. */
const USE_MS = 60_000;

interface Entry {
  key: ApiKey;
  readonly principal: Principal;
  readonly digest: Buffer;
  /** Of its rate limit. */
  paidAt: number;
  /** The minute of the last use, written down or about to be. */
  usedAt: number;
}

export function createKeyring(deps: KeyringDeps): Keyring {
  const { store, clock, random, open, clientRoles = [] } = deps;
  const byHash = new Map<string, Entry>();
  const byId = new Map<string, Entry>();
  const used = new Set<Entry>();
  const wrongKeys = createWrongKeys();
  const certificates = createCertificateHolders(clientRoles, clock);
  let change = 0;

  /** Raises UNAUTHENTICATED with what is wrong with the credentials. */
  function holderOf(authorization: string | undefined): Entry {
    const shown = readAuthorization(authorization);
    if ('fault' in shown) {
      const reason = authorization === undefined ? 'API_KEY_MISSING' : 'API_KEY_INVALID';
      const or = clientRoles.length === 0 ? '' : ', or connect with a certificate that has a role';
      throw new DomainError(reason, `${shown.fault}${or}`);
    }
    const hash = hashOfKey(shown.key);
    const entry = byHash.get(hash);
    // The look-up goes by a hash, of which nobody can choose the beginning; and then all of it is compared.
    if (entry === undefined || !timingSafeEqual(Buffer.from(hash), entry.digest)) {
      throw new DomainError(
        'API_KEY_INVALID',
        'this server has no such key; it may be mistyped, or of another server',
      );
    }
    checkTaken(entry.key);
    return entry;
  }

  function checkTaken(key: ApiKey): void {
    const state = stateOfKey(key, clock.now());
    if (state === 'ACTIVE') return;
    const about = { metadata: { apiKeyId: key.id } };
    if (state === 'REVOKED') {
      throw new DomainError('API_KEY_REVOKED', `the key ${key.prefix}… was revoked; use another`, about);
    }
    const at = new Date(key.expiresAt!).toISOString();
    throw new DomainError('API_KEY_EXPIRED', `the key ${key.prefix}… expired at ${at}; use another`, about);
  }

  function authenticate({ authorization, certificate, address = '' }: Credentials): Principal {
    if (!isLocked()) return ANONYMOUS;
    let entry: Entry;
    try {
      // Who sends a key means it, whatever certificate the connection has.
      if (authorization === undefined && certificate !== undefined)
        return certificates.authenticate(certificate);
      entry = holderOf(authorization);
    } catch (error) {
      const retryMs = wrongKeys.count(address, clock.monotonic());
      if (retryMs === undefined) throw error;
      const message =
        'too many calls came from this address without a key, or with a wrong one; calls with a good key are still answered';
      throw new DomainError('TOO_MANY_WRONG_KEYS', message, { retryMs });
    }
    noteUse(entry);
    return entry.principal;
  }

  function noteUse(entry: Entry): void {
    const minute = Math.floor(clock.now() / USE_MS) * USE_MS;
    if (minute <= entry.usedAt) return;
    entry.usedAt = minute;
    used.add(entry);
  }

  function check(principal: Principal): void {
    if (principal.kind === 'KEY') checkTaken(byId.get(principal.keyId)!.key);
    else if (principal.kind === 'CERTIFICATE') certificates.check(principal);
    // The first key was made since.
    else if (isLocked()) holderOf(undefined);
  }

  function isLocked(): boolean {
    return !open && (byId.size > 0 || clientRoles.length > 0);
  }

  async function refresh(): Promise<void> {
    for (;;) {
      const changes = await store.apiKeyChanges({ after: change, limit: CHANGES_MAX });
      for (const { key: stored, change: at } of changes) {
        const { hash, ...key } = stored;
        const known = byId.get(key.id);
        if (known !== undefined) known.key = key;
        else {
          const { id: keyId, role, namespace } = key;
          const entry: Entry = {
            key,
            principal: { kind: 'KEY', keyId, role, namespace },
            digest: Buffer.from(hash),
            paidAt: 0,
            usedAt: key.lastUsedAt ?? 0,
          };
          byHash.set(hash, entry);
          byId.set(keyId, entry);
        }
        change = Math.max(change, at);
      }
      if (changes.length < CHANGES_MAX) return;
    }
  }

  async function writeUses(): Promise<number> {
    const batch = [...used];
    if (batch.length === 0) return 0;
    used.clear();
    try {
      await store.noteApiKeyUses(batch.map(({ key, usedAt }) => ({ id: key.id, at: usedAt })));
    } catch (error) {
      for (const entry of batch) used.add(entry);
      throw error;
    }
    return batch.length;
  }

  return {
    authenticate,
    check,
    isLocked,
    refresh,
    admit(principal) {
      check(principal);
      if (principal.kind === 'CERTIFICATE') certificates.admit(principal);
      if (principal.kind !== 'KEY') return;
      const entry = byId.get(principal.keyId)!;
      entry.paidAt = takeCall(entry.key, `the key ${entry.key.prefix}…`, entry.paidAt, clock);
    },
    async tick() {
      await refresh();
      return writeUses();
    },
    async addGiven(given) {
      const order = {
        namespace: undefined,
        role: 'ADMIN',
        note: 'given at a start',
        callsPerSecond: 0,
      } as const;
      await storeKey({ store, clock, random }, given, order);
      await refresh();
      return byHash.get(hashOfKey(given))!.key;
    },
  };
}
