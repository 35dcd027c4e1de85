import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createKeys } from '../../src/control/keys.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/error.ts';
import { noProblems } from '../../src/domain/problems.ts';
import { systemRandom } from '../../src/domain/random.ts';

describe('making a key', () => {
  it('says that its namespace is being deleted where that began after the call was let in', async () => {
    const store = {
      createApiKeys: async () => ['SHUT' as const],
      listApiKeys: async () => [],
      revokeApiKeys: async () => [],
    };
    const keys = createKeys({ store, clock: systemClock, random: systemRandom() });
    const order = { namespace: 'leaving', role: 'READ', note: '', callsPerSecond: 0 } as const;
    await assert.rejects(
      keys.create(order, noProblems()),
      (error) => error instanceof DomainError && error.reason === 'NAMESPACE_DELETING',
    );
  });
});
