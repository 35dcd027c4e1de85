import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createArrivals,
  FIRST_PLACE,
  LAST_PLACE,
  PUT_BACK_MAX_MS,
  precedes,
} from '../../../src/domain/delivery/order.ts';

const NOW = 1_000_000;

describe('order', () => {
  it('goes by the time of first being due, and by arrival where that is the same', () => {
    const [early, late] = [
      { firstDueAt: NOW, ord: 9 },
      { firstDueAt: NOW + 1, ord: 1 },
    ];
    assert.ok(precedes(early, late));
    assert.ok(!precedes(late, early));
    assert.ok(precedes(early, { ...early, ord: 10 }));
    assert.ok(!precedes(early, early));
    for (const place of [early, late]) assert.ok(precedes(FIRST_PLACE, place) && precedes(place, LAST_PLACE));
  });

  it('places nothing that is due at once before what came in earlier', () => {
    const placeOf = createArrivals();
    const places = [NOW, NOW - 5, NOW + 1, NOW + 1 - PUT_BACK_MAX_MS].map((now) => placeOf(now, now));
    assert.deepEqual(places, [NOW, NOW, NOW + 1, NOW + 1]);
  });

  it('places what is delayed where it is due, and nothing behind it', () => {
    const placeOf = createArrivals();
    assert.equal(placeOf(NOW + 500, NOW), NOW + 500);
    assert.equal(placeOf(NOW + 1, NOW + 1), NOW + 1);
  });

  it('takes the time before a great step back for wrong', () => {
    const placeOf = createArrivals();
    const before = NOW + PUT_BACK_MAX_MS + 1;
    assert.deepEqual(
      [placeOf(before, before), placeOf(NOW, NOW), placeOf(NOW + 1, NOW + 1)],
      [before, NOW, NOW + 1],
    );
  });
});
