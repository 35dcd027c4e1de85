import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '../../../src/domain/clock.ts';
import type { ListenerResponse } from '../../../src/server/listen/http-protocol.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { openTls } from '../../../src/server/tls/tls.ts';
import { createAuthority } from '../../support/authority.ts';
import { certificateFiles } from '../../support/certificates.ts';
import { closed, HOST, postHttp2, readAll, until } from '../../support/listener.ts';
import { recordingLog } from '../../support/log.ts';

const authority = createAuthority();
const ASKED = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

/** A port with TLS that takes two connections, and answers when it is told to. */
async function open(t: TestContext, host = HOST) {
  const paths = certificateFiles(t).pair(authority.server());
  const tls = await openTls({ paths, clock: systemClock, log: recordingLog().log });
  const waiting: ListenerResponse[] = [];
  const listener = await createListener({
    handler: (_request, response) => void waiting.push(response),
    ...{ host, port: 0, tls },
    limits: { connectionsMax: 2 },
  });
  t.after(() => listener.close(0));
  return { waiting, listener, port: listener.address.port };
}

/** Speaks TLS, on a connection that there is or on one of its own. */
function secure(t: TestContext, on: { readonly port: number } | { readonly socket: Socket }) {
  const socket = connectTls({ host: HOST, ca: authority.pem, servername: '', ...on });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  return socket;
}

async function connected(t: TestContext, port: number, host: string, localPort?: number): Promise<Socket> {
  const socket = connectTcp({ host, port, localAddress: HOST, ...(localPort && { localPort }) });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('Connections with TLS that have a request in flight', () => {
  it('make no room for others', async (t) => {
    const { waiting, port } = await open(t);
    const http1 = secure(t, { port });
    http1.write(ASKED);
    const session = connectHttp2(`https://${HOST}:${port}`, { ca: authority.pem });
    t.after(() => session.destroy());
    const answer = postHttp2(session, '');
    await until(() => waiting.length === 2);
    await closed(secure(t, { port }));
    for (const response of waiting) response.end('well');
    assert.match(await readAll(http1), /^HTTP\/1\.1 200 .*well/s);
    assert.equal(await answer, 'well');
  });

  it('make none where they come from one port to two addresses of the server', async (t) => {
    const { waiting, port } = await open(t, '0.0.0.0');
    const one = await connected(t, port, HOST);
    const other = await connected(t, port, '127.0.0.2', one.localPort);
    const both = [one, other].map((socket) => secure(t, { socket }));
    for (const socket of both) socket.write(ASKED);
    await until(() => waiting.length === 2);
    await closed(secure(t, { port }));
    for (const response of waiting) response.end('well');
    for (const socket of both) assert.match(await readAll(socket), /^HTTP\/1\.1 200 .*well/s);
  });

  it('are cut off when they do not finish in time at a stop', async (t) => {
    const { waiting, listener, port } = await open(t);
    const socket = secure(t, { port });
    socket.write(ASKED);
    await until(() => waiting.length === 1);
    const cutOff = once(waiting[0]!, 'close');
    await listener.close(10);
    await closed(socket);
    await cutOff;
  });
});
