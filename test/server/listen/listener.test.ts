import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as http1Request, type IncomingMessage } from 'node:http';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { hostsOf } from '../../../src/domain/access/host.ts';
import type { Handler, ListenerResponse } from '../../../src/server/listen/http-protocol.ts';
import {
  begun,
  closed,
  echo,
  HOST,
  NEVER_MS,
  open,
  openSession,
  openSocket,
  pingpong,
  post,
  postHttp2,
  readAll,
  text,
  trickle,
  until,
  work,
} from '../../support/listener.ts';

/** RFC 9113, section 6.5: the type of the frame that a server sends first. */
const SETTINGS_FRAME = 4;

describe('one port for both protocols', () => {
  test('HTTP/1.1 is served', async (t) => {
    const listener = await open(t, echo);
    assert.equal((await post(listener, 'hello')).body, 'POST 1.1 hello');
  });

  test('HTTP/2 with prior knowledge is served', async (t) => {
    const listener = await open(t, echo);
    const session = await openSession(t, listener);
    assert.equal(await postHttp2(session, 'hello'), 'POST 2.0 hello');
  });

  test('a kept-alive HTTP/1.1 connection serves several requests', async (t) => {
    const listener = await open(t, echo);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const first = await post(listener, 'one', { agent });
    const second = await post(listener, 'two', { agent });
    assert.deepEqual([first.body, second.body], ['POST 1.1 one', 'POST 1.1 two']);
    assert.equal(first.localPort, second.localPort);
  });

  test('a method that begins like the HTTP/2 preface is HTTP/1.1, even byte by byte', async (t) => {
    const listener = await open(t, echo);
    const socket = await openSocket(t, listener);
    for (const byte of 'PROPFIND / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await readAll(socket), /^HTTP\/1\.1 200 OK\r\n.*PROPFIND 1\.1/s);
  });

  test('a head is seen whole, however many fields it has: proxies add the last', async (t) => {
    const listener = await open(t, ({ headers }, response) => void response.end(`<${headers.via}>`));
    const socket = await openSocket(t, listener);
    const many = 'a:\r\n'.repeat(2_100);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${many}via: proxy\r\n\r\n`);
    assert.ok((await readAll(socket)).includes('<proxy>'));
  });

  test('a target in absolute form is a path, and its host is the one that counts', async (t) => {
    const listener = await open(t, (request, response) => {
      response.end(`<${request.url} ${request.headers.host} ${hostsOf(request).join()}>`);
    });
    const targets = {
      'http://a.example:80/v1/events?x=http://b': '</v1/events?x=http://b a.example:80 a.example:80>',
      'HTTP://a.example': '</ a.example a.example>',
      'http://a.example?x=1': '</?x=1 a.example a.example>',
      '/path?x=http://a.example/': '</path?x=http://a.example/ other other>',
    };
    for (const [target, seen] of Object.entries(targets)) {
      const socket = await openSocket(t, listener);
      socket.write(`GET ${target} HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n`);
      assert.ok((await readAll(socket)).includes(seen), target);
    }
  });

  test('an HTTP/2 preface that comes in pieces is HTTP/2', async (t) => {
    const listener = await open(t, echo);
    const socket = await openSocket(t, listener);
    socket.write('PR');
    await new Promise((resolve) => setTimeout(resolve, 10));
    socket.write('I * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    const [answer] = await once(socket, 'data');
    assert.equal((answer as Buffer)[3], SETTINGS_FRAME);
  });

  test('a client that closes its half of an HTTP/2 connection has it closed', async (t) => {
    const listener = await open(t, echo, { sessionIdleMs: NEVER_MS });
    const socket = await openSocket(t, listener);
    socket.end('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await readAll(socket);
  });

  test('a client that asks with Expect is told to continue', async (t) => {
    const listener = await open(t, echo);
    const request = http1Request({ host: HOST, port: listener.address.port, method: 'POST', agent: false });
    request.setHeader('expect', '100-continue');
    request.flushHeaders();
    await once(request, 'continue');
    request.end('later');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(await text(response), 'POST 1.1 later');
  });
});

describe('bad clients', () => {
  test('a client that sends nothing is cut off', async (t) => {
    const listener = await open(t, echo, { firstBytesMs: 20 });
    const socket = await openSocket(t, listener);
    assert.equal(await readAll(socket), '');
  });

  test('a client that sends the head of an HTTP/1.1 request slowly is cut off', async (t) => {
    const listener = await open(t, echo, { headersMs: 30, checkMs: 10 });
    const socket = await openSocket(t, listener);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\n');
    trickle(t, socket, 'x');
    assert.match(await readAll(socket), /^HTTP\/1\.1 408 /);
  });

  test('a client that sends the body of an HTTP/1.1 request slowly is cut off', async (t) => {
    const listener = await open(t, echo, { headersMs: 30, requestMs: 40, checkMs: 10 });
    const socket = await openSocket(t, listener);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n');
    trickle(t, socket, 'x');
    assert.match(await readAll(socket), /^HTTP\/1\.1 408 /);
  });

  test('a client that goes on sending the body of an HTTP/1.1 request that was answered is cut off', async (t) => {
    const listener = await open(t, (_, response) => void response.end('no'), { requestMs: 40 });
    const socket = await openSocket(t, listener);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n');
    trickle(t, socket, 'x');
    assert.match(await readAll(socket), /^HTTP\/1\.1 200 /);
  });

  test('an HTTP/1.1 request whose handler calls it open-ended may be quiet before it is answered', async (t) => {
    const answer: Handler = (request, response, openEnded) => {
      openEnded();
      return echo(request, response, openEnded);
    };
    const listener = await open(t, answer, { requestMs: 20, checkMs: 5 });
    const socket = await openSocket(t, listener);
    socket.write('POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 60));
    socket.write('late');
    assert.match(await readAll(socket), /POST 1\.1 late/);
  });

  test('a client that sends the body of an HTTP/2 request slowly has its stream reset', async (t) => {
    const listener = await open(t, echo, { requestMs: 40 });
    const session = await openSession(t, listener);
    const stream = session.request({ ':method': 'POST' });
    trickle(t, stream, 'x');
    await closed(stream);
    assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
    assert.equal(await postHttp2(session, 'still here'), 'POST 2.0 still here');
  });

  test('an HTTP/2 stream whose answer has begun may go on sending', async (t) => {
    const listener = await open(t, (request, response) => void request.pipe(begun(response)), {
      requestMs: 20,
    });
    const session = await openSession(t, listener);
    const stream = session.request({ ':method': 'POST' });
    stream.write('early ');
    await new Promise((resolve) => setTimeout(resolve, 60));
    stream.end('late');
    assert.equal(await text(stream), 'early late');
  });

  test('an HTTP/2 stream whose handler calls it open-ended may be quiet before it is answered', async (t) => {
    const answer: Handler = (request, response, openEnded) => {
      openEnded();
      return echo(request, response, openEnded);
    };
    const listener = await open(t, answer, { requestMs: 20 });
    const session = await openSession(t, listener);
    const stream = session.request({ ':method': 'POST' });
    await new Promise((resolve) => setTimeout(resolve, 60));
    stream.end('late');
    assert.equal(await text(stream), 'POST 2.0 late');
  });

  test('an HTTP/2 connection that does nothing is closed', async (t) => {
    const listener = await open(t, echo, { sessionIdleMs: 20, lingerMs: 10 });
    const session = await openSession(t, listener);
    const [code] = await once(session, 'goaway');
    assert.equal(code, constants.NGHTTP2_NO_ERROR);
    await closed(session);
  });

  test('an HTTP/2 connection that sends only the preface, and half a frame for ever, is closed', async (t) => {
    const listener = await open(t, echo, { sessionIdleMs: 20, lingerMs: 10 });
    const socket = await openSocket(t, listener);
    socket.resume();
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\xff\xff\xff');
    trickle(t, socket, '\0');
    await once(socket, 'close');
  });

  test('an HTTP/2 connection with a quiet stream open is kept', async (t) => {
    const answers: ListenerResponse[] = [];
    const listener = await open(t, (_request, response) => void answers.push(begun(response)), {
      sessionIdleMs: 10,
      lingerMs: 1,
    });
    const session = await openSession(t, listener);
    const stream = session.request({ ':method': 'GET' });
    await once(stream, 'response');
    await new Promise((resolve) => setTimeout(resolve, 50));
    answers[0]!.end('at last');
    assert.equal(await text(stream), 'at last');
  });

  test('bytes that are no protocol get a 400', async (t) => {
    const listener = await open(t, echo);
    const socket = await openSocket(t, listener);
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]));
    assert.match(await readAll(socket), /^HTTP\/1\.1 400 /);
  });

  test('bytes that are no HTTP/2 after its preface end the connection only', async (t) => {
    const listener = await open(t, echo, { lingerMs: 10 });
    const socket = await openSocket(t, listener);
    socket.write('PRI * HTTP/3.0\r\n\r\nnonsense nonsense nonsense');
    await readAll(socket);
    assert.equal((await post(listener, 'still here')).body, 'POST 1.1 still here');
  });

  test('a head over the bound is refused on HTTP/1.1', async (t) => {
    const listener = await open(t, echo, { headerBytesMax: 2048 });
    const socket = await openSocket(t, listener);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(4096)}\r\n\r\n`);
    assert.match(await readAll(socket), /^HTTP\/1\.1 431 /);
  });

  test('a caller that goes on sending after its head was refused gets to read why', async (t) => {
    const listener = await open(t, echo, { headerBytesMax: 2048 });
    for (let round = 0; round < 20; round++) {
      const socket = await openSocket(t, listener);
      const broken: unknown[] = [];
      socket.on('error', (error) => broken.push(error));
      socket.write(`GET / HTTP/1.1\r\nhost: x\r\n`);
      for (let line = 0; line < 400; line++) socket.write(`long-${line}: ${'x'.repeat(1000)}\r\n`);
      assert.match(await readAll(socket), /^HTTP\/1\.1 431 /);
      assert.deepEqual(broken, []);
    }
  });

  test('a head over the bound is refused on HTTP/2', async (t) => {
    const listener = await open(t, echo, { headerBytesMax: 2048 });
    const session = await openSession(t, listener);
    const stream = session.request({ ':method': 'POST', long: 'x'.repeat(4096) });
    await closed(stream);
    assert.equal(stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });

  test('HTTP/2 streams over the bound wait until others have ended', async (t) => {
    const waiting: ListenerResponse[] = [];
    const listener = await open(t, (_request, response) => void waiting.push(response), { streamsMax: 2 });
    const session = await openSession(t, listener);
    const answers = ['', '', ''].map((body) => postHttp2(session, body));
    await until(() => waiting.length === 2);
    await pingpong(session);
    assert.equal(waiting.length, 2);
    waiting[0]!.end();
    await until(() => waiting.length === 3);
    for (const response of waiting) response.end();
    await Promise.all(answers);
  });

  test('connections over the bound are closed while those that there are have requests in flight', async (t) => {
    const waiting: ListenerResponse[] = [];
    const listener = await open(t, (_request, response) => void waiting.push(response), {
      connectionsMax: 2,
    });
    const first = await openSocket(t, listener);
    first.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const session = await openSession(t, listener);
    const answer = postHttp2(session, '');
    await until(() => waiting.length === 2);
    const third = await openSocket(t, listener);
    assert.equal(await readAll(third), '');
    for (const response of waiting) response.end('well');
    assert.match(await readAll(first), /^HTTP\/1\.1 200 .*well/s);
    assert.equal(await answer, 'well');
  });

  test('connections that do nothing make room for new ones, whichever protocol they speak', async (t) => {
    const listener = await open(t, echo, { connectionsMax: 3 });
    const silent = await openSocket(t, listener);
    const session = await openSession(t, listener);
    await postHttp2(session, '');
    const kept = await openSocket(t, listener);
    kept.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(kept, 'data');
    for (const idle of [silent, session, kept]) {
      const gone = closed(idle);
      const fresh = await openSession(t, listener);
      assert.equal(await postHttp2(fresh, 'new'), 'POST 2.0 new');
      await gone;
    }
  });

  test('a caller that begins hundreds of requests in one packet holds up nobody else', async (t) => {
    let begun = 0;
    const others = Promise.withResolvers<number>();
    const listener = await open(t, (request, response) => {
      if (request.url === '/other') others.resolve(begun);
      else begun++;
      work(1);
      response.end();
    });
    const other = await openSession(t, listener);
    const session = await openSession(t, listener);
    const streams = Array.from({ length: 400 }, () => session.request({ ':path': '/' }));
    const stream = other.request({ ':path': '/other' });
    for (const each of [stream, ...streams]) each.resume();
    const before = await others.promise;
    assert.ok(before < 200, `${before} of 400 came before`);
    await Promise.all(streams.map(closed));
    assert.equal(begun, 400);
  });

  test('a caller that pipelines hundreds of requests holds up nobody else', async (t) => {
    let begun = 0;
    const listener = await open(t, (_request, response) => {
      begun++;
      work(1);
      response.end();
    });
    const socket = await openSocket(t, listener);
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(400));
    await until(() => begun > 0);
    await post(listener, '');
    assert.ok(begun < 200, `${begun} of 401 came before`);
    await until(() => begun === 401);
  });

  test('a request that is reset before its turn is never begun', async (t) => {
    let begun = 0;
    const listener = await open(t, () => {
      begun++;
      work(1);
    });
    const session = await openSession(t, listener);
    const streams = Array.from({ length: 400 }, () => session.request({ ':path': '/' }));
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await Promise.all(streams.map(closed));
    await pingpong(session);
    assert.ok(begun < 200, `${begun} of 400 were begun`);
  });

  test('a caller has as many streams as it leaves free for others, and more are refused', async (t) => {
    const waiting: ListenerResponse[] = [];
    const listener = await open(t, (_request, response) => void waiting.push(response), { openMax: 6 });
    const session = await openSession(t, listener);
    const streams = Array.from({ length: 4 }, () => session.request({ ':path': '/' }));
    await closed(streams[3]!);
    assert.equal(streams[3]!.rstCode, constants.NGHTTP2_REFUSED_STREAM);
    assert.equal(waiting.length, 3);
    const elsewhere = await openSession(t, listener, '127.0.0.2');
    const other = elsewhere.request({ ':path': '/' });
    await until(() => waiting.length === 4);
    for (const response of waiting) response.end();
    await Promise.all([...streams, other].map((stream) => closed(stream.resume())));
    const again = session.request({ ':path': '/' });
    await until(() => waiting.length === 5);
    waiting[4]!.end();
    await closed(again.resume());
  });

  test('clients that reset their connections do no harm', async (t) => {
    const listener = await open(t, echo);
    for (const begin of [
      '',
      'POST / HTTP/1.1\r\ncontent-le',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    ]) {
      const socket = await openSocket(t, listener);
      socket.write(begin);
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.resetAndDestroy();
    }
    assert.equal((await post(listener, 'still here')).body, 'POST 1.1 still here');
  });
});
