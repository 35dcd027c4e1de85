import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createControl } from '../../src/control/control.ts';
import type { AuditEntry } from '../../src/domain/access/audit.ts';
import { DomainError } from '../../src/domain/error.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { createNamespaceDirectory } from '../../src/store/namespace-directory.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { NO_ROTATION } from '../support/seal-rotation.ts';
import { aWebhook, openMemoryStore, T0 } from '../support/store.ts';

/** What is entered of a call that changes many things, and fails in the middle. */

const ASKING = {
  method: 'carillon.v1.WebhookService/Pause',
  caller: { kind: 'ANONYMOUS', id: '', address: '' },
  requestId: '',
  namespace: 'default',
} as const;

describe('pausing many webhooks', () => {
  it('enters all that it paused, also when it fails for one of them', async (t) => {
    const bare = await openMemoryStore();
    t.after(() => bare.close());
    await bare.createWebhooks(
      Array.from({ length: 10 }, (_, i) => aWebhook({ callerId: `h${i}`, spec: { name: `h${i}` } })),
    );
    const resolveWebhooks: Store['resolveWebhooks'] = async ([...names]) => {
      const found = await bare.resolveWebhooks(names);
      if (found[0]?.callerId === 'h0') throw new DomainError('DATABASE_BUSY', 'too many calls wait');
      return found;
    };
    const store = { ...bare, resolveWebhooks };
    const control = createControl({
      store,
      namespaces: createNamespaceDirectory({ store }),
      clock: manualClock(T0),
      random: systemRandom(),
      sealKey: new Uint8Array(32),
      sealRotation: NO_ROTATION,
      signingKeyring: { ensure: async () => {} },
      settings: {
        everyMinMs: 1_000,
        namespaceWaitingMax: 1_000,
        defaultEveryMs: 5_000,
        addressPolicy: { allow: [] },
      },
    });
    const order = { namespace: 'default', where: undefined, validateOnly: false, from: undefined };
    const told: AuditEntry[] = [];
    const work = () => control.webhooks.pauseMany(order, new AbortController().signal);
    await assert.rejects(
      control.audit.perform(ASKING, work, (entry) => told.push(entry)),
      { reason: 'DATABASE_BUSY' },
    );
    const webhooks = await bare.listWebhooks({ namespace: 'default', limit: 100 });
    const paused = webhooks.filter(({ state }) => state === 'PAUSED').length;
    assert.equal(paused, 9);
    assert.equal(told[0]?.changes.count, paused);
  });
});
