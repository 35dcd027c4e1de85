import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Claim, claimAt, claimedId } from '../../src/domain/claim.ts';
import { isOwnForm, timeOfId } from '../../src/domain/id.ts';

describe('An id that is made for a claim', () => {
  const claim: Claim = { namespace: 'default', requestId: 'a', at: 1_767_225_600_000, resumed: false };

  it('is the same however often the call is begun', () => {
    assert.equal(claimedId('delivery', claim), claimedId('delivery', { ...claim, resumed: true }));
  });

  it('has the form of any other, and the time of the claim', () => {
    const id = claimedId('event', claim, '0');
    assert.ok(isOwnForm(id) && id.startsWith('evt_'));
    assert.equal(timeOfId(id), claim.at);
  });

  it('is another for everything else', () => {
    const ids = [
      claimedId('event', claim),
      claimedId('event', claim, 'a'),
      claimedId('event', claim, 'a', 'b'),
      claimedId('event', claim, 'ab'),
      claimedId('delivery', claim).replace('msg_', 'evt_'),
      claimedId('event', { ...claim, namespace: 'other' }),
      claimedId('event', { ...claim, requestId: 'b' }),
      claimedId('event', { ...claim, at: claim.at + 1 }),
      claimedId('event', claimAt(0, claim)),
      claimedId('event', claimAt(1, claim)),
      claimedId('event', claim, '0'),
      // A caller may name a call in any way, also as a place in another would be named.
      claimedId('event', { ...claim, requestId: '["a",0]' }),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });
});
