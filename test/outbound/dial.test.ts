import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { ErrorClass } from '../../src/domain/delivery/attempt.ts';
import { type DialRequest, dial } from '../../src/outbound/dial.ts';

function addresses(...all: readonly string[]): LookupAddress[] {
  return all.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
}

interface Dialled {
  readonly errorClass: ErrorClass | undefined;
  readonly message: string | undefined;
  readonly remote: string | undefined;
  readonly opened: number;
}

/** Dials, and drops whatever came of it. With a code, the socket of that place fails with it. */
function dialled(
  request: Pick<DialRequest, 'addresses' | 'port'>,
  codes: readonly (string | undefined)[] = [],
): Promise<Dialled> {
  const sockets: Socket[] = [];
  function opened(socket: Socket): void {
    const code = codes[sockets.push(socket) - 1];
    if (code !== undefined) socket.destroy(Object.assign(new Error(code), { code }));
  }
  return new Promise((resolve) => {
    dial({ ...request, peer: `example.com:${request.port}`, opened }, (failure, socket) => {
      const { errorClass, message } = failure ?? {};
      resolve({ errorClass, message, remote: socket?.remoteAddress, opened: sockets.length });
      for (const each of sockets) each.destroy();
    });
  });
}

async function aClosedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * An address that takes part in no handshake: its process listens and never accepts, and the few places
 * in its queue are taken.
 */
async function aSilentPort(): Promise<{ port: number } & AsyncDisposable> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const worker = new Worker(code, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const queued: Socket[] = [];
  for (let full = false; !full; ) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    queued.push(socket);
    full = await Promise.race([
      once(socket, 'connect').then(() => false),
      new Promise<true>((resolve) => setTimeout(resolve, 100, true)),
    ]);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy();
      await worker.terminate();
    },
  };
}

describe('dialling a host of many addresses', () => {
  it('tries six of them, one family after the other in turn', async () => {
    const port = await aClosedPort();
    const all = addresses(
      '127.0.0.1',
      '127.0.0.2',
      '127.0.0.3',
      '127.0.0.4',
      '127.0.0.5',
      '::1',
      '127.0.0.6',
    );
    const { message, opened } = await dialled({ addresses: all, port });
    assert.match(
      message ?? '',
      /\(127\.0\.0\.1, ::1, 127\.0\.0\.2, 127\.0\.0\.3, 127\.0\.0\.4, 127\.0\.0\.5\)$/,
    );
    assert.equal(opened, 6);
  });

  it('goes on to the next when one refuses', async () => {
    const server = createServer().listen(0, '127.0.0.2');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { remote, opened } = await dialled({ addresses: addresses('127.0.0.1', '127.0.0.2'), port });
    server.close();
    assert.deepEqual([remote, opened], ['127.0.0.2', 2]);
  });

  it('tries the next beside one that does not answer', async () => {
    await using silent = await aSilentPort();
    const { port } = silent;
    const server = createServer().listen(port, '127.0.0.2');
    await once(server, 'listening');
    const { remote } = await dialled({ addresses: addresses('127.0.0.1', '127.0.0.2'), port });
    server.close();
    assert.equal(remote, '127.0.0.2');
  });

  it('tells of the last failure, or of the first trouble of our own where there was nothing else', async () => {
    const port = await aClosedPort();
    const all = addresses('127.0.0.1', '127.0.0.2', '127.0.0.3');
    for (const [codes, expected] of [
      [['EHOSTUNREACH', 'EMFILE', 'ECONNREFUSED'], /^CONNECT: connection refused by/],
      [['EMFILE', 'EHOSTUNREACH', 'ENOBUFS'], /^CONNECT: no route to/],
      [['EMFILE', 'ENFILE', 'ENOBUFS'], /^LOCAL: .*\(EMFILE\)$/],
    ] as const) {
      const { errorClass, message } = await dialled({ addresses: all, port }, codes);
      assert.match(`${errorClass}: ${message}`, expected);
    }
  });
});
