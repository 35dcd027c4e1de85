import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { until } from '../support/pipeline.ts';
import { openReceiver } from '../support/receiver.ts';
import { type CarillonProcess, startCarillon } from '../support/server.ts';

/** What is wrong with the server's own machine is not held against destinations. */

interface Shown {
  readonly state: string;
  readonly attemptCount: number;
  readonly attempts?: readonly { readonly errorClass?: string; readonly responseStatus?: number }[];
}

async function call<T>(carillon: CarillonProcess, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${carillon.url}/v1/${path}`, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

async function deliveries(carillon: CarillonProcess): Promise<Shown[]> {
  const listed = await call<{ deliveries?: { id: string }[] }>(carillon, 'deliveries');
  const read = async (id: string) => (await call<{ delivery: Shown }>(carillon, `deliveries/${id}`)).delivery;
  return Promise.all((listed.deliveries ?? []).map(({ id }) => read(id)));
}

/** Takes all the descriptors that the server has left, by connecting to it. Returns a way to give them back. */
async function takeDescriptors({ port }: CarillonProcess, count: number): Promise<() => void> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    await once(socket, 'connect');
    sockets.push(socket);
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

describe('a server whose file descriptors are used up', () => {
  it('tries again without a cost to the delivery, and says whose fault it was', async () => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev', openFilesMax: 80 });
    // The second has to be looked up, which needs a file too.
    for (const destination of [receiver.url, `http://localhost:${receiver.port}`]) {
      const webhook = { name: 'once', destination, eventTypes: ['*'], retryPolicy: { maxAttempts: 1 } };
      await call(carillon, 'webhooks', webhook);
    }
    await call(carillon, 'events?delay=1s', { type: 'a', text: 'x' });
    const giveBack = await takeDescriptors(carillon, 120);
    await carillon.logged(({ errorClass }) => errorClass === 'LOCAL', 4);
    giveBack();
    await receiver.received(2, 20_000);
    const found = await until(async () => {
      const all = await deliveries(carillon);
      return all.every(({ state }) => state === 'STATE_SUCCEEDED') ? all : undefined;
    });
    for (const { attempts } of found) {
      const classes = attempts!.map(({ errorClass, responseStatus }) => errorClass || responseStatus);
      assert.deepEqual([...new Set(classes)], ['LOCAL', 200]);
      // It waits longer each time.
      assert.ok(classes.length <= 6, `${classes.length} attempts`);
    }
    const shown = await call<{ webhooks: { failingSinceTime?: string; holdReason?: string }[] }>(
      carillon,
      'webhooks',
    );
    for (const { failingSinceTime, holdReason } of shown.webhooks)
      assert.deepEqual([failingSinceTime, holdReason], [undefined, undefined]);
  });
});

describe('a server that is suspended (SIGSTOP) while destinations answer', () => {
  it('takes their answers for what they are, and sends nothing again', async () => {
    await using receiver = await openReceiver();
    receiver.answer(({ response, after }) => after(500, () => response.writeHead(200).end('ok')));
    await using carillon = await startCarillon({ command: 'dev' });
    const webhook = { name: 'slow', destination: receiver.url, eventTypes: ['*'], timeout: '1s' };
    await call(carillon, 'webhooks', webhook);
    const requests = Array.from({ length: 5 }, (_, i) => ({ event: { type: 'a', text: String(i) } }));
    await call(carillon, 'events:publishBatch', { requests });
    await receiver.received(5);
    carillon.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    carillon.kill('SIGCONT');
    const found = await until(async () => {
      const all = await deliveries(carillon);
      return all.every(({ attemptCount }) => attemptCount > 0) ? all : undefined;
    });
    assert.deepEqual(
      found.map(({ state, attemptCount }) => [state, attemptCount]),
      Array.from({ length: 5 }, () => ['STATE_SUCCEEDED', 1]),
    );
    assert.equal(receiver.requests.length, 5);
  });
});
