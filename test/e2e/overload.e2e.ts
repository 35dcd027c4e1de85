import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { connectCall } from '../support/call.ts';
import { until } from '../support/pipeline.ts';
import { type CarillonProcess, startCarillon } from '../support/server.ts';

const MIB = 1024 * 1024;
const CALLERS = 120;
const WORK_BYTES_MAX = 16 * MIB;
/** What the process may grow by when 360 MiB of requests are sent: beside the bound there is what V8 has not collected. */
const GROWTH_MAX = 200 * MIB;

const event = { event: { type: 'a', text: 'x'.repeat(3_000) } };
const BODY = Buffer.from(JSON.stringify({ requests: Array.from({ length: 1_000 }, () => event) }));

describe('many callers with large batches', () => {
  it('who all send at once are bound in memory, others are answered meanwhile, and each is told what became of its own', async (t) => {
    const args = ['--work-bytes-max', `${WORK_BYTES_MAX}`];
    await using carillon = await startCarillon({ command: 'serve', args });
    const call = connectCall(carillon.url);
    await call('EventService/Publish', event);
    const before = await residentBytes(carillon);

    let sent = 0;
    const callers = Array.from({ length: CALLERS }, () => sender(carillon, () => sent++));
    t.after(() => {
      for (const { socket } of callers) socket.destroy();
    });
    await until(() => sent > 0);
    for (let i = 0; i < 20; i++) {
      await call('EventService/Publish', event);
      await call('WebhookService/List', {});
      const growth = (await residentBytes(carillon)) - before;
      assert.ok(growth < GROWTH_MAX, `it has grown by ${Math.round(growth / MIB)} MiB`);
    }
    for (const { finish } of callers) finish();
    const statuses = await Promise.all(callers.map(({ answer }) => answer));
    const told = new Set(statuses);
    assert.ok(told.has(200), 'some were taken');
    assert.deepEqual([...told.difference(new Set([200, 429]))], []);
    await call('EventService/Publish', event);
  });
});

interface Sender {
  readonly socket: Socket;
  /** Sends the end, once the rest is on its way. */
  finish(): void;
  /** The status of the answer. */
  readonly answer: Promise<number>;
}

/** Sends a batch, but for its last byte. */
function sender({ port }: CarillonProcess, onSent: () => void): Sender {
  const socket = connect({ port, host: '127.0.0.1' });
  const head = [
    'POST /carillon.v1.EventService/PublishBatch HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `content-length: ${BODY.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.write(BODY.subarray(0, -1), onSent);
  const answer = new Promise<number>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', (data) => resolve(Number(data.toString('latin1').split(' ')[1])));
  });
  answer.catch(() => {});
  return { socket, finish: () => void socket.write(BODY.subarray(-1)), answer };
}

async function residentBytes({ pid }: CarillonProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
