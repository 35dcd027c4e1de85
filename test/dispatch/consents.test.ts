import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createConsents } from '../../src/dispatch/consents.ts';
import { DomainError } from '../../src/domain/error.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { unasked } from '../../src/domain/webhook/consent.ts';
import { credentialsWith } from '../../src/domain/webhook/credentials.ts';
import type { OperationalEvent } from '../../src/domain/webhook/operational.ts';
import type { OutgoingRequest } from '../../src/outbound/request.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { aWebhook, openMemoryStore, T0 } from '../support/store.ts';

/** Who is asked whether it consents, while something is out of order here. */

const ORIGIN = 'hooks.example.com';

function asked(name: string, sealedCredentials?: Uint8Array) {
  const spec = { name, consent: { origin: ORIGIN } };
  const sealed = sealedCredentials === undefined ? {} : { sealedCredentials };
  return aWebhook({ callerId: name, spec, consent: unasked(T0, 1), ...sealed });
}

function opened(store: Pick<Store, 'dueConsents' | 'keepConsents'>) {
  const clock = manualClock(T0);
  const { log, lines } = recordingLog();
  const requests: OutgoingRequest[] = [];
  const news: OperationalEvent[] = [];
  const consents = createConsents({
    store,
    sender: {
      async send(request) {
        requests.push(request);
        const headers = { 'webhook-allowed-origin': ORIGIN };
        const answer = { status: 200, headers, body: new Uint8Array(), truncated: false };
        return { kind: 'answered', ...answer, startedAt: clock.now(), durationMs: 1, timing: {} };
      },
    },
    credentialsOf: credentialsWith(new Uint8Array(32)),
    notify: (event) => news.push(event),
    clock,
    random: systemRandom(),
    log,
    settings: { userAgent: 'Carillon/0' },
  });
  /** Looks once, and waits until what came of it is known. */
  async function tick(): Promise<void> {
    clock.advance(1_000);
    await consents.tick().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { tick, idleMs: consents.idleMs, requests, news, lines };
}

describe('destinations that are asked for their consent', () => {
  it('are asked once while their answers cannot be written down, and are believed afterwards', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    await store.createWebhooks([asked('shop')]);
    let isFull = true;
    const keepConsents: Store['keepConsents'] = async (batch) => {
      if (isFull) throw new DomainError('DATABASE_UNAVAILABLE', 'the disk is full');
      return store.keepConsents(batch);
    };
    const { tick, requests, news } = opened({ ...store, keepConsents });
    for (let i = 0; i < 5; i++) await tick();
    assert.deepEqual([requests.length, news.length], [1, 0]);
    isFull = false;
    for (let i = 0; i < 2; i++) await tick();
    assert.deepEqual(
      [requests.length, news.map(({ type }) => type)],
      [1, ['carillon.webhook.consent_granted']],
    );
    const [webhook] = await store.listWebhooks({ namespace: 'default', limit: 1 });
    assert.equal(webhook?.consent?.state, 'GRANTED');
  });

  it('are asked although there are many before them whose credentials no key opens', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const broken = Array.from({ length: 64 }, (_, i) => asked(`broken-${i}`, new Uint8Array([1, 2, 3])));
    await store.createWebhooks(broken);
    await store.createWebhooks([{ ...asked('shop'), consent: unasked(T0 + 1, 1) }]);
    const { tick, requests, lines } = opened(store);
    for (let i = 0; i < 3; i++) await tick();
    assert.equal(requests.length, 1);
    const [first] = lines.filter(({ level }) => level === 'warn');
    assert.match(
      first?.message ?? '',
      /has not consented to webhook broken-\d+: a stored credential cannot be opened/,
    );
  });

  it('are asked without a pause while there are many, and not every moment when there are none', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    await store.createWebhooks(Array.from({ length: 200 }, (_, i) => asked(`shop-${i}`)));
    const { tick, idleMs, requests } = opened(store);
    let waitedMs = 0;
    while (requests.length < 200) {
      await tick();
      waitedMs += idleMs();
    }
    assert.ok(waitedMs < 2_000, `${waitedMs} ms`);
    await tick();
    assert.equal(idleMs(), 1_000);
  });
});
