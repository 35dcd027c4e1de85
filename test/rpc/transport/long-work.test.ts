import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { PublishBatchRequestSchema, PublishRequestSchema } from '../../../gen/carillon/v1/event_pb.ts';
import { DomainError, madeOrError } from '../../../src/domain/error.ts';
import { createTurns } from '../../../src/publish/turns.ts';
import { contentOf } from '../../../src/rpc/canonical.ts';
import { parseJson, parseLongJson } from '../../../src/rpc/transport/json-text.ts';
import { parseText } from '../../../src/rpc/transport/message.ts';

/** A machine so slow that each look at the clock takes a millisecond. */
function slowTurns() {
  let steady = 0;
  return createTurns({ monotonic: () => steady++ });
}

/** How often the event loop went round while something was done: each is a turn for others. */
async function roundsOf(work: () => Promise<unknown>): Promise<number> {
  let rounds = 0;
  let over = false;
  const count = () => {
    rounds++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work();
  over = true;
  return rounds;
}

const requests = Array.from({ length: 1_000 }, (_, i) => ({ event: { type: 'a', id: `event-${i}` } }));

describe('A large request', () => {
  it('leaves turns to others while its JSON is parsed, and is the same', async () => {
    const text = JSON.stringify({ namespace: 'default', requests, requestId: 'once' });
    let value: unknown;
    const rounds = await roundsOf(async () => {
      value = await parseLongJson(text, slowTurns());
    });
    assert.ok(rounds > 100, `${rounds} rounds`);
    assert.deepEqual(value, parseJson(text));
  });

  it('is parsed in turns where it is long, and at once where it is short', async () => {
    const long = parseText(JSON.stringify({ requests, requestId: 'x'.repeat(64 * 1024) }), 'the body');
    assert.ok(long instanceof Promise);
    assert.deepEqual((await long).duplicates, []);
    assert.deepEqual(parseText('{"requestId": "x"}', 'the body'), {
      value: { requestId: 'x' },
      duplicates: [],
    });
  });

  it('is refused for what is wrong with its JSON, wherever it is', async () => {
    for (const text of [
      '{"requests": [1, 2',
      '{"requests": [1,]}',
      '{"a": 1} 2',
      '[1',
      '',
      '{"a": [], "a": }',
    ]) {
      const refused = madeOrError(() => parseJson(text));
      assert.ok(refused instanceof DomainError, text);
      const { reason, message } = refused;
      await assert.rejects(parseLongJson(text, slowTurns()), { reason, message });
    }
  });

  it('leaves turns to others while it is compared by its request_id', async () => {
    const message = create(PublishBatchRequestSchema, { requests });
    const rounds = await roundsOf(() =>
      contentOf(PublishBatchRequestSchema, message, () => false, slowTurns()),
    );
    assert.ok(rounds > 100, `${rounds} rounds`);
  });

  it('has one content, whatever its turns, without what is left out', async () => {
    const message = create(PublishBatchRequestSchema, { requests: requests.slice(0, 2), requestId: 'once' });
    const content = (isLeftOut: (name: string) => boolean) =>
      contentOf(PublishBatchRequestSchema, message, ({ name }) => isLeftOut(name), slowTurns()).then(
        (bytes) => JSON.parse(new TextDecoder().decode(bytes)),
      );
    const field = PublishBatchRequestSchema.field.requests.number;
    const event = PublishRequestSchema.field.event.number;
    const all = await content(() => false);
    const rest = await content((name) => name === 'request_id');
    assert.equal(all.length, 2);
    assert.equal(rest.length, 1);
    assert.deepEqual(rest[0][0], String(field));
    assert.deepEqual(
      rest[0][1].map((item: readonly (readonly unknown[])[]) => item[0]![0]),
      [String(event), String(event)],
    );
  });
});
