import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { createInbox, type InboxBounds } from '../../src/inbox/inbox.ts';
import { OPEN_DOOR } from '../support/door.ts';
import { recordingLog } from '../support/log.ts';

/** An inbox behind HTTP/2's compatibility API, and a session with it. */
async function overHttp2(options: Partial<InboxBounds> = {}) {
  const inbox = createInbox({
    door: OPEN_DOOR,
    clock: systemClock,
    log: recordingLog().log,
    verify: async () => 'unknown',
    allowedHosts: [],
    options,
  });
  const server = createServer((req, res) => assert.ok(inbox.handle(req, res)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    session,
    async [Symbol.asyncDispose]() {
      inbox.close();
      session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function call(session: ClientHttp2Session, headers: Record<string, string>, body = '') {
  const stream = session.request(headers, { endStream: body === '' });
  if (body !== '') stream.end(body);
  const [answer] = await once(stream, 'response');
  return { status: answer[':status'] as number, body: await text(stream) };
}

describe('an inbox over HTTP/2', () => {
  it('receives, answers and lists as over HTTP/1.1', async () => {
    await using served = await overHttp2();
    const sent = await call(
      served.session,
      { ':method': 'POST', ':path': '/inbox/joe', 'x-a': 'b' },
      'hello',
    );
    assert.equal(sent.status, 200);
    const listed = await call(served.session, { ':path': '/inbox/joe/requests' });
    const [received] = JSON.parse(listed.body).requests;
    assert.deepEqual([received.method, received.httpVersion, received.preview], ['POST', '2.0', 'hello']);
    assert.deepEqual(received.headers, [['x-a', 'b']]);
  });

  it('knows its own origin by :authority', async () => {
    await using served = await overHttp2();
    const url = new URL(served.session.originSet?.[0] ?? 'http://localhost');
    const put = (origin: string) =>
      call(
        served.session,
        { ':method': 'PUT', ':path': '/inbox/joe/answer', ':authority': url.host, origin },
        '{}',
      );
    assert.equal((await put(`http://${url.host}`)).status, 200);
    assert.equal((await put('http://evil.example')).status, 403);
  });

  it('refuses a body that is too long and closes its stream, not the connection', async () => {
    await using served = await overHttp2({ bodyBytesMax: 10, discardBytesMax: 100 });
    const stream = served.session.request({ ':method': 'POST', ':path': '/inbox/joe' });
    stream.write('x'.repeat(1000));
    const closed = once(stream, 'close');
    let body = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    const [answer] = await once(stream, 'response');
    await closed;
    assert.equal(answer[':status'], 413);
    assert.match(body, /longer than 10 bytes/);
    assert.equal(stream.rstCode, 0);
    const next = await call(served.session, { ':method': 'POST', ':path': '/inbox/joe' }, 'short');
    assert.equal(next.status, 200);
  });

  it('streams what happens', async () => {
    await using served = await overHttp2();
    const stream = served.session.request({ ':path': '/inbox/joe/events' });
    stream.setEncoding('utf8');
    await once(stream, 'data');
    const next = once(stream, 'data');
    await call(served.session, { ':method': 'POST', ':path': '/inbox/joe' }, 'hello');
    const [told] = await next;
    assert.match(told, /^data: \{"revision":1,.*"preview":"hello"/);
    stream.close();
  });

  it('cuts off a watcher that does not read', async () => {
    await using served = await overHttp2({ watcherBytesMax: 1024 });
    const stream = served.session.request({ ':path': '/inbox/joe/events' });
    const [answer] = await once(stream, 'response');
    assert.equal(answer[':status'], 200);
    const closed = once(stream, 'close');
    // The window of a stream is 64 KiB unless the client, who does not read, asks for more.
    for (let i = 0; i < 20; i++) {
      await call(served.session, { ':method': 'POST', ':path': '/inbox/joe', 'x-long': 'x'.repeat(10_000) });
    }
    stream.resume();
    await closed;
    assert.notEqual(stream.rstCode, undefined);
  });
});
