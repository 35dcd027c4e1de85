import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Outcome, RESPONSE_KEPT_BYTES } from '../../src/domain/delivery/attempt.ts';
import {
  type Answer,
  dripHeaders,
  type Exchange,
  garbage,
  gone,
  hang,
  hangUp,
  huge,
  openReceiver,
  raw,
  redirect,
  reset,
  status,
  tooMany,
} from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

/** Long enough for one machine to talk to itself, short enough to wait for. */
const SHORT_MS = 200;

/** The outcome of one POST that gets this answer. */
async function outcomeOf(answer: Answer, timeoutMs = 10_000): Promise<Outcome> {
  await using receiver = await openReceiver();
  await using sender = aSender();
  receiver.answer(answer);
  return await sender.send(aRequest(`${receiver.url}/hook`, { timeoutMs }));
}

function answered(outcome: Outcome): Extract<Outcome, { kind: 'answered' }> {
  assert.equal(outcome.kind, 'answered', told(outcome));
  return outcome as Extract<Outcome, { kind: 'answered' }>;
}

describe('sending', () => {
  it('posts the bytes and headers it was given, to the path and query of the destination', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    const body = Uint8Array.of(0, 255, 13, 10, 128);
    await sender.send(aRequest(`${receiver.url}/a%2Fb?q=a+b%2Bc#part`, { body }));
    const [request] = receiver.requests;
    assert.equal(request?.method, 'POST');
    assert.equal(request?.path, '/a%2Fb?q=a+b%2Bc');
    assert.deepEqual(new Uint8Array(request?.body ?? []), body);
    assert.deepEqual(request?.headers, {
      host: receiver.url.replace('http://', ''),
      connection: 'keep-alive',
      'content-type': 'text/plain',
      'x-test': '1',
      'content-length': '5',
    });
  });

  it('posts an empty body with its length', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    await sender.send(aRequest(receiver.url, { body: new Uint8Array(0) }));
    assert.equal(receiver.requests[0]?.headers['content-length'], '0');
    assert.equal(receiver.requests[0]?.path, '/');
  });

  it('tells the status, headers and body of the answer, and how long it took', async () => {
    const headers = { 'X-One': 'a', 'x-two': ['b', 'c'], 'set-cookie': ['d=1', 'e=2'] };
    const outcome = answered(await outcomeOf(status(201, { headers, body: 'thanks' })));
    assert.equal(outcome.status, 201);
    assert.equal(Buffer.from(outcome.body).toString(), 'thanks');
    assert.equal(outcome.truncated, false);
    assert.equal(outcome.headers['x-one'], 'a');
    assert.equal(outcome.headers['x-two'], 'b, c');
    assert.equal(outcome.headers['set-cookie'], 'd=1, e=2');
    assert.ok(Number.isInteger(outcome.durationMs) && outcome.durationMs >= 0);
    assert.ok(outcome.startedAt > 1_700_000_000_000);
  });

  for (const [name, answer, code] of [
    ['204 without a body', status(204), 204],
    ['410', gone(), 410],
    ['500', status(500, { body: 'oops' }), 500],
  ] as const) {
    it(`takes ${name} for an answer`, async () => {
      assert.equal(answered(await outcomeOf(answer)).status, code);
    });
  }

  it('hands on Retry-After with a 429', async () => {
    assert.equal(answered(await outcomeOf(tooMany(7))).headers['retry-after'], '7');
  });

  it('hands on every Retry-After, also when more headers come before it than are kept', async () => {
    const filler = Array.from({ length: 20 }, (_, i) => `x-${i}: ${'v'.repeat(1000)}\r\n`).join('');
    const fields = 'retry-after: 7\r\nretry-after: 9\r\n';
    for (const head of [fields, filler + fields]) {
      const outcome = await outcomeOf(raw(`HTTP/1.1 429 Slow\r\n${head}content-length: 0\r\n\r\n`));
      assert.match(answered(outcome).headers['retry-after'] ?? '', /^7, ?9$/);
    }
  });

  it('never follows a redirect', async () => {
    await using elsewhere = await openReceiver();
    const outcome = answered(await outcomeOf(redirect(elsewhere.url)));
    assert.equal(outcome.status, 302);
    assert.equal(outcome.headers.location, elsewhere.url);
    assert.equal(elsewhere.connections, 0);
  });

  it('waits past 103 Early Hints for the answer that counts', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
    const outcome = await outcomeOf(raw(`${early}HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok`));
    assert.equal(answered(outcome).status, 202);
    assert.equal(answered(outcome).headers.link, undefined);
  });

  it('does not let a header play tricks with the record', async () => {
    const outcome = await outcomeOf(
      raw('HTTP/1.1 200 OK\r\n__proto__: x\r\nconstructor: y\r\ncontent-length: 0\r\n\r\n'),
    );
    assert.equal(Object.getPrototypeOf(answered(outcome).headers), Object.prototype);
    assert.deepEqual(Object.entries(answered(outcome).headers), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['content-length', '0'],
    ]);
  });
});

