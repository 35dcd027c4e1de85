import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startDeadline } from '../../src/outbound/deadline.ts';
import { manualClock } from '../support/clock.ts';
import { openReceiver } from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

/** A receiver in a thread of its own, which goes on while this one stands still: it answers 100 ms after each request. */
async function openThread(answer: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => setTimeout(() => socket.write(${JSON.stringify(answer)}), 100));
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(code, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

/**
 * This thread does nothing at all for so long, as if its process had been suspended. It begins with that where timers
 * come next, and sockets after them.
 */
async function standStill(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function aWhile(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('an attempt during which the process was suspended', () => {
  it('has the answer that came in meanwhile, though its deadline has passed', async () => {
    await using thread = await openThread(OK);
    await using sender = aSender();
    const sent = Array.from({ length: 5 }, () => sender.send(aRequest(thread.url, { timeoutMs: 300 })));
    await aWhile(50);
    await standStill(600);
    assert.deepEqual(
      (await Promise.all(sent)).map(told),
      Array.from({ length: 5 }, () => 'answered 200'),
    );
  });

  it('is not held against a destination that has not answered', async () => {
    await using thread = await openThread('');
    await using sender = aSender();
    const sent = sender.send(aRequest(thread.url, { timeoutMs: 300 }));
    await aWhile(50);
    await standStill(1_500);
    assert.match(
      told(await sent),
      /^LOCAL: no answer from 127\.0\.0\.1:\d+ within 300 ms; Carillon was suspended, or overloaded, for 1\.\d s of that$/,
    );
  });

  it('is not held against it either when the machine was asleep, of which only the wall clock knows', async () => {
    await using receiver = await openReceiver();
    receiver.answer(({ socket }) => socket.resetAndDestroy());
    const clock = manualClock(0);
    await using sender = aSender({ clock });
    const sent = sender.send(aRequest(receiver.url));
    clock.jump(3_600_000);
    assert.match(told(await sent), /^LOCAL: .* slept for 3600\.0 s, or its clock was set$/);
  });
});

describe('a deadline', () => {
  it('says nothing of being held up when it was not, and does not come once it was called off', async () => {
    const over: number[] = [];
    const clock = manualClock(0);
    startDeadline(clock, 5, (heldUpMs) => over.push(heldUpMs));
    startDeadline(clock, 5, () => over.push(-1))();
    const callOff = startDeadline(clock, 10, () => over.push(-2));
    setTimeout(() => setImmediate(callOff), 10);
    await new Promise((resolve) => startDeadline(clock, 40, resolve));
    assert.deepEqual(over, [0]);
  });
});
