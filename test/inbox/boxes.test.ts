import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_ANSWER } from '../../src/inbox/answer.ts';
import { DEFAULT_BOUNDS, type InboxBounds } from '../../src/inbox/bounds.ts';
import { type BoxSummary, createBoxes } from '../../src/inbox/boxes.ts';
import { costBytes, type Received } from '../../src/inbox/received.ts';

function aRequest(bytes = 0): Omit<Received, 'number'> {
  return {
    receivedAt: 1_000,
    method: 'POST',
    path: '/inbox/a',
    httpVersion: '1.1',
    headers: [],
    body: new Uint8Array(bytes),
    bytes,
    webhookId: null,
    attempt: null,
    refused: null,
    signature: { state: 'unsigned' },
    answer: { status: 200, delayMs: 0, retryAfter: null, state: 'sent' },
  };
}

function boxesWith(bounds: Partial<InboxBounds>) {
  const told: BoxSummary[] = [];
  const boxes = createBoxes({
    bounds: { ...DEFAULT_BOUNDS, ...bounds },
    onChange: (summary) => told.push(summary),
  });
  const numbers = (name: string) => boxes.list(name).map(({ number }) => number);
  return { boxes, told, numbers };
}

describe('the inboxes in memory', () => {
  it('number requests from 1 and list the newest first', () => {
    const { boxes, numbers } = boxesWith({});
    for (let i = 0; i < 3; i++) boxes.add('a', aRequest());
    assert.deepEqual(numbers('a'), [3, 2, 1]);
  });

  it('drop the oldest request of an inbox that has too many, and count it', () => {
    const { boxes, numbers } = boxesWith({ requestsMax: 2 });
    for (let i = 0; i < 5; i++) boxes.add('a', aRequest());
    assert.deepEqual(numbers('a'), [5, 4]);
    const { kept, received, dropped, oldest } = boxes.summary('a');
    assert.deepEqual({ kept, received, dropped, oldest }, { kept: 2, received: 5, dropped: 3, oldest: 4 });
  });

  it('drop the oldest request of all when the bytes of all are too many', () => {
    const totalBytesMax = 3 * costBytes(aRequest(100));
    const { boxes, numbers } = boxesWith({ totalBytesMax });
    boxes.add('a', aRequest(100));
    boxes.add('b', aRequest(100));
    boxes.add('a', aRequest(100));
    boxes.add('b', aRequest(100));
    assert.deepEqual(numbers('a'), [2]);
    assert.deepEqual(numbers('b'), [2, 1]);
  });

  it('tell those who watch an inbox that lost a request to another one', () => {
    const { boxes, told } = boxesWith({ totalBytesMax: costBytes(aRequest(100)) });
    boxes.add('a', aRequest(100));
    told.length = 0;
    boxes.add('b', aRequest(100));
    assert.deepEqual(
      told.map(({ name, kept, oldest }) => ({ name, kept, oldest })),
      [
        { name: 'a', kept: 0, oldest: 2 },
        { name: 'b', kept: 1, oldest: 1 },
      ],
    );
  });

  it('keep a request that is larger than the bound of all, alone', () => {
    const { boxes, numbers } = boxesWith({ totalBytesMax: 10 });
    boxes.add('a', aRequest(100));
    boxes.add('a', aRequest(100));
    assert.deepEqual(numbers('a'), [2]);
  });

  it('give the bytes of what was cleared back', () => {
    const { boxes, numbers } = boxesWith({ totalBytesMax: 2 * costBytes(aRequest(100)) });
    boxes.add('a', aRequest(100));
    boxes.add('a', aRequest(100));
    boxes.clear('a');
    boxes.add('b', aRequest(100));
    boxes.add('b', aRequest(100));
    assert.deepEqual(numbers('b'), [2, 1]);
    assert.equal(boxes.summary('a').keptBytes, 0);
  });

  it('drop the inbox that has been quiet for longest when there are too many names', () => {
    const { boxes, told } = boxesWith({ namesMax: 2 });
    boxes.setAnswer('a', { ...DEFAULT_ANSWER, status: 503 });
    boxes.add('b', aRequest());
    boxes.add('a', aRequest());
    told.length = 0;
    boxes.add('c', aRequest());
    assert.deepEqual(
      boxes.summaries().map(({ name }) => name),
      ['c', 'a'],
    );
    assert.deepEqual(
      told.map(({ name, received }) => ({ name, received })),
      [
        { name: 'b', received: 0 },
        { name: 'c', received: 1 },
      ],
    );
    assert.equal(boxes.summary('a').answer.status, 503);
  });

  it('keep the answer and the numbering of an inbox that is cleared', () => {
    const { boxes } = boxesWith({});
    boxes.setAnswer('a', { ...DEFAULT_ANSWER, status: 503 });
    boxes.add('a', aRequest());
    boxes.clear('a');
    assert.equal(boxes.summary('a').answer.status, 503);
    assert.equal(boxes.add('a', aRequest()).number, 2);
  });

  it('do not bring a request back that was dropped before its verdict came', () => {
    const { boxes } = boxesWith({ requestsMax: 1 });
    boxes.add('a', aRequest());
    boxes.add('a', aRequest());
    boxes.update('a', 1, { signature: { state: 'valid' } });
    boxes.update('b', 1, { signature: { state: 'valid' } });
    assert.equal(boxes.get('a', 1), undefined);
    assert.equal(boxes.get('a', 2)?.signature.state, 'unsigned');
  });

  it('are not made by looking', () => {
    const { boxes } = boxesWith({});
    assert.equal(boxes.summary('a').received, 0);
    assert.deepEqual(boxes.list('a'), []);
    boxes.clear('a');
    assert.deepEqual(boxes.summaries(), []);
  });
});
