import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBodies } from '../../src/dispatch/bodies.ts';
import type { EventBody } from '../../src/domain/event.ts';
import { anEvent } from '../support/store.ts';

function sized(bytes: number): EventBody {
  return anEvent({ contentType: 'application/octet-stream', body: new Uint8Array(bytes) });
}

describe('bodies at hand', () => {
  it('are put into each format once', () => {
    const bodies = createBodies();
    const held = bodies.add(anEvent());
    for (const format of ['BODY', 'ENVELOPE', 'CLOUDEVENTS_BINARY', 'CLOUDEVENTS_STRUCTURED'] as const)
      assert.equal(bodies.present(held, format), bodies.present(held, format));
    const rendered = { headers: { 'x-a': '1' } };
    const own = bodies.present(held, 'ENVELOPE', rendered);
    assert.equal(own.body, bodies.present(held, 'ENVELOPE').body);
    assert.deepEqual(own.headers, rendered.headers);
  });

  it('are kept until the last delivery that is known of is finished', () => {
    const bodies = createBodies();
    const { event } = bodies.add(anEvent());
    for (let i = 0; i < 3; i++) bodies.hold(event.id);
    bodies.release(event.id);
    bodies.release(event.id);
    assert.equal(bodies.get(event.id)?.event, event);
    bodies.release(event.id);
    assert.equal(bodies.get(event.id), undefined);
  });

  it('are dropped at once when they were erased', () => {
    const bodies = createBodies();
    const { event } = bodies.add(anEvent());
    bodies.hold(event.id);
    bodies.drop(event.id);
    assert.equal(bodies.get(event.id), undefined);
  });

  it('take no more room than there is, formats counted, the longest held going first', () => {
    const bodies = createBodies(10_000);
    const [first, second, third] = [sized(4_000), sized(4_000), sized(400)].map((event) => bodies.add(event));
    const inMemory = (): boolean[] =>
      [first, second, third].map((held) => bodies.get(held!.event.id) !== undefined);
    assert.deepEqual(inMemory(), [true, true, true]);
    // As base64 it is more than there is room for beside the others.
    bodies.present(third!, 'ENVELOPE');
    assert.deepEqual(inMemory(), [false, true, true]);
    // What is not kept any more still goes out.
    assert.ok(bodies.present(first!, 'ENVELOPE').body.length > 4_000);
    assert.deepEqual(inMemory(), [false, true, true]);
  });
});