describe('an answer that is too much', () => {
  it('is kept up to 16 KiB and still read to its end, so that the connection can be used again', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.script(huge(500_000), huge(500_000, { chunked: true }));
    for (let i = 0; i < 2; i++) {
      const outcome = answered(await sender.send(aRequest(receiver.url)));
      assert.equal(outcome.body.length, RESPONSE_KEPT_BYTES);
      assert.equal(outcome.body.buffer.byteLength, RESPONSE_KEPT_BYTES);
      assert.equal(outcome.truncated, true);
      // Undici takes a connection back one turn of the event loop after the answer.
      await setImmediate();
    }
    assert.equal(receiver.connections, 1);
  });

  it('of exactly 16 KiB is kept whole', async () => {
    const outcome = answered(await outcomeOf(huge(RESPONSE_KEPT_BYTES)));
    assert.equal(outcome.body.length, RESPONSE_KEPT_BYTES);
    assert.equal(outcome.truncated, false);
  });

  for (const code of [200, 503]) {
    it(`counts by its status, ${code}, once more than 1 MiB came, and its connection is dropped`, async () => {
      await using receiver = await openReceiver();
      await using sender = aSender();
      const bytes = 64 * 1024 * 1024;
      let socket: Exchange['socket'] | undefined;
      receiver.script((exchange) => {
        socket = exchange.socket;
        huge(bytes, { code, chunked: code === 503 })(exchange);
      });
      const outcome = answered(await sender.send(aRequest(receiver.url)));
      assert.equal(outcome.status, code);
      assert.equal(outcome.body.length, RESPONSE_KEPT_BYTES);
      assert.equal(outcome.truncated, true);
      assert.ok(socket!.bytesWritten < bytes / 2, `${socket!.bytesWritten} bytes were taken`);
      assert.equal(told(await sender.send(aRequest(receiver.url))), 'answered 200');
      assert.equal(receiver.connections, 2);
    });
  }

  it('has headers kept up to 16 KiB', async () => {
    const headers = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x-${i}`, 'v'.repeat(1000)]));
    const outcome = answered(await outcomeOf(status(200, { headers })));
    const bytes = Object.entries(outcome.headers).join('').length;
    assert.ok(bytes > 15_000 && bytes <= RESPONSE_KEPT_BYTES, `${bytes} bytes`);
    assert.equal(outcome.truncated, true);
  });

  it('is no answer when its headers do not end within 64 KiB', async () => {
    const outcome = await outcomeOf(raw(`HTTP/1.1 200 OK\r\nx: ${'v'.repeat(80_000)}\r\n\r\n`));
    assert.match(told(outcome), /^PROTOCOL: the headers of the answer from 127.0.0.1:\d+ are too big/);
  });
});

describe('no answer in time', () => {
  for (const [name, answer, message] of [
    ['nothing comes', hang(), /^TIMEOUT: no answer from 127\.0\.0\.1:\d+ within 200 ms$/],
    ['headers drip for ever', dripHeaders(), /^TIMEOUT: no answer from 127\.0\.0\.1:\d+ within 200 ms$/],
  ] as const) {
    it(`is a failure when ${name}`, async () => {
      assert.match(told(await outcomeOf(answer, SHORT_MS)), message);
    });
  }

  it('is a failure when no connection comes about', async () => {
    // A name whose lookup never ends: the deadline must not wait for the lookup.
    await using sender = aSender({ lookup: () => {} });
    const outcome = await sender.send(aRequest('http://slow.example/', { timeoutMs: SHORT_MS }));
    assert.equal(told(outcome), 'TIMEOUT: no connection to slow.example:80 within 200 ms');
  });

  it('is a failure when the connecting takes too long by itself', async () => {
    await using sender = aSender({ lookup: () => {}, connectTimeoutMs: SHORT_MS });
    const outcome = await sender.send(aRequest('https://slow.example/'));
    assert.equal(told(outcome), 'TIMEOUT: no connection to slow.example:443 within 200 ms');
  });

  it('closes the connection, since the answer to come would be taken for the next one', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.script(status(200, { body: 'late', delayMs: 2 * SHORT_MS }));
    assert.match(told(await sender.send(aRequest(receiver.url, { timeoutMs: SHORT_MS }))), /^TIMEOUT/);
    receiver.answer(status(202));
    assert.equal(told(await sender.send(aRequest(receiver.url))), 'answered 202');
    assert.equal(receiver.connections, 2);
  });
});

describe('a broken answer', () => {
  for (const [name, answer, message] of [
    ['a reset', reset(), /^RESET: connection reset by 127\.0\.0\.1:\d+ before the answer was complete$/],
    ['a closed connection', hangUp(), /^RESET: connection closed by 127\.0\.0\.1:\d+ before/],
    [
      'bytes that are not HTTP',
      garbage(),
      /^PROTOCOL: the answer from 127\.0\.0\.1:\d+ is not HTTP\/1\.1 \(Expected HTTP/,
    ],
    ['an HTTP/2 preface', raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /^PROTOCOL/],
    ['two lengths', raw('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na'), /^PROTOCOL/],
    [
      '101 Switching Protocols',
      raw('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', {
        keepOpen: true,
      }),
      /^PROTOCOL: .* interim answer/,
    ],
  ] as const) {
    it(`is a failure: ${name}`, async () => {
      assert.match(told(await outcomeOf(answer)), message);
    });
  }

  it('is not sent again by itself, neither after a reset nor after a close', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.script(status(200), reset(), status(200), hangUp());
    const told4: string[] = [];
    for (let i = 0; i < 4; i++) told4.push(told(await sender.send(aRequest(receiver.url))).slice(0, 12));
    assert.deepEqual(told4, ['answered 200', 'RESET: conne', 'answered 200', 'RESET: conne']);
    assert.equal(receiver.requests.length, 4);
  });
});

describe('a request that cannot be sent', () => {
  it('fails without a connection when its destination is no http URL', async () => {
    await using sender = aSender();
    for (const destination of ['', 'example.com', 'ftp://example.com/', 'http://']) {
      assert.match(told(await sender.send(aRequest(destination))), /^REQUEST: the destination is not/);
    }
  });

  it('fails when a header cannot be carried', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    const outcome = await sender.send(aRequest(receiver.url, { headers: ['x', 'a\r\nb: c'] }));
    assert.match(told(outcome), /^REQUEST: the request cannot be sent: invalid x header/);
    assert.equal(receiver.connections, 0);
  });

  it('fails when nobody listens, and names who refused', async () => {
    const receiver = await openReceiver();
    const { port } = receiver;
    await receiver.close();
    await using sender = aSender();
    const outcome = await sender.send(aRequest(`http://127.0.0.1:${port}/`));
    assert.equal(told(outcome), `CONNECT: connection refused by 127.0.0.1:${port}`);
  });
});

