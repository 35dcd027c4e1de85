import type { ServiceImpl } from '@connectrpc/connect';
import type { AdminService } from '../../../gen/carillon/v1/admin_pb.ts';
import { noProblems } from '../../domain/problems.ts';
import { apiKeyTo, KEY_ROLES } from '../convert/api-key.ts';
import { fromTimestamp } from '../convert/time.ts';
import type { ApiDeps } from '../deps.ts';
import { namespaceOrAll } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import { principalOf } from '../transport/principal.ts';
import { auditMethods } from './audit.ts';
import { namespaceMethods } from './namespaces.ts';
import { sealKeyMethods } from './seal-key.ts';
import { standbyMethods } from './standby.ts';

/** What a key takes on the wire, about. */
const KEY_BYTES = 500;

/** carillon.v1.AdminService. What each method does is said in the proto file. */
export function adminService({
  control,
  clock,
}: Pick<ApiDeps, 'control' | 'clock'>): ServiceImpl<typeof AdminService> {
  const { keys } = control;
  return {
    ...namespaceMethods({ control }),
    ...sealKeyMethods({ control }),
    ...standbyMethods({ control }),
    ...auditMethods({ control }),

    async createApiKey(request, context) {
      const problems = noProblems();
      const principal = principalOf(context);
      const namespace = namespaceOrAll(request, principal, problems);
      const { role, note: about, expireTime, callsPerSecond } = request;
      const expiresAt = expireTime && fromTimestamp(expireTime, 'expire_time', problems);
      const order = {
        namespace,
        // The rules of the message require one.
        role: KEY_ROLES.toDomain(role)!,
        note: about,
        callsPerSecond,
        ...(expiresAt !== undefined && { expiresAt }),
      };
      if (principal.kind === 'ANONYMOUS' && problems.count() === 0) await keys.checkFirst(order);
      const { apiKey, key } = await keys.create(order, problems);
      note(context, { apiKeyId: apiKey.id });
      return { apiKey: apiKeyTo(apiKey, clock.now()), key };
    },

    async listApiKeys(request, context) {
      const { pageSize, pageToken } = request;
      const problems = noProblems();
      const namespace = namespaceOrAll(request, principalOf(context), problems);
      problems.raise();
      const { rows, nextPageToken } = await readPage({
        query: ['ListApiKeys', namespace ?? null],
        pageSize,
        pageToken,
        read: keys.list(namespace),
        placeOf: ({ id }) => id,
        bytesOf: () => KEY_BYTES,
        signal: context.signal,
      });
      const now = clock.now();
      return { apiKeys: rows.map((key) => apiKeyTo(key, now)), nextPageToken };
    },

    async revokeApiKey({ id }, context) {
      note(context, { apiKeyId: id });
      const revoked = await keys.revoke(id, principalOf(context).namespace);
      return { apiKey: apiKeyTo(revoked, clock.now()) };
    },
  };
}
