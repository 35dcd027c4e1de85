import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { serveInbox } from './serving.ts';

const MINUTE = 60_000;
/** Sooner than whatever else would end the wait. */
const SOON = 5_000;

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms).unref();
  });
  return Promise.race([promise, late]);
}

describe('a body that does not end', () => {
  it('is read to a bound, and its sender told so before it says that it is done', async () => {
    const options = { bodyBytesMax: 1_000, discardBytesMax: 10_000, bodyMs: MINUTE };
    await using served = await serveInbox({ options });
    const socket = connect(served.port, '127.0.0.1');
    const head = 'POST /inbox/joe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n';
    socket.write(head + 'x'.repeat(20_000));
    const [answer] = (await within(once(socket, 'data'), SOON)) as [Buffer];
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
  });
});

describe('an answer that is held back', () => {
  it('is given at once when the inbox closes', async () => {
    await using served = await serveInbox();
    await served.answer('joe', { delayMs: MINUTE, status: 202 });
    const answer = served.send('joe', { body: 'x' });
    await served.listed('joe', ({ requests }) => requests.length === 1);
    served.inbox.close();
    assert.equal((await within(answer, SOON)).status, 202);
  });
});
