import type { NewApiKey } from '../keys.ts';
import { API_KEY, type ApiKeyRow } from './tables.ts';

/** `change` is left to the database. */
export function toApiKeyRow(key: NewApiKey): ApiKeyRow {
  return [
    key.id,
    key.hash,
    key.prefix,
    key.namespace ?? null,
    key.role,
    key.note,
    key.callsPerSecond,
    key.createdAt,
    key.expiresAt ?? null,
    key.revokedAt ?? null,
    key.lastUsedAt ?? null,
    0,
  ];
}

export function fromApiKeyRow(row: ApiKeyRow): NewApiKey {
  const { at } = API_KEY;
  return {
    id: row[at.id],
    hash: row[at.hash],
    prefix: row[at.prefix],
    namespace: row[at.namespace] ?? undefined,
    role: row[at.role],
    note: row[at.note],
    callsPerSecond: row[at.callsPerSecond],
    createdAt: row[at.createdAt],
    expiresAt: row[at.expiresAt] ?? undefined,
    revokedAt: row[at.revokedAt] ?? undefined,
    lastUsedAt: row[at.lastUsedAt] ?? undefined,
  };
}
