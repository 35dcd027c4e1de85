import { create as message } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type ApiKey,
  ApiKeySchema,
  CreateApiKeyResponseSchema,
  ListApiKeysResponseSchema,
  RevokeApiKeyResponseSchema,
  Role,
} from '../../../../gen/carillon/v1/admin_pb.ts';
import { ROLES, type Role as RoleName } from '../../../domain/access/role.ts';
import { flagValue, UsageError } from '../command.ts';
import { gather, type Job, namespaceOf, show, tellMore, type Verb } from '../job.ts';
import { table } from '../table.ts';
import { readCount, readWord, timeJson } from '../values.ts';
import { rotate } from './rotate.ts';
import { keyCard, keyColumns } from './shown.ts';

/** `carillon keys …`. */
export const KEY_VERBS: Readonly<Record<string, Verb>> = { create, list, revoke, rotate };

const CALLS_MAX = 1_000_000;
const WORDS = ROLES.map((role) => role.toLowerCase());

async function create(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  const db = flagValue(invocation, '--db');
  const answer = db === undefined ? await asked() : await inDatabase(job, db);
  show(job, CreateApiKeyResponseSchema, answer, () => {
    const shown = keyCard(answer.apiKey!, world.now(), paper, answer.key);
    return `Made. Keep the key now, for it is shown this once. As soon as there is one, every call needs one:\nset CARILLON_API_KEY, or send authorization: Bearer and the key.\n\n${shown}`;
  });

  async function asked() {
    const role = roleOf(job);
    if (role === undefined) throw new UsageError(`keys create needs --role: one of ${WORDS.join(', ')}`);
    const expires = expiryOf(job);
    return connection.admin.createApiKey({
      namespace: namespaceOf(invocation),
      allNamespaces: flagValue(invocation, '--all-namespaces') !== undefined,
      role: Role[role],
      note: flagValue(invocation, '--note') ?? '',
      callsPerSecond: callsOf(job),
      ...(expires && { expireTime: timestampFromDate(expires) }),
    });
  }
}

/** Loads what opens a database only here. */
async function inDatabase(job: Job, db: string) {
  const { invocation, world } = job;
  const namespace = flagValue(invocation, '--namespace');
  const expires = expiryOf(job);
  const tell = (sentence: string) => world.err(`carillon: ${sentence}\n`);
  const { createKeyInDatabase } = await import('../../../server/key-in-database.ts');
  const { apiKey, key } = await createKeyInDatabase(
    db,
    { ...world, tell },
    {
      namespace,
      role: roleOf(job) ?? 'ADMIN',
      note: flagValue(invocation, '--note') ?? '',
      callsPerSecond: callsOf(job),
      ...(expires && { expiresAt: expires.getTime() }),
    },
  ).catch((error: unknown) => {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  });
  return message(CreateApiKeyResponseSchema, {
    apiKey: message(ApiKeySchema, {
      id: apiKey.id,
      prefix: apiKey.prefix,
      namespace: apiKey.namespace ?? '',
      allNamespaces: apiKey.namespace === undefined,
      role: Role[apiKey.role],
      note: apiKey.note,
      callsPerSecond: apiKey.callsPerSecond,
      createTime: timestampFromDate(new Date(apiKey.createdAt)),
      ...(expires && { expireTime: timestampFromDate(expires) }),
    }),
    key,
  });
}

async function list(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  const query = {
    namespace: namespaceOf(invocation),
    allNamespaces: flagValue(invocation, '--all-namespaces') !== undefined,
  };
  const gathered = await gather<ApiKey>(invocation, async (pageSize, pageToken) => {
    const answer = await connection.admin.listApiKeys({ ...query, pageSize, pageToken });
    return { rows: answer.apiKeys, nextPageToken: answer.nextPageToken };
  });
  const answer = message(ListApiKeysResponseSchema, {
    apiKeys: [...gathered.rows],
    nextPageToken: gathered.nextPageToken,
  });
  show(job, ListApiKeysResponseSchema, answer, () =>
    gathered.rows.length === 0 ? 'no keys\n' : table(keyColumns(world.now()), gathered.rows, paper),
  );
  tellMore(job, gathered);
}

async function revoke(job: Job): Promise<void> {
  const { invocation, connection, world, paper } = job;
  const answer = await connection.admin.revokeApiKey({ id: invocation.argument ?? '' });
  show(
    job,
    RevokeApiKeyResponseSchema,
    answer,
    () => `Revoked\n\n${keyCard(answer.apiKey!, world.now(), paper)}`,
  );
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function roleOf({ invocation }: Job): RoleName | undefined {
  const text = flagValue(invocation, '--role');
  return text === undefined ? undefined : (readWord('--role', text, WORDS, '') as RoleName);
}

function callsOf({ invocation }: Job): number {
  const text = flagValue(invocation, '--calls-per-second');
  return text === undefined ? 0 : readCount('--calls-per-second', text, CALLS_MAX);
}

function expiryOf({ invocation, world }: Job): Date | undefined {
  const text = flagValue(invocation, '--expires');
  return text === undefined ? undefined : new Date(timeJson('--expires', text, world.now(), 'ahead'));
}
