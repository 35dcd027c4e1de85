import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStreamShares } from '../../../src/rpc/transport/stream-shares.ts';

describe('The streams of a port', () => {
  it('are shared so that an address may have as many as it leaves free', () => {
    const shares = createStreamShares(100);
    const openAll = (...addresses: string[]) => {
      const counts = addresses.map(() => 0);
      for (let turn = 0; turn < 100; turn++)
        for (const [i, address] of addresses.entries()) if (shares.open(address) !== undefined) counts[i]!++;
      return counts;
    };
    assert.deepEqual(openAll('192.0.2.1'), [50]);
    assert.deepEqual(openAll('192.0.2.1', '192.0.2.2', '192.0.2.3'), [0, 17, 17]);
    assert.notEqual(shares.open('192.0.2.4'), undefined);
  });

  it('are free again when they end', () => {
    const shares = createStreamShares(4);
    const ends = [shares.open('192.0.2.1'), shares.open('192.0.2.1')];
    assert.equal(shares.open('192.0.2.1'), undefined);
    for (const end of ends) end?.();
    for (let i = 0; i < 2; i++) assert.notEqual(shares.open('192.0.2.1'), undefined);
  });

  it('are counted for half of an address of IPv6, of which everybody has many', () => {
    const shares = createStreamShares(4);
    assert.notEqual(shares.open('2001:db8::1'), undefined);
    assert.notEqual(shares.open('2001:db8::2'), undefined);
    assert.equal(shares.open('2001:db8::3'), undefined);
    assert.notEqual(shares.open('2001:db8:1::3'), undefined);
  });
});