describe('a node that may not send', () => {
  const OUT_OF_TOUCH = 'LOCAL: Carillon had not reached its database for too long to go on sending';

  it('breaks off what is in flight, on connections that are not used again, and sends later', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.script(hang());
    const inFlight = sender.send(aRequest(receiver.url));
    await receiver.received(1);
    sender.breakOff();
    assert.equal(told(await inFlight), OUT_OF_TOUCH);
    receiver.answer(status(204));
    assert.equal(told(await sender.send(aRequest(receiver.url))), 'answered 204');
    assert.equal(receiver.connections, 2);
    sender.breakOff();
  });

  it('breaks off what waits for a connection', async () => {
    await using sender = aSender({ lookup: () => {} });
    const waiting = sender.send(aRequest('http://slow.example/'));
    sender.breakOff();
    assert.equal(told(await waiting), OUT_OF_TOUCH);
  });

  it('counts an answer whose head has come', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.answer(raw('HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nhalf', { keepOpen: true }));
    const inFlight = sender.send(aRequest(receiver.url));
    await receiver.received(1);
    // Until the head has been read.
    for (let turns = 0; turns < 50; turns++) await setImmediate();
    sender.breakOff();
    assert.equal(answered(await inFlight).status, 202);
  });

  it('sends nothing', async () => {
    await using receiver = await openReceiver();
    let maySend = false;
    await using sender = aSender({ maySend: () => maySend });
    assert.equal(told(await sender.send(aRequest(receiver.url))), OUT_OF_TOUCH);
    assert.equal(receiver.connections, 0);
    maySend = true;
    assert.equal(told(await sender.send(aRequest(receiver.url))), 'answered 200');
  });
});

describe('closing a sender', () => {
  it('ends what is in flight, refuses what comes later, and can be done twice', async () => {
    await using receiver = await openReceiver();
    receiver.answer(hang());
    const sender = aSender();
    const inFlight = sender.send(aRequest(receiver.url));
    await receiver.received(1);
    await Promise.all([sender.close(), sender.close()]);
    assert.equal(told(await inFlight), 'LOCAL: Carillon stopped before the answer came');
    assert.equal(told(await sender.send(aRequest(receiver.url))), 'LOCAL: Carillon is stopping');
    await sender.close();
  });

  it('ends what still waits for a connection', async () => {
    const sender = aSender({ lookup: () => {} });
    const waiting = sender.send(aRequest('http://slow.example/'));
    await sender.close();
    assert.equal(told(await waiting), 'LOCAL: Carillon stopped before the answer came');
  });
});
