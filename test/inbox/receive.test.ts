import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { type Serving, START, serveInbox } from './serving.ts';

/** Sends bytes as they are and returns all that comes back until the server hangs up. */
async function raw({ port }: Serving, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes, 'latin1');
  return text(socket);
}

const SIGNED = { 'webhook-id': 'msg_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' };

describe('receiving', () => {
  it('keeps what was sent: method, path and query, time, headers as written, size', async () => {
    await using served = await serveInbox();
    await raw(
      served,
      'PATCH /inbox/joe/orders?a=1&a=%3C HTTP/1.1\r\nHost: localhost\r\nX-One: 1\r\nx-ONE: 2\r\n' +
        'Connection: close\r\nContent-Length: 5\r\n\r\nhello',
    );
    const [received] = (await served.list('joe')).requests;
    assert.equal(received?.method, 'PATCH');
    assert.equal(received.path, '/inbox/joe/orders?a=1&a=%3C');
    assert.equal(received.time, new Date(START).toISOString());
    assert.deepEqual(received.headers, [
      ['Host', 'localhost'],
      ['X-One', '1'],
      ['x-ONE', '2'],
      ['Connection', 'close'],
      ['Content-Length', '5'],
    ]);
    assert.deepEqual(
      [received.bytes, received.keptBytes, received.preview, received.refused],
      [5, 5, 'hello', null],
    );
  });

  it('takes every method, and GET from what is not a browser', async () => {
    await using served = await serveInbox();
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'HEAD']) {
      const response = await served.send('joe', { method });
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    }
    assert.deepEqual(
      (await served.list('joe')).requests.map(({ method }) => method),
      ['HEAD', 'GET', 'OPTIONS', 'DELETE', 'PATCH', 'PUT', 'POST'],
    );
  });

  it('tells who asks for it without a browser where the requests are', async () => {
    await using served = await serveInbox();
    const get = await served.send('joe', { method: 'GET' });
    assert.match(await get.text(), /^Request 1 of inbox joe\.\nSee them .* GET \/inbox\/joe\/requests /);
    const post = await served.send('joe', { method: 'POST' });
    assert.equal(await post.text(), 'Request 2 of inbox joe.\n');
  });

  it('refuses names outside the alphabet, saying what a name is', async () => {
    await using served = await serveInbox();
    for (const name of [
      'a+b',
      'jo%65',
      '%C3%A4',
      'a'.repeat(65),
      '..',
      '.',
      '',
      '%2e%2e',
      '<script>',
      'a;b',
    ]) {
      const answer = await raw(
        served,
        `POST /inbox/${name}/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 400 /, name);
      assert.match(answer, /1 to 64 of the characters A-Z, a-z, 0-9/);
    }
    for (const name of ['A-z_0.9', 'a'.repeat(64), '...']) {
      assert.equal((await served.send(name)).status, 200, name);
    }
  });

  it('leaves paths that only begin like its own to others', async () => {
    await using served = await serveInbox();
    for (const path of ['/', '/inboxes', '/inbox.html', '/webhooks']) {
      const response = await fetch(served.origin + path, { method: 'POST' });
      assert.equal(await response.text(), 'not the inbox', path);
    }
  });

  it('keeps a binary body byte for byte, and serves it as nothing a browser would run', async () => {
    await using served = await serveInbox();
    const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i % 256);
    await served.send('joe', { body: bytes, headers: { 'content-type': 'text/html' } });
    const [received] = (await served.list('joe')).requests;
    assert.equal(received?.preview, null);
    const response = await fetch(served.origin + received.bodyUrl);
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('content-disposition'), 'attachment; filename="joe-1.bin"');
  });

  it('tells hostile headers as they came', async () => {
    await using served = await serveInbox();
    await raw(
      served,
      'POST /inbox/joe?<script> HTTP/1.1\r\nHost: localhost\r\nX-Evil: <script>alert(1)</script>\r\n' +
        '__proto__: polluted\r\nconstructor: x\r\nConnection: close\r\n\r\n',
    );
    const response = await fetch(`${served.origin}/inbox/joe/requests`);
    assert.equal(response.headers.get('content-type'), 'application/json');
    const { requests } = (await response.json()) as { requests: { headers: string[][] }[] };
    assert.deepEqual(requests[0]?.headers.slice(1, 4), [
      ['X-Evil', '<script>alert(1)</script>'],
      ['__proto__', 'polluted'],
      ['constructor', 'x'],
    ]);
  });

  it('keeps only the beginning of a long body, and checks the signature of the whole', async () => {
    let checked = 0;
    await using served = await serveInbox({
      options: { keptBytesMax: 10 },
      verify: async ({ body }) => {
        checked = body.length;
        return 'valid';
      },
    });
    await served.send('joe', { body: 'x'.repeat(5000), headers: SIGNED });
    const { requests } = await served.listed('joe', (list) => list.requests[0]?.signature.state === 'valid');
    assert.deepEqual([requests[0]?.bytes, requests[0]?.keptBytes, checked], [5000, 10, 5000]);
    const body = await fetch(served.origin + requests[0]!.bodyUrl);
    assert.equal(await body.text(), 'x'.repeat(10));
  });

  it('answers a body that is too long with 413, and lists it as refused', async () => {
    await using served = await serveInbox({ options: { bodyBytesMax: 1000, keptBytesMax: 100 } });
    await served.answer('joe', { failNext: 1 });
    const response = await served.send('joe', { body: 'x'.repeat(100_000), headers: SIGNED });
    assert.equal(response.status, 413);
    assert.deepEqual(await response.json(), { error: 'The body is longer than 1,000 bytes.' });
    const { requests, inbox } = await served.list('joe');
    assert.equal(requests[0]?.refused, 'The body is longer than 1,000 bytes.');
    assert.deepEqual([requests[0].answer.status, requests[0].keptBytes], [413, 100]);
    assert.deepEqual(requests[0].signature, { state: 'unknown', reason: 'the body is not complete' });
    assert.equal(inbox.answer.failNext, 1, 'a refusal is no answer that was asked for');
  });

  it('takes a body of exactly the bound', async () => {
    await using served = await serveInbox({ options: { bodyBytesMax: 1000 } });
    const response = await served.send('joe', { body: 'x'.repeat(1000) });
    assert.equal(response.status, 200);
  });

  it('cuts a sender off that does not stop sending', async () => {
    await using served = await serveInbox({ options: { bodyBytesMax: 10, discardBytesMax: 1000 } });
    const req = request({ port: served.port, method: 'POST', path: '/inbox/joe' });
    req.on('error', () => {});
    const answered = once(req, 'response');
    for (let i = 0; i < 10; i++) req.write('x'.repeat(500));
    const [response] = await answered;
    assert.equal(response.statusCode, 413);
    assert.equal(response.headers.connection, 'close');
    response.resume();
    await once(response, 'end');
    req.destroy();
  });

  it('answers 408 to a body that does not arrive, and lists it as refused', async () => {
    await using served = await serveInbox({ options: { bodyMs: 30 } });
    const socket = connect(served.port, '127.0.0.1');
    socket.write('POST /inbox/joe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc');
    assert.match(await text(socket), /^HTTP\/1\.1 408 /);
    const [received] = (await served.list('joe')).requests;
    assert.equal(received?.refused, 'The body took longer than 30 ms to arrive.');
    assert.equal(received.preview, 'abc');
  });

  it('lists a request whose sender hung up in the middle', async () => {
    await using served = await serveInbox();
    const socket = connect(served.port, '127.0.0.1');
    socket.write('POST /inbox/joe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc');
    await served.listed('nobody', () => true);
    socket.destroy();
    const { requests } = await served.listed('joe', (list) => list.requests.length === 1);
    assert.equal(requests[0]?.refused, 'The sender hung up before the body was complete.');
    assert.equal(requests[0].answer.state, 'hung-up');
  });

  it('turns requests away when too many are open, and counts them', async () => {
    await using served = await serveInbox({ options: { openMax: 1 } });
    await served.answer('joe', { delayMs: 60_000 });
    const first = served.send('joe', { body: 'first' });
    await served.listed('joe', (list) => list.requests.length === 1);
    const second = await served.send('joe', { body: 'second' });
    assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '1']);
    const { inbox, requests } = await served.list('joe');
    assert.deepEqual([inbox.turnedAway, requests.length], [1, 1]);
    served.inbox.close();
    assert.equal((await first).status, 200);
  });

  it('turns requests away when the bodies being read fill their memory, and takes them again after', async () => {
    await using served = await serveInbox({ options: { readingBytesMax: 1000 } });
    const socket = connect(served.port, '127.0.0.1');
    socket.write(
      `POST /inbox/joe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n${'x'.repeat(900)}`,
    );
    let status = 200;
    while (status !== 503) status = (await served.send('joe', { body: 'y'.repeat(200) })).status;
    socket.write('x'.repeat(99));
    await once(socket, 'data');
    socket.destroy();
    assert.equal((await served.send('joe', { body: 'y'.repeat(200) })).status, 200);
  });
});

describe('a signature', () => {
  const states = async (served: Serving, headers: Record<string, string>) => {
    await served.send('joe', { body: 'b', headers });
    const list = await served.listed('joe', ({ requests }) => requests[0]?.signature.state !== 'checking');
    return list.requests[0]?.signature;
  };

  it('is valid, invalid with the reason, or unknown, as the one who knows the secrets says', async () => {
    await using served = await serveInbox({
      verify: async ({ headers }) => {
        if (headers['webhook-id'] === 'good') return 'valid';
        return headers['webhook-id'] === 'bad' ? { invalid: 'it was signed long ago' } : 'unknown';
      },
    });
    assert.deepEqual(await states(served, { ...SIGNED, 'webhook-id': 'good' }), { state: 'valid' });
    assert.deepEqual(await states(served, { ...SIGNED, 'webhook-id': 'bad' }), {
      state: 'invalid',
      reason: 'it was signed long ago',
    });
    assert.deepEqual(await states(served, { ...SIGNED, 'webhook-id': 'other' }), {
      state: 'unknown',
      reason: 'no secret is known for it',
    });
  });

  it('is not asked about where no webhook header came', async () => {
    let asked = 0;
    await using served = await serveInbox({
      verify: async () => {
        asked++;
        return 'valid';
      },
    });
    assert.deepEqual(await states(served, {}), { state: 'unsigned' });
    assert.equal(asked, 0);
    assert.deepEqual(await states(served, { 'webhook-id': 'msg_1' }), { state: 'valid' });
  });

  it('is checked over lower-case names without a prototype and the body’s own bytes', async () => {
    const seen: { id: unknown; prototype: unknown; body: string }[] = [];
    await using served = await serveInbox({
      verify: async ({ headers, body }) => {
        const { 'webhook-id': id } = headers;
        seen.push({ id, prototype: Object.getPrototypeOf(headers), body: Buffer.from(body).toString('hex') });
        return 'valid';
      },
    });
    await raw(
      served,
      'POST /inbox/joe HTTP/1.1\r\nHost: localhost\r\nWebhook-Id: msg_1\r\n__proto__: x\r\n' +
        'Connection: close\r\nContent-Length: 3\r\n\r\n\x00\xff\x80',
    );
    assert.deepEqual(seen, [{ id: 'msg_1', prototype: null, body: '00ff80' }]);
  });

  it('does not hold the answer up, and shows as checking until it is known', async () => {
    const verdict = Promise.withResolvers<'valid'>();
    await using served = await serveInbox({ verify: () => verdict.promise });
    assert.equal((await served.send('joe', { headers: SIGNED })).status, 200);
    assert.equal((await served.list('joe')).requests[0]?.signature.state, 'checking');
    verdict.resolve('valid');
    await served.listed('joe', ({ requests }) => requests[0]?.signature.state === 'valid');
  });

  it('stays unknown where the check fails, and the log says why', async () => {
    await using served = await serveInbox({ verify: () => Promise.reject(new Error('the store is away')) });
    const signature = await states(served, SIGNED);
    assert.equal(signature?.state, 'unknown');
    const line = served.lines.find(({ level }) => level === 'warn');
    assert.match(String(line?.fields.err), /the store is away/);
  });

  it('goes with the delivery and the attempt it belongs to', async () => {
    await using served = await serveInbox();
    await served.send('joe', { headers: { ...SIGNED, 'carillon-attempt': '2' } });
    await served.send('joe', { headers: { ...SIGNED, 'carillon-attempt': '-1e9' } });
    const { requests } = await served.list('joe');
    assert.deepEqual(
      requests.map(({ webhookId, attempt }) => ({ webhookId, attempt })),
      [
        { webhookId: 'msg_1', attempt: null },
        { webhookId: 'msg_1', attempt: 2 },
      ],
    );
  });
});
