import {
  type ApiKey,
  ApiKey_State,
  ApiKey_StateSchema,
  RoleSchema,
} from '../../../../gen/carillon/v1/admin_pb.ts';
import { enumName } from '../job.ts';
import type { Style } from '../style.ts';
import { type Column, card, type Paper } from '../table.ts';
import { fromNow, inFull } from '../times.ts';

/** A key in a list. */
export function keyColumns(now: number): readonly Column<ApiKey>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'KEY', text: ({ prefix }) => `${prefix}…`, rank: 5 },
    { title: 'ROLE', text: roleOf },
    { title: 'NAMESPACE', text: namespaceOf, atLeast: 9, rank: 4 },
    { title: 'STATE', text: stateOf, style: ({ state }) => STYLES[state] },
    { title: 'LAST USED', text: ({ lastUseTime }) => fromNow(lastUseTime, now) || 'never', rank: 3 },
    { title: 'EXPIRES', text: ({ expireTime }) => fromNow(expireTime, now), rank: 2 },
    { title: 'NOTE', text: ({ note }) => note, atLeast: 8, rank: 1 },
  ];
}

/** A key in full; with the key itself right after it was made. */
export function keyCard(apiKey: ApiKey, now: number, paper: Paper, key = ''): string {
  return card(
    [
      ['key', key],
      ['id', apiKey.id],
      ['begins', key === '' ? apiKey.prefix : ''],
      ['role', roleOf(apiKey)],
      ['namespace', namespaceOf(apiKey)],
      ['note', apiKey.note],
      ['calls', apiKey.callsPerSecond === 0 ? '' : `${apiKey.callsPerSecond} a second`],
      ['expires', inFull(apiKey.expireTime, now)],
      ['revoked', inFull(apiKey.revokeTime, now)],
      ['last used', inFull(apiKey.lastUseTime, now)],
      ['created', inFull(apiKey.createTime, now)],
    ],
    paper,
  );
}

const STYLES: Readonly<Record<number, keyof Style>> = {
  [ApiKey_State.ACTIVE]: 'good',
  [ApiKey_State.EXPIRED]: 'warn',
  [ApiKey_State.REVOKED]: 'bad',
};

function stateOf({ state }: ApiKey): string {
  return enumName(ApiKey_StateSchema, state);
}

function roleOf({ role }: ApiKey): string {
  return enumName(RoleSchema, role).toLowerCase();
}

function namespaceOf({ namespace, allNamespaces }: ApiKey): string {
  return allNamespaces ? 'all' : namespace;
}
