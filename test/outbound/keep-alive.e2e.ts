import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openReceiver, raw } from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

/** The default of Node's servers, and of Carillon's schedule: they meet at the same moment. */
const FIVE_SECONDS = 5_000;
const RUNS = 3;

/**
 * The worst case for a kept connection: a schedule as long as the time after which the receiver closes
 * an idle one. It runs beside the unit tests, since it takes as long as it says.
 */
describe('a schedule of 5 s to a receiver that closes idle connections after 5 s', {
  concurrency: true,
}, () => {
  it('never meets the close, when the receiver announces it', async () => {
    await using receiver = await openReceiver({ keepAliveTimeoutMs: FIVE_SECONDS });
    assert.deepEqual(await ringEvery(FIVE_SECONDS, receiver.url), answered(200));
  });

  it('never meets the close, when the receiver says nothing', async () => {
    await using receiver = await openReceiver({ keepAliveTimeoutMs: 60_000 });
    receiver.answer((exchange) => {
      raw('HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n', { keepOpen: true })(exchange);
      exchange.after(FIVE_SECONDS, () => void exchange.socket.end());
    });
    assert.deepEqual(await ringEvery(FIVE_SECONDS, receiver.url), answered(202));
    // Each run opened a connection of its own: we had closed the one before.
    assert.equal(receiver.connections, RUNS);
  });
});

function answered(status: number): string[] {
  return Array.from({ length: RUNS }, () => `answered ${status}`);
}

async function ringEvery(periodMs: number, url: string): Promise<string[]> {
  await using sender = aSender();
  const ring = async (run: number) => {
    await setTimeout(run * periodMs);
    return told(await sender.send(aRequest(url)));
  };
  return await Promise.all(Array.from({ length: RUNS }, (_, run) => ring(run)));
}
