import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Asking, createOnce, type OnceDeps } from '../../src/control/once.ts';
import type { Claim } from '../../src/domain/claim.ts';
import { DomainError, invalid } from '../../src/domain/error.ts';
import { systemRandom } from '../../src/domain/random.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { openMemoryStore, T0 } from '../support/store.ts';

/** A call as whoever carries it makes it, without any carrier. */

const DAY = 86_400_000;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = ({ answer }: { readonly answer: Uint8Array }) => new TextDecoder().decode(answer);

let store: Store;
let names = 0;
const clock = manualClock(T0);
const sealKey = new Uint8Array(32).fill(7);

before(async () => {
  store = await openMemoryStore();
});
after(() => store.close());

/** A server with this store: another one knows of calls what the store has, and nothing else. */
function aServer(overrides: Partial<OnceDeps['store']> = {}, key = sealKey) {
  return createOnce({ store: { ...store, ...overrides }, clock, random: systemRandom(), sealKey: key });
}

function anAsking(overrides: Partial<Asking> = {}): Asking {
  const requestId = `name-${++names}`;
  return { namespace: 'default', requestId, method: 'm', content: bytes('c'), resumable: true, ...overrides };
}

const lost = async () => {
  throw new DomainError('UNAVAILABLE', 'the disk is full');
};

/** Counts how often it was performed. */
function counted() {
  const claims: Claim[] = [];
  return {
    claims,
    perform: async (claim: Claim) => {
      claims.push(claim);
      return bytes(`answer ${claims.length}`);
    },
  };
}

describe('A call with a name', () => {
  it('is done once, and answered the same for a day', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking();
    const first = await once(asking, perform);
    assert.deepEqual([text(first), first.repeated], ['answer 1', false]);
    const again = await aServer()(asking, perform);
    assert.deepEqual([text(again), again.repeated], ['answer 1', true]);
    clock.advance(DAY - 1);
    assert.equal(text(await once(asking, perform)), 'answer 1');
    assert.equal(claims.length, 1);
    clock.advance(1);
    assert.equal(text(await once(asking, perform)), 'answer 2');
  });

  it('is ALREADY_EXISTS with other content or another method, and its field is named', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking();
    await once(asking, perform);
    for (const other of [{ content: bytes('d') }, { method: 'n' }]) {
      await assert.rejects(once({ ...asking, ...other }, perform), (error: unknown) => {
        assert.ok(error instanceof DomainError);
        assert.deepEqual(
          [error.code, error.violations.map(({ field }) => field)],
          ['ALREADY_EXISTS', ['request_id']],
        );
        return true;
      });
    }
    assert.equal(claims.length, 1);
    assert.equal(text(await once({ ...asking, namespace: 'other' }, perform)), 'answer 2');
  });

  it('is done once by many who ask at the same time, and all have the one answer', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking();
    const all = await Promise.all(Array.from({ length: 50 }, () => once(asking, perform)));
    assert.deepEqual(new Set(all.map(text)), new Set(['answer 1']));
    assert.equal(all.filter(({ repeated }) => !repeated).length, 1);
    assert.equal(claims.length, 1);
    const other = anAsking();
    const [first, second] = await Promise.allSettled([
      once(other, perform),
      once({ ...other, content: bytes('d') }, perform),
    ]);
    assert.equal(first.status, 'fulfilled');
    assert.equal(second.status === 'rejected' && second.reason.code, 'ALREADY_EXISTS');
  });

  it('is the turn of the next who asks at the same time when the first fails', async () => {
    const once = aServer();
    const { perform } = counted();
    const asking = anAsking();
    const failing = once(asking, lost);
    const next = once(asking, perform);
    await assert.rejects(failing, { code: 'UNAVAILABLE' });
    assert.equal(text(await next), 'answer 1');
  });

  it('keeps its answer sealed, to be opened for this call only', async () => {
    const once = aServer();
    const asking = anAsking();
    const stored: Uint8Array[] = [];
    const watching = aServer({
      answerRequests: async (batch) => {
        stored.push(...batch.map(({ answer }) => answer));
        await store.answerRequests(batch);
      },
    });
    await watching(asking, async () => bytes('whsec_secret'));
    assert.equal(Buffer.from(stored[0]!).includes('whsec_secret'), false);
    // The answer to one call in the place of another.
    const other = anAsking();
    await aServer({
      answerRequests: async ([answer]) => store.answerRequests([{ ...answer!, answer: stored[0]! }]),
    })(other, async () => bytes('x'));
    await assert.rejects(once(other, lost), { code: 'FAILED_PRECONDITION', message: /cannot be opened/ });
    assert.equal(text(await once(asking, lost)), 'whsec_secret');
  });

  it('is refused when too many are remembered, before anything is done', async () => {
    const { claims, perform } = counted();
    const full = aServer({ claimRequests: async () => [{ kind: 'FULL' }] });
    await assert.rejects(full(anAsking(), perform), { code: 'EXHAUSTED', message: /24 h/ });
    assert.equal(claims.length, 0);
  });
});

describe('A call with a name that failed', () => {
  it('leaves the name free, also for other content, when it did nothing', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking();
    await assert.rejects(
      once(asking, async () => {
        throw invalid('webhook.name', 'must not be empty');
      }),
      { code: 'INVALID' },
    );
    assert.equal(text(await once({ ...asking, content: bytes('mended') }, perform)), 'answer 1');
    assert.equal(claims[0]?.resumed, false);
  });

  it('is resumed by the same call when it may have done something', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking();
    const began = clock.now();
    await assert.rejects(once(asking, lost), { code: 'UNAVAILABLE' });
    clock.advance(5);
    await assert.rejects(once({ ...asking, content: bytes('d') }, perform), { code: 'ALREADY_EXISTS' });
    assert.equal(text(await once(asking, perform)), 'answer 1');
    assert.deepEqual([claims[0]?.resumed, claims[0]?.at], [true, began]);
  });

  it('keeps its name when it fails once more after it was resumed, for it may have been done', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking();
    await assert.rejects(once(asking, lost), { code: 'UNAVAILABLE' });
    await assert.rejects(
      once(asking, async () => {
        throw new DomainError('FAILED_PRECONDITION', 'it is PAUSED by now');
      }),
      { code: 'FAILED_PRECONDITION' },
    );
    await once(asking, perform);
    assert.equal(claims[0]?.resumed, true);
  });

  it('is not begun again when nobody could tell what was done', async () => {
    const once = aServer();
    const { claims, perform } = counted();
    const asking = anAsking({ resumable: false });
    await assert.rejects(once(asking, lost), { code: 'UNAVAILABLE' });
    await assert.rejects(once(asking, perform), { code: 'FAILED_PRECONDITION', message: /broken off/ });
    assert.equal(claims.length, 0);
    const full = anAsking({ resumable: false });
    await assert.rejects(
      once(full, async () => {
        throw new DomainError('EXHAUSTED', 'too many deliveries wait');
      }),
      { code: 'EXHAUSTED' },
    );
    assert.equal(text(await once(full, perform)), 'answer 1');
  });
});

describe('A call with a name whose answer was lost in a crash', () => {
  it('has its answer all the same, and is resumed by the next', async () => {
    const { claims, perform } = counted();
    const asking = anAsking();
    const crashing = aServer({ answerRequests: lost });
    assert.equal(text(await crashing(asking, perform)), 'answer 1');
    const again = await aServer()(asking, perform);
    assert.deepEqual([text(again), claims.at(-1)?.resumed], ['answer 2', true]);
    assert.equal(text(await aServer()(asking, perform)), 'answer 2');
    assert.equal(claims.length, 2);
  });
});
