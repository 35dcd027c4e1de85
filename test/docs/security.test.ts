import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ROLES } from '../../src/domain/access/role.ts';
import { accessTo } from '../../src/rpc/roles.ts';
import { blockOf, rowsOf } from '../support/docs.ts';
import { startApi } from '../support/rpc.ts';

it('docs/security.md names every method beside the role that it needs, and no others', async () => {
  await using api = await startApi();
  const methods = api.api.services.mounted
    .filter(({ service }) => !service.typeName.includes('v1alpha'))
    .flatMap(({ service }) => service.methods);
  const rows = ROLES.map((role) => [
    role.toLowerCase(),
    methods
      .filter((method) => accessTo(method) === role)
      .map(({ parent, name }) => `${parent.name}.${name}`)
      .toSorted(),
  ]);
  const told = rowsOf(blockOf('docs/security.md', 'roles', 'all')).map(([role, names = '']) => [
    role,
    names.match(/[\w.]+/g)!.toSorted(),
  ]);
  assert.deepEqual(told, rows);
});
