import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { Agent, request as http1Request, type IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { DomainError } from '../../src/domain/error.ts';
import {
  createListener,
  type Handler,
  type Listener,
  type ListenerLimits,
  type ListenerResponse,
} from '../../src/server/listener.ts';

/** Says which protocol a request came by, and its body. */
const echo: Handler = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  response.end(`${request.method} ${request.httpVersion} ${body}`);
};

const HOST = '127.0.0.1';
/** As long as a timer can be. */
const NEVER_MS = 2 ** 31 - 1;
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

  test('connections over the bound are closed', async (t) => {
    const listener = await open(t, echo, { connectionsMax: 1 });
    const first = await openSocket(t, listener);
    const second = await openSocket(t, listener);
    assert.equal(await readAll(second), '');
    first.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(await readAll(first), /^HTTP\/1\.1 200 /);
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
    const listener = await open(t, async (request, response) => broken(request, response));
    const session = await openSession(t, listener);
    assert.equal(await postHttp2(session, ''), 'internal error\n');
  });

  test('breaks an answer off that had begun', async (t) => {
    const listener = await open(t, (request, response) => broken(request, begun(response)));
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

// ── What the tests stand on ────────────────────────────────────────────────────────────────────────

interface Test {
  after(step: () => unknown): void;
}

async function open(
  t: Test,
  handler: Handler,
  limits: Partial<ListenerLimits> = {},
  onError: (error: unknown) => void = () => {},
): Promise<Listener> {
  const listener = await createListener({ handler, host: HOST, port: 0, limits, onError });
  t.after(() => listener.close(0));
  return listener;
}

async function openSocket(t: Test, { address }: Listener): Promise<Socket> {
  const socket = connectTcp({ host: HOST, port: address.port });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function openSession(t: Test, { address }: Listener): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://${HOST}:${address.port}`);
  t.after(() => session.destroy());
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

async function post({ address }: Listener, body: string, options: { agent?: Agent } = {}) {
  const request = http1Request({ host: HOST, port: address.port, method: 'POST', agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { localPort } = response.socket;
  const connection = response.headers.connection;
  return { status: response.statusCode, body: await text(response), localPort, connection };
}

async function postHttp2(session: ClientHttp2Session, body: string): Promise<string> {
  const stream = session.request({ ':method': 'POST' });
  stream.end(body);
  return text(stream);
}

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += String(chunk);
  return all;
}

/** Everything that comes until the connection closes; a reset counts as its end. */
async function readAll(socket: Socket): Promise<string> {
  let all = '';
  socket.on('data', (chunk: Buffer) => {
    all += chunk.toString('latin1');
  });
  await closed(socket);
  return all;
}

/** An error is no surprise: it is how a stream learns that it was reset. */
async function closed(thing: EventEmitter & { readonly closed: boolean }): Promise<void> {
  thing.on('error', () => {});
  if (!thing.closed) await new Promise<void>((resolve) => thing.once('close', resolve));
}

/** There and back, so that what was sent before has arrived. */
async function pingpong(session: ClientHttp2Session): Promise<void> {
  await new Promise<void>((resolve) => session.ping(() => resolve()));
}

/** Sends a little again and again, until the stream is gone. */
function trickle(t: Test, stream: { writable: boolean; write(chunk: string): unknown }, chunk: string): void {
  const timer = setInterval(() => stream.writable && stream.write(chunk), 5);
  t.after(() => clearInterval(timer));
}

/** The same response, its head sent. */
function begun(response: ListenerResponse): ListenerResponse {
  // One by one, since TypeScript cannot call the methods of the two as one.
  if ('stream' in response) response.writeHead(200).write('');
  else response.writeHead(200).flushHeaders();
  return response;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function refusal(message: string) {
  return (error: unknown) => {
    assert.ok(error instanceof DomainError);
    assert.deepEqual([error.code, error.message], ['FAILED_PRECONDITION', message]);
    return true;
  };
}
