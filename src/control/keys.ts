import { API_KEYS_MAX, type ApiKey, hashOfKey, newKey, prefixOfKey } from '../domain/access/key.ts';
import type { Role } from '../domain/access/role.ts';
import { isDeleting } from '../domain/access/standing.ts';
import { DomainError, notFound } from '../domain/error.ts';
import { newId } from '../domain/id.ts';
import type { Problems } from '../domain/problems.ts';
import type { Needs } from './deps.ts';
import type { Read } from './list.ts';

/** A key that somebody wants. */
export interface KeyOrder {
  /** The one namespace that it is for; undefined for all. */
  readonly namespace: string | undefined;
  readonly role: Role;
  readonly note: string;
  readonly callsPerSecond: number;
  readonly expiresAt?: number;
}

export interface NewKey {
  readonly apiKey: ApiKey;
  /** The key itself, which is known now and never again. */
  readonly key: string;
}

type KeyDeps = Needs<'createApiKeys' | 'listApiKeys' | 'revokeApiKeys', 'clock' | 'random'>;

/** `onChange` is called before a change is answered. */
export function createKeys(deps: KeyDeps, onChange: () => Promise<void> = async () => {}) {
  const { store, clock } = deps;
  return {
    /**
     * Raises INVALID, EXHAUSTED when there are too many keys, and FAILED_PRECONDITION when the namespace is deleted
     * meanwhile.
     */
    async create(order: KeyOrder, problems: Problems): Promise<NewKey> {
      const { expiresAt } = order;
      if (expiresAt !== undefined && expiresAt <= clock.now())
        problems.add('expire_time', 'must be in the future');
      problems.raise();
      const key = newKey(deps.random);
      const apiKey = await storeKey(deps, key, order);
      await onChange();
      return { apiKey, key };
    },

    /**
     * Raises FAILED_PRECONDITION for a first key that could make no other: with it everybody needs one, and nobody would
     * have one that makes more.
     */
    async checkFirst({ role, namespace }: Pick<KeyOrder, 'role' | 'namespace'>): Promise<void> {
      if (role === 'ADMIN' && namespace === undefined) return;
      const some = await store.listApiKeys({ namespace: undefined, from: undefined, limit: 1 });
      if (some.length > 0) return;
      const message =
        'the first key must have the role admin and be for all namespaces: once there is a key every call needs one, and a key that may do less could not make the next';
      throw new DomainError('FIRST_KEY_NOT_ADMIN', message);
    },

    /** Keys of one namespace, or all, by id. */
    list(namespace: string | undefined): Read<ApiKey> {
      return async (from, limit) => {
        const rows = await store.listApiKeys({ namespace, from, limit });
        return { rows, next: rows.length < limit ? null : rows.at(-1)!.id, looked: rows.length };
      };
    },

    /** Raises NOT_FOUND, also for a key that is not for the namespace; undefined is any. */
    async revoke(id: string, namespace: string | undefined): Promise<ApiKey> {
      const [revoked] = await store.revokeApiKeys([{ id, namespace, now: clock.now() }]);
      if (revoked === undefined) throw notFound('ApiKey', id);
      await onChange();
      return revoked;
    },
  };
}

/**
 * Stores a key, unless it is there already, and returns what is known of one that is made now. Raises EXHAUSTED when
 * there are too many, and FAILED_PRECONDITION when its namespace is deleted meanwhile.
 */
export async function storeKey(
  { store, clock, random }: Needs<'createApiKeys', 'clock' | 'random'>,
  key: string,
  { expiresAt, ...order }: KeyOrder,
): Promise<ApiKey> {
  const now = clock.now();
  const apiKey: ApiKey = {
    ...order,
    id: newId('key', now, random),
    prefix: prefixOfKey(key),
    createdAt: now,
    expiresAt,
    revokedAt: undefined,
    lastUsedAt: undefined,
  };
  const bounds = { now, max: API_KEYS_MAX };
  const [result] = await store.createApiKeys([{ ...apiKey, hash: hashOfKey(key) }], bounds);
  if (result === 'SHUT') throw isDeleting(order.namespace!);
  if (result !== 'FULL') return apiKey;
  const message = `there are ${API_KEYS_MAX} keys already; revoke some that nobody uses`;
  throw new DomainError('TOO_MANY_API_KEYS', message, { metadata: { max: API_KEYS_MAX } });
}
