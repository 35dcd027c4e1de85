import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBodies } from '../../src/dispatch/bodies.ts';
import type { EventBody } from '../../src/domain/event/event.ts';
import { anEvent } from '../support/store.ts';

function sized(bytes: number): EventBody {
  return anEvent({ contentType: 'application/octet-stream', body: new Uint8Array(bytes) });
}

/** The same numbers each time (Park and Miller's "minimal standard"). */
function minimal(): { unit(): number } {
  const MODULUS = 2 ** 31 - 1;
  let last = 1;
  return {
    unit() {
      last = (last * 16_807) % MODULUS;
      return last / MODULUS;
    },
  };
}

describe('bodies at hand', () => {
  it('are put into each format once', () => {
    const bodies = createBodies(minimal());
    const held = bodies.add(anEvent());
    for (const format of ['BODY', 'ENVELOPE', 'CLOUDEVENTS_BINARY', 'CLOUDEVENTS_STRUCTURED'] as const)
      assert.equal(bodies.present(held, format), bodies.present(held, format));
    const rendered = { headers: { 'x-a': '1' } };
    const own = bodies.present(held, 'ENVELOPE', rendered);
    assert.equal(own.body, bodies.present(held, 'ENVELOPE').body);
    assert.deepEqual(own.headers, rendered.headers);
  });

  it('are kept until the last delivery that is known of is finished', () => {
    const bodies = createBodies(minimal());
    const { event } = bodies.add(anEvent());
    for (let i = 0; i < 3; i++) bodies.hold(event.id);
    bodies.release(event.id);
    bodies.release(event.id);
    assert.equal(bodies.get(event.id)?.event, event);
    bodies.release(event.id);
    assert.equal(bodies.get(event.id), undefined);
  });

  it('are dropped at once when they were erased', () => {
    const bodies = createBodies(minimal());
    const { event } = bodies.add(anEvent());
    bodies.hold(event.id);
    bodies.drop(event.id);
    assert.equal(bodies.get(event.id), undefined);
  });

  it('take no more room than there is, formats counted', () => {
    const bodies = createBodies(minimal(), 10_000);
    const all = [sized(4_000), sized(4_000), sized(400)].map((event) => bodies.add(event));
    const kept = () => all.filter(({ event }) => bodies.get(event.id) !== undefined);
    assert.deepEqual(kept(), all);
    // As base64 it is more than there is room for beside the others.
    bodies.present(all[2]!, 'ENVELOPE');
    assert.equal(kept().length, 2);
    // What is not kept any more still goes out, and takes no room.
    const dropped = all.find((held) => !kept().includes(held))!;
    const before = kept();
    assert.ok(bodies.present(dropped, 'ENVELOPE').body.length > dropped.event.body.length);
    assert.deepEqual(kept(), before);
  });

  it('of which there are too many are dropped at all ages', () => {
    const bodies = createBodies(minimal(), 100_000);
    const ids = Array.from({ length: 200 }, () => bodies.add(sized(500)).event.id);
    const isKept = ids.map((id) => bodies.get(id) !== undefined);
    assert.equal(isKept.filter(Boolean).length, 100);
    for (let from = 0; from < 200; from += 40) {
      const kept = isKept.slice(from, from + 40).filter(Boolean).length;
      assert.ok(kept > 5, `${kept} of the 40 from ${from} on are kept`);
    }
  });
});
