import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { until } from '../support/pipeline.ts';
import { openReceiver, receiverCertificate, status } from '../support/receiver.ts';
import { aLookup, aRequest, aSender, told } from '../support/sender.ts';

const trustedCertificates = receiverCertificate();
const lookup = aLookup({
  localhost: [['127.0.0.1']],
  'receiver.example': [['127.0.0.1']],
  'receiver.example.': [['127.0.0.1']],
  'other.example': [['127.0.0.1']],
});

describe('sending over TLS', () => {
  it('does not send to a receiver whose certificate nobody vouches for', async () => {
    await using receiver = await openReceiver({ tls: true });
    await using sender = aSender();
    const outcome = await sender.send(aRequest(receiver.url));
    assert.match(
      told(outcome),
      /^TLS: the certificate is self-signed: localhost:\d+ \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/,
    );
    assert.equal(receiver.requests.length, 0);
  });

  for (const host of ['localhost', 'receiver.example', 'receiver.example.', '127.0.0.1']) {
    it(`sends to ${host} when the certificate is for it and trusted`, async () => {
      await using receiver = await openReceiver({ tls: true });
      await using sender = aSender({ trustedCertificates, lookup });
      const outcome = await sender.send(aRequest(`https://${host}:${receiver.port}/`));
      assert.equal(told(outcome), 'answered 200');
    });
  }

  it('does not send to a host that the certificate is not for, though it leads to the same address', async () => {
    await using receiver = await openReceiver({ tls: true });
    await using sender = aSender({ trustedCertificates, lookup });
    const url = `https://localhost:${receiver.port}/`;
    assert.equal(told(await sender.send(aRequest(url))), 'answered 200');
    const outcome = await sender.send(aRequest(`https://other.example:${receiver.port}/`));
    assert.match(told(outcome), /^TLS: the certificate is for another host: other\.example/);
    assert.equal(receiver.requests.length, 1);
  });

  it('uses a connection again, and resumes the session on a new one', async () => {
    await using receiver = await openReceiver({ tls: true });
    await using sender = aSender({ trustedCertificates, lookup });
    const resumed: boolean[] = [];
    const answer = status(200, { headers: { connection: 'close' } });
    receiver.answer((exchange) => {
      resumed.push((exchange.socket as unknown as { isSessionReused(): boolean }).isSessionReused());
      answer(exchange);
    });
    for (let i = 0; i < 2; i++) assert.equal(told(await sender.send(aRequest(receiver.url))), 'answered 200');
    assert.deepEqual(resumed, [false, true]);
    assert.equal(receiver.connections, 2);
  });

  it('fails with TLS when the other side speaks plain HTTP, or closes during the handshake', async () => {
    await using plain = await openReceiver();
    await using sender = aSender();
    const spoken = await sender.send(aRequest(`https://127.0.0.1:${plain.port}/`));
    assert.match(told(spoken), /^TLS: the other side does not speak TLS: 127\.0\.0\.1:\d+ \(ERR_SSL_\w+\)$/);

    await using closing = await listen((socket) => void socket.once('data', () => socket.destroy()));
    const closed = await sender.send(aRequest(`https://127.0.0.1:${closing.port}/`));
    assert.match(told(closed), /^TLS: the connection was closed during the TLS handshake/);
  });

  it('gives up a handshake that hangs, and its connection', async () => {
    await using silent = await listen((socket) => void socket.resume());
    await using sender = aSender({ connectTimeoutMs: 200 });
    const outcome = await sender.send(aRequest(`https://127.0.0.1:${silent.port}/`));
    const peer = `127.0.0.1:${silent.port}`;
    assert.equal(
      told(outcome),
      `TIMEOUT: connected to ${peer}, but its TLS handshake did not end within 200 ms`,
    );
    await until(() => sender.stats().origins === 0 || undefined);
    assert.equal(sender.stats().connections, 0);
    await silent.abandoned;
  });

  it('says that it was the handshake which did not end within the deadline of the request', async () => {
    await using silent = await listen((socket) => void socket.resume());
    await using sender = aSender();
    const outcome = await sender.send(aRequest(`https://127.0.0.1:${silent.port}/`, { timeoutMs: 200 }));
    assert.match(
      told(outcome),
      /^TIMEOUT: connected to .*, but its TLS handshake did not end within 200 ms$/,
    );
  });
});

/** A server of plain TCP; `abandoned` resolves when the other side has closed its first connection. */
async function listen(
  greet: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number; abandoned: Promise<void> }> {
  const sockets = new Set<Socket>();
  const { promise: abandoned, resolve } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('end', resolve);
    greet(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    abandoned,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
