import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { describe, test } from 'node:test';
import type { Handler, ListenerResponse } from '../../../src/server/listen/http-protocol.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import {
  begun,
  closed,
  echo,
  HOST,
  NEVER_MS,
  open,
  openSession,
  openSocket,
  post,
  postHttp2,
  readAll,
  refusal,
  until,
} from '../../support/listener.ts';

describe('a handler that throws', () => {
  const broken: Handler = () => {
    throw new Error('a secret detail');
  };

  test('becomes a 500 without details, and is reported', async (t) => {
    const errors: unknown[] = [];
    const listener = await open(t, broken, {}, (error) => errors.push(error));
    const answer = await post(listener, '');
    assert.deepEqual([answer.status, answer.body], [500, 'internal error\n']);
    assert.match(String(errors[0]), /a secret detail/);
  });

  test('becomes a 500 on HTTP/2 too', async (t) => {
    const listener = await open(t, async (...call) => broken(...call));
    const session = await openSession(t, listener);
    assert.equal(await postHttp2(session, ''), 'internal error\n');
  });

  test('breaks an answer off that had begun', async (t) => {
    const listener = await open(t, (request, response, ended) => broken(request, begun(response), ended));
    await assert.rejects(post(listener, ''), /aborted|hang up/);
    const stream = (await openSession(t, listener)).request({ ':method': 'GET' });
    await closed(stream.resume());
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
  });
});

describe('closing', () => {
  test('closes idle connections of both protocols, and silent ones, at once', async (t) => {
    const never = { firstBytesMs: NEVER_MS, keepAliveMs: 2 ** 30, sessionIdleMs: NEVER_MS };
    const listener = await open(t, echo, never);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    await post(listener, '', { agent });
    const session = await openSession(t, listener);
    await postHttp2(session, '');
    const silent = await openSocket(t, listener);
    const ends = Promise.all([closed(session), readAll(silent)]);
    await listener.close(NEVER_MS);
    await ends;
  });

  test('says GOAWAY to HTTP/2 clients', async (t) => {
    const listener = await open(t, echo);
    const session = await openSession(t, listener);
    const goaway = once(session, 'goaway');
    await listener.close(NEVER_MS);
    assert.equal((await goaway)[0], constants.NGHTTP2_NO_ERROR);
  });

  test('drops an HTTP/2 connection whose client does not close its half', async (t) => {
    const listener = await open(t, echo, { lingerMs: 10 });
    const socket = connectTcp({ host: HOST, port: listener.address.port, allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await once(socket, 'data');
    await listener.close(NEVER_MS);
  });

  test('lets requests in flight finish, and then closes their connections', async (t) => {
    const waiting: ListenerResponse[] = [];
    const listener = await open(t, (_request, response) => void waiting.push(response));
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const first = post(listener, '', { agent });
    const second = postHttp2(await openSession(t, listener), '');
    await until(() => waiting.length === 2);
    const closing = listener.close(NEVER_MS);
    for (const response of waiting) response.end('finished');
    assert.equal((await first).body, 'finished');
    assert.equal((await first).connection, 'close');
    assert.equal(await second, 'finished');
    await closing;
  });

  test('closes a connection whose answer had begun once it has ended', async (t) => {
    const waiting: ListenerResponse[] = [];
    const listener = await open(t, (_request, response) => void waiting.push(begun(response)));
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const answer = post(listener, '', { agent });
    await until(() => waiting.length === 1);
    const closing = listener.close(NEVER_MS);
    waiting[0]!.end('finished');
    assert.equal((await answer).body, 'finished');
    await closing;
  });

  test('cuts off what does not finish within the grace', async (t) => {
    let arrived = 0;
    const listener = await open(t, () => void arrived++);
    const first = assert.rejects(post(listener, ''), /hang up/);
    const session = await openSession(t, listener);
    session.request({ ':method': 'POST' });
    await until(() => arrived === 2);
    await listener.close(20);
    await Promise.all([first, closed(session)]);
  });

  test('twice is closing once, and the shorter grace wins', async (t) => {
    let arrived = 0;
    const listener = await open(t, () => void arrived++);
    const answer = assert.rejects(post(listener, ''), /hang up/);
    await until(() => arrived === 1);
    await Promise.all([listener.close(NEVER_MS), listener.close(10)]);
    await answer;
    await listener.close(0);
  });

  test('refuses new connections', async (t) => {
    const listener = await open(t, echo);
    await listener.close(0);
    await assert.rejects(post(listener, ''), { code: 'ECONNREFUSED' });
  });
});

describe('listening', () => {
  test('on a port that is taken says so and what to do', async (t) => {
    const { address } = await open(t, echo);
    await assert.rejects(
      createListener({ handler: echo, ...address }),
      refusal(`127.0.0.1:${address.port} is already in use; choose another with --listen`),
    );
  });

  test('on an address of another machine says so', async () => {
    await assert.rejects(
      createListener({ handler: echo, host: '192.0.2.1', port: 0 }),
      refusal('192.0.2.1:0 is not an address of this machine; choose another with --listen'),
    );
  });

  test('on IPv6 reports the address without brackets', async (t) => {
    const listener = await createListener({ handler: echo, host: '::1', port: 0 });
    t.after(() => listener.close(0));
    assert.equal(listener.address.host, '::1');
  });
});
