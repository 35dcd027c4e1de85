import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { takeOne } from '../../../src/domain/access/rate.ts';
import { createWrongKeys } from '../../../src/domain/access/wrong-keys.ts';

describe('A rate limit', () => {
  it('lets so many go at once, and then one for each part of a second', () => {
    let paidAt = 0;
    const at = (now: number) => {
      const taken = takeOne({ perSecond: 4, burst: 3 }, paidAt, now);
      if ('paidAt' in taken) paidAt = taken.paidAt;
      return 'waitMs' in taken ? taken.waitMs : 'taken';
    };
    assert.deepEqual([at(1000), at(1000), at(1000)], ['taken', 'taken', 'taken']);
    assert.deepEqual([at(1000), at(1200)], [250, 50]);
    assert.deepEqual([at(1250), at(1250)], ['taken', 250]);
    // A long rest saves up no more than the burst.
    assert.deepEqual([at(60_000), at(60_000), at(60_000), at(60_000)], ['taken', 'taken', 'taken', 250]);
  });

  it('is not made finer or coarser by fractions', () => {
    let paidAt = 0;
    let taken = 0;
    for (let now = 0; now <= 10_000; now += 1) {
      const one = takeOne({ perSecond: 3, burst: 3 }, paidAt, now);
      if ('paidAt' in one) {
        paidAt = one.paidAt;
        taken++;
      }
    }
    assert.equal(taken, 33);
  });
});

describe('Calls without a good key', () => {
  it('are counted for each address', () => {
    const wrongKeys = createWrongKeys({ perSecond: 1, burst: 2 });
    const count = (address: string, now = 0) => wrongKeys.count(address, now);
    assert.deepEqual(
      [count('192.0.2.1'), count('192.0.2.1'), count('192.0.2.1')],
      [undefined, undefined, 1000],
    );
    assert.equal(count('192.0.2.2'), undefined);
    assert.equal(count('192.0.2.1', 1000), undefined);
  });

  it('come from one address, however it is written, and from one network of IPv6', () => {
    const same = [
      ['192.0.2.1', '::ffff:192.0.2.1'],
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
      ['2001:db8::1', '2001:db8:0:0:9::'],
      ['fe80::1%eth0', 'fe80::2%eth0'],
      ['fe80::1%br-lan', 'fe80::2%br-lan'],
      ['::1', '::2'],
    ];
    for (const [one = '', other = ''] of same) {
      const wrongKeys = createWrongKeys({ perSecond: 1, burst: 1 });
      assert.equal(wrongKeys.count(one, 0), undefined);
      assert.equal(wrongKeys.count(other, 0), 1000, `${one} and ${other}`);
      assert.equal(wrongKeys.count('2001:db8:1:3::1', 0), undefined);
    }
  });

  it('are remembered of a bounded number of addresses', () => {
    const wrongKeys = createWrongKeys({ perSecond: 1, burst: 1 });
    wrongKeys.count('192.0.2.1', 0);
    for (let i = 0; i < 40_000; i++) wrongKeys.count(`10.0.${i >> 8}.${i & 255}`, 0);
    assert.equal(wrongKeys.count('192.0.2.1', 0), undefined);
  });
});
