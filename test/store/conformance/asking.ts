import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import type { RequestClaim } from '../../../src/store/requests.ts';
import { T0 } from '../../support/store.ts';
import { aNamespace, type Harness, sweepAll, useStore } from './harness.ts';

const DAY = 86_400_000;
const ANSWER = Uint8Array.of(1, 2, 3);

function aClaim(overrides: Partial<RequestClaim> = {}): RequestClaim {
  const now = overrides.now ?? T0;
  return { namespace: 'default', requestId: 'a', digest: 'same', now, until: now + DAY, ...overrides };
}

export function asking(harness: Harness): void {
  describe(`${harness.name}: remembering calls that have a name`, () => {
    const store = useStore(harness);

    test('a name is claimed once, and the same call is told since when', async () => {
      const namespace = aNamespace();
      assert.deepEqual(
        await store().claimRequests([aClaim({ namespace }), aClaim({ namespace, now: T0 + 5 })]),
        [
          { kind: 'CLAIMED', at: T0, digest: 'same' },
          { kind: 'BEGUN', at: T0, digest: 'same' },
        ],
      );
    });

    test('a call that was answered is answered so again', async () => {
      const claim = aClaim({ namespace: aNamespace() });
      await store().claimRequests([claim]);
      await store().answerRequests([{ ...claim, answer: ANSWER }]);
      await store().answerRequests([{ ...claim, answer: Uint8Array.of(9) }]);
      const [found] = await store().claimRequests([claim]);
      assert.ok(found?.kind === 'ANSWERED');
      assert.deepEqual(new Uint8Array(found.answer), ANSWER);
    });

    test('a name is that of one content in one namespace', async () => {
      const claim = aClaim({ namespace: aNamespace() });
      await store().claimRequests([claim]);
      const others = [aClaim({ ...claim, digest: 'other' }), aClaim({ ...claim, namespace: aNamespace() })];
      assert.deepEqual(await store().claimRequests(others), [
        { kind: 'OTHER' },
        { kind: 'CLAIMED', at: T0, digest: 'same' },
      ]);
      await store().answerRequests([{ ...claim, answer: ANSWER }]);
      assert.deepEqual(await store().claimRequests(others.slice(0, 1)), [{ kind: 'OTHER' }]);
    });

    test('a call is known by a digest of before, and told which it is remembered by', async () => {
      const claim = aClaim({ namespace: aNamespace(), digest: 'of before' });
      await store().claimRequests([claim]);
      const anew = { ...claim, digest: 'of now', formerDigests: ['of long ago', 'of before'] };
      assert.deepEqual(await store().claimRequests([anew]), [{ kind: 'BEGUN', at: T0, digest: 'of before' }]);
      await store().answerRequests([{ ...claim, answer: ANSWER }]);
      const [found] = await store().claimRequests([anew]);
      assert.ok(found?.kind === 'ANSWERED');
      assert.equal(found.digest, 'of before');
      assert.deepEqual(await store().claimRequests([{ ...anew, formerDigests: [] }]), [{ kind: 'OTHER' }]);
    });

    test('a claim that came to nothing can be given up, and an answer cannot', async () => {
      const claim = aClaim({ namespace: aNamespace() });
      await store().claimRequests([claim]);
      await store().releaseRequests([claim]);
      assert.deepEqual(await store().claimRequests([{ ...claim, digest: 'other', now: T0 + 1 }]), [
        { kind: 'CLAIMED', at: T0 + 1, digest: 'other' },
      ]);
      await store().answerRequests([{ ...claim, answer: ANSWER }]);
      await store().releaseRequests([claim]);
      assert.deepEqual(await store().claimRequests([claim]), [{ kind: 'OTHER' }]);
    });

    test('a name is free when its time is over, swept or not', async () => {
      const claim = aClaim({ namespace: aNamespace() });
      await store().claimRequests([claim]);
      await store().answerRequests([{ ...claim, answer: ANSWER }]);
      const [last] = await store().claimRequests([{ ...claim, now: T0 + DAY - 1 }]);
      assert.equal(last?.kind, 'ANSWERED');
      const later = aClaim({ ...claim, digest: 'other', now: T0 + DAY, until: T0 + 2 * DAY });
      assert.deepEqual(await store().claimRequests([later]), [
        { kind: 'CLAIMED', at: T0 + DAY, digest: 'other' },
      ]);
    });
  });

  describe(`${harness.name}: bounds on what is remembered of calls`, () => {
    const claims = (namespace: string, count: number) =>
      Array.from({ length: count }, (_, i) => aClaim({ namespace, requestId: `r${i}` }));

    test('beyond a number of them a new name is refused, and those that are known are not', async () => {
      const store = await harness.open({ requestsMax: 2 });
      const [namespace, other] = [aNamespace(), aNamespace()];
      const [first, second, third] = claims(namespace, 3);
      const kinds = async (...batch: RequestClaim[]) =>
        (await store.claimRequests(batch)).map(({ kind }) => kind);
      assert.deepEqual(await kinds(first!, second!, third!), ['CLAIMED', 'CLAIMED', 'FULL']);
      assert.deepEqual(await kinds(first!, { ...third!, namespace: other }), ['BEGUN', 'CLAIMED']);
      await store.releaseRequests([second!]);
      assert.deepEqual(await kinds(third!, second!), ['CLAIMED', 'FULL']);
      assert.deepEqual(await kinds({ ...second!, now: T0 + DAY }), ['FULL'], 'they are still there');
      assert.deepEqual(await kinds({ ...first!, now: T0 + DAY, until: T0 + 2 * DAY }), ['CLAIMED']);
      await store.close();
    });

    test('beyond so many bytes of answers as well, until they are forgotten', async () => {
      const store = await harness.open({ requestBytesMax: 5 });
      const namespace = aNamespace();
      const [first, second, third] = claims(namespace, 3);
      await store.claimRequests([first!, second!]);
      await store.answerRequests([{ ...first!, answer: ANSWER }]);
      await store.answerRequests([{ ...second!, answer: ANSWER }]);
      assert.deepEqual(await store.claimRequests([third!]), [{ kind: 'FULL' }]);
      await sweepAll(store, { now: T0 + DAY });
      assert.deepEqual(await store.claimRequests([third!]), [{ kind: 'CLAIMED', at: T0, digest: 'same' }]);
      await store.close();
    });

    test('those whose time is over are swept in steps, and no others', async () => {
      const store = await harness.open();
      const namespace = aNamespace();
      await store.claimRequests(claims(namespace, SWEEP_BATCH + 5));
      const lasting = aClaim({ namespace, requestId: 'lasting', until: T0 + DAY + 1 });
      await store.claimRequests([lasting]);
      assert.deepEqual(await sweepAll(store, { now: T0 + DAY - 1 }), [0]);
      assert.deepEqual(await sweepAll(store, { now: T0 + DAY }), [SWEEP_BATCH, 5, 0]);
      assert.deepEqual(await store.claimRequests([lasting]), [{ kind: 'BEGUN', at: T0, digest: 'same' }]);
      await store.close();
    });
  });

  const { reopen } = harness;
  if (reopen === undefined) return;
  describe(`${harness.name}: calls that have a name, after a start`, () => {
    test('are known as before, answered or not, and count', async () => {
      const before = await harness.open();
      const namespace = aNamespace();
      const [begun, answered] = [aClaim({ namespace }), aClaim({ namespace, requestId: 'b' })];
      await before.claimRequests([begun, answered]);
      await before.answerRequests([{ ...answered, answer: ANSWER }]);
      const store = await reopen(before, { requestsMax: 2 });
      const found = await store.claimRequests([begun, answered, aClaim({ namespace, requestId: 'c' })]);
      assert.deepEqual(
        found.map(({ kind }) => kind),
        ['BEGUN', 'ANSWERED', 'FULL'],
      );
      await store.close();
    });
  });
}
