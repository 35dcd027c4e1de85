import { create } from '@bufbuild/protobuf';
import {
  type ApiKey as ApiKeyMessage,
  ApiKeySchema,
  Role as RoleMessage,
  ApiKey_State as State,
} from '../../../gen/carillon/v1/admin_pb.ts';
import { type ApiKey, stateOfKey } from '../../domain/access/key.ts';
import { enumPair } from './enum-pair.ts';
import { toTimestamp } from './time.ts';

const STATES = enumPair({ ACTIVE: State.ACTIVE, EXPIRED: State.EXPIRED, REVOKED: State.REVOKED });
export const KEY_ROLES = enumPair({
  READ: RoleMessage.READ,
  PUBLISH: RoleMessage.PUBLISH,
  MANAGE: RoleMessage.MANAGE,
  ADMIN: RoleMessage.ADMIN,
});

export function apiKeyTo(key: ApiKey, now: number): ApiKeyMessage {
  const { expiresAt, revokedAt, lastUsedAt } = key;
  return create(ApiKeySchema, {
    namespace: key.namespace ?? '',
    id: key.id,
    prefix: key.prefix,
    allNamespaces: key.namespace === undefined,
    role: KEY_ROLES.toProto(key.role),
    note: key.note,
    state: STATES.toProto(stateOfKey(key, now)),
    createTime: toTimestamp(key.createdAt),
    ...(expiresAt !== undefined && { expireTime: toTimestamp(expiresAt) }),
    ...(revokedAt !== undefined && { revokeTime: toTimestamp(revokedAt) }),
    ...(lastUsedAt !== undefined && { lastUseTime: toTimestamp(lastUsedAt) }),
    callsPerSecond: key.callsPerSecond,
  });
}
