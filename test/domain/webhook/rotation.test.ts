import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  liveSecrets,
  OLD_SECRETS_MAX,
  rotated,
  type SigningSecret,
  withdrawn,
} from '../../../src/domain/webhook/rotation.ts';
import { aSecret, T0 } from '../../support/store.ts';

const HOUR = 3_600_000;
const idsOf = (secrets: readonly SigningSecret[] | string) =>
  typeof secrets === 'string' ? secrets : secrets.map(({ id, expiresAt }) => [id, expiresAt]);

describe('A rotation of signing secrets', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => aSecret({ id })) as [
    SigningSecret,
    SigningSecret,
    SigningSecret,
  ];

  it('lets the secret before sign for the overlap, and none for longer than it was to', () => {
    const first = rotated([a], b, { now: T0, overlapMs: 2 * HOUR });
    assert.deepEqual(idsOf(first), [
      ['b', undefined],
      ['a', T0 + 2 * HOUR],
    ]);
    const second = rotated(first as SigningSecret[], c, { now: T0 + HOUR, overlapMs: 24 * HOUR });
    assert.deepEqual(idsOf(second), [
      ['c', undefined],
      ['b', T0 + 25 * HOUR],
      ['a', T0 + 2 * HOUR],
    ]);
    const sooner = rotated(second as SigningSecret[], a, { now: T0 + HOUR, overlapMs: HOUR / 2 });
    assert.deepEqual(idsOf(sooner), [
      ['a', undefined],
      ['c', T0 + 1.5 * HOUR],
      ['b', T0 + 1.5 * HOUR],
    ]);
  });

  it('ends them all at once without an overlap', () => {
    const before = rotated([a], b, { now: T0, overlapMs: HOUR }) as SigningSecret[];
    assert.deepEqual(idsOf(rotated(before, c, { now: T0, overlapMs: 0 })), [['c', undefined]]);
  });

  it('is refused where too many would sign, of which those that have ended are none', () => {
    const old = Array.from({ length: OLD_SECRETS_MAX - 1 }, () => aSecret({ expiresAt: T0 + HOUR }));
    const full = rotated([a, ...old], b, { now: T0, overlapMs: HOUR });
    assert.equal(full.length, OLD_SECRETS_MAX + 1);
    assert.equal(rotated(full as SigningSecret[], c, { now: T0, overlapMs: HOUR }), 'FULL');
    assert.equal(rotated(full as SigningSecret[], c, { now: T0 + HOUR, overlapMs: HOUR }).length, 2);
  });
});

describe('A secret that is withdrawn', () => {
  const [newest, old, ended] = [
    aSecret({ id: 'newest' }),
    aSecret({ id: 'old', expiresAt: T0 + 1 }),
    aSecret({ id: 'ended', expiresAt: T0 }),
  ];
  const all = [newest, old, ended];

  it('signs no more, and lets the one before it sign on if it was the newest', () => {
    assert.deepEqual(idsOf(withdrawn(all, 'old', T0)), [['newest', undefined]]);
    assert.deepEqual(idsOf(withdrawn(all, 'newest', T0)), [['old', undefined]]);
  });

  it('must be there and still sign, and must not be the only one', () => {
    assert.equal(withdrawn(all, 'ended', T0), 'NONE');
    assert.equal(withdrawn(all, 'other', T0), 'NONE');
    assert.equal(withdrawn([newest], 'other', T0), 'NONE');
    assert.equal(withdrawn([newest, ended], 'newest', T0), 'LAST');
  });
});

it('Whatever is done to the secrets of a webhook, the first never ends and the others do, and all are few', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('rotate' as const), overlapMs: fc.nat(50), from: fc.nat(12) }),
    fc.record({ kind: fc.constant('withdraw' as const), at: fc.nat(12) }),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ step, laterMs: fc.nat(20) }), { maxLength: 60 }), (steps) => {
      let now = T0;
      let secrets: readonly SigningSecret[] = [aSecret()];
      for (const { step, laterMs } of steps) {
        now += laterMs;
        const live = liveSecrets(secrets, now);
        const next =
          step.kind === 'rotate'
            ? rotated(secrets, live[step.from] ?? aSecret(), { now, overlapMs: step.overlapMs })
            : withdrawn(secrets, live[step.at]?.id ?? 'none', now);
        if (typeof next !== 'string') secrets = next;
        const [first, ...rest] = liveSecrets(secrets, now);
        assert.equal(first?.expiresAt, undefined);
        assert.ok(first !== undefined && rest.length <= OLD_SECRETS_MAX);
        assert.ok(rest.every(({ expiresAt = 0 }) => expiresAt > now));
        assert.equal(new Set(secrets.map(({ id }) => id)).size, secrets.length);
      }
    }),
  );
});
