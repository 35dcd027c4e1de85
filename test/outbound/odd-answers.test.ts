import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Outcome } from '../../src/domain/delivery/attempt.ts';
import { endless, openReceiver, resetMidBody } from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

/** Parts of an answer, with a pause between them. */
type Parts = readonly (string | Buffer)[];

interface Odd extends AsyncDisposable {
  readonly url: string;
  readonly connections: number;
}

/** How long a part comes after the one before, so that they are read apart. */
const PAUSE_MS = 20;

/** A receiver of bare TCP that answers every request so. `then` says what it does with the connection afterwards. */
async function openOdd(answer: (socket: Socket) => void | Promise<void>): Promise<Odd> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      // Requests are small and end with their body.
      if (chunk.includes('ding')) void answer(socket);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function inParts(parts: Parts, { end = false } = {}): (socket: Socket) => Promise<void> {
  return async (socket) => {
    for (const [i, part] of parts.entries()) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      socket.write(part);
    }
    if (end) socket.end();
  };
}

async function outcomeOf(
  parts: Parts,
  options: { end?: boolean; timeoutMs?: number } = {},
): Promise<Outcome> {
  await using receiver = await openOdd(inParts(parts, options));
  await using sender = aSender();
  return await sender.send(aRequest(receiver.url, { timeoutMs: options.timeoutMs ?? 2_000 }));
}

type Answered = Extract<Outcome, { kind: 'answered' }>;

function answered(outcome: Outcome): Answered {
  assert.equal(outcome.kind, 'answered', told(outcome));
  return outcome as Answered;
}

function text({ body }: Answered): string {
  return Buffer.from(body).toString('latin1');
}

/** What is wrong with the body, if anything. */
function faultOf({ bodyFault }: Answered): string | undefined {
  return bodyFault && `${bodyFault.errorClass}: ${bodyFault.message}`;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('a legal answer that undici does not take', () => {
  const cases: [name: string, parts: Parts][] = [
    ['100 Continue that nobody asked for, then 200', [`HTTP/1.1 100 Continue\r\n\r\n${OK}`]],
    ['100 Continue, and 200 after a while', ['HTTP/1.1 100 Continue\r\n\r\n', OK]],
    [
      'several of them, cut anywhere',
      ['HTTP/1.1 100 ', 'Continue\r\n\r\nHTTP/1.1 1', '02 Processing\r\nx: y\r\n\r', `\n${OK}`],
    ],
    ['white space after the length', ['HTTP/1.1 200 OK\r\ncontent-length: 2 \t \r\n\r\nok']],
    ['the same length twice', ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok']],
    ['the same length twice in one field', ['HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok']],
    ['a length with zeros before it', ['HTTP/1.1 200 OK\r\ncontent-length: 02\r\n\r\nok']],
    ['a folded header', ['HTTP/1.1 200 OK\r\nx-a: one\r\n two\r\n\tthree\r\ncontent-length: 2\r\n\r\nok']],
    [
      'a folded header in two parts',
      ['HTTP/1.1 200 OK\r\nx-a: one\r\n two', '\r\n\tthree\r\ncontent-length: 2\r\n\r\nok'],
    ],
    ['lines that end with LF alone', ['HTTP/1.1 200 OK\ncontent-length: 2\n\nok']],
    ['no reason, and no space for one', ['HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok']],
  ];
  for (const [name, parts] of cases) {
    it(`is a success: ${name}`, async () => {
      const outcome = answered(await outcomeOf(parts));
      assert.deepEqual([outcome.status, text(outcome), faultOf(outcome)], [200, 'ok', undefined]);
      assert.equal(outcome.truncated, false);
    });
  }

  it('has a folded header read as one line', async () => {
    const [head] = cases.find(([name]) => name === 'a folded header')![1];
    assert.equal(answered(await outcomeOf([head!])).headers['x-a'], 'one two three');
  });

  it('keeps its connection when only interim answers were odd', async () => {
    await using receiver = await openOdd(inParts([`HTTP/1.1 100 Continue\r\n\r\n${OK}`]));
    await using sender = aSender();
    for (let i = 0; i < 3; i++) {
      answered(await sender.send(aRequest(receiver.url)));
      // Undici takes a connection back one turn of the event loop after the answer.
      await setImmediate();
    }
    assert.equal(receiver.connections, 1);
  });

  it('closes its connection otherwise, and the next request has another', async () => {
    const folded = 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok';
    await using receiver = await openOdd(inParts([folded]));
    await using sender = aSender();
    for (let i = 0; i < 3; i++) answered(await sender.send(aRequest(receiver.url)));
    assert.equal(receiver.connections, 3);
  });

  it('has a chunked body noted as not read', async () => {
    const head = 'HTTP/1.1 200 OK\r\nx: a\r\n b\r\ntransfer-encoding: chunked\r\n\r\n';
    const outcome = answered(await outcomeOf([`${head}2\r\nok\r\n0\r\n\r\n`]));
    assert.match(faultOf(outcome) ?? '', /^PROTOCOL: the answer from 127\.0\.0\.1:\d+ is not HTTP\/1\.1/);
  });

  it('brings its Retry-After along', async () => {
    const outcome = answered(
      await outcomeOf(['HTTP/1.1 503 No\r\nx: a\r\n b\r\nretry-after: 9\r\n\r\n'], { end: true }),
    );
    assert.deepEqual([outcome.status, outcome.headers['retry-after']], [503, '9']);
  });
});

describe('an answer whose body is not whole', () => {
  const cases: [name: string, parts: Parts, options: { end?: boolean; timeoutMs?: number }, fault: RegExp][] =
    [
      [
        'is shorter than promised',
        ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'],
        { end: true },
        /^RESET: connection closed by/,
      ],
      [
        'is chunked, without its end',
        ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'],
        { end: true },
        /^RESET: connection closed by/,
      ],
      [
        'does not end',
        ['HTTP/1.1 200 OK\r\n\r\nabc'],
        { timeoutMs: 200 },
        /^TIMEOUT: .* answered 200, but not to the end within 200 ms$/,
      ],
      [
        'is chunked oddly',
        ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n'],
        {},
        /^PROTOCOL: .* \(Invalid character in chunk size\)$/,
      ],
    ];
  for (const [name, parts, options, fault] of cases) {
    it(`counts by its status when it ${name}`, async () => {
      for (const status of [200, 503]) {
        const sent = parts.map((part) => String(part).replace('200 OK', `${status} X`));
        const outcome = answered(await outcomeOf(sent, options));
        assert.deepEqual([outcome.status, text(outcome), outcome.truncated], [status, 'abc', true]);
        assert.match(faultOf(outcome)?.replace('answered 503', 'answered 200') ?? '', fault);
      }
    });
  }

  it('counts by its status when the connection is reset in its middle', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.answer(resetMidBody());
    const outcome = answered(await sender.send(aRequest(receiver.url)));
    assert.equal(outcome.status, 200);
    assert.match(faultOf(outcome) ?? '', /^RESET: connection reset by 127/);
  });

  it('counts by its status when it drips for ever', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.answer(endless());
    const outcome = answered(await sender.send(aRequest(receiver.url, { timeoutMs: 200 })));
    assert.equal(outcome.status, 200);
    assert.match(faultOf(outcome) ?? '', /^TIMEOUT/);
  });

  it('counts by its status when Carillon stops meanwhile', async () => {
    await using receiver = await openOdd(inParts(['HTTP/1.1 200 OK\r\n\r\nabc']));
    const sender = aSender();
    const sent = sender.send(aRequest(receiver.url));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await sender.close();
    const outcome = answered(await sent);
    assert.match(faultOf(outcome) ?? '', /^LOCAL: Carillon stopped/);
  });
});

describe('an answer that cannot be read', () => {
  it('does not come after 100 Continue', async () => {
    const outcome = await outcomeOf(['HTTP/1.1 100 Continue\r\n\r\n'], { timeoutMs: 200 });
    assert.match(told(outcome), /^TIMEOUT: no answer from 127\.0\.0\.1:\d+ within 200 ms$/);
  });

  const cases: [name: string, parts: Parts, told: RegExp][] = [
    [
      'two lengths',
      ['HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
      /^PROTOCOL: the answer from 127\.0\.0\.1:\d+ has different lengths \(Content-Length: 1 and 2\)$/,
    ],
    [
      'a length that is no number',
      ['HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nab'],
      /^PROTOCOL: the answer from .* has a Content-Length that is no number \("many"\)$/,
    ],
    [
      'a line that is no header',
      ['HTTP/1.1 200 OK\r\nhello\r\ncontent-length: 2\r\n\r\nok'],
      /^PROTOCOL: the answer from .* has a line that is no header \("hello"\)$/,
    ],
    [
      'white space before the colon',
      ['HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok'],
      /^PROTOCOL: the answer from .* has a line that is no header \("content-length : 2"\)$/,
    ],
    [
      'a NUL in a header',
      ['HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok'],
      /^PROTOCOL: the answer from .* has a control character in its header x$/,
    ],
    ['a status of two digits', ['HTTP/1.1 20 OK\r\n\r\n'], /^PROTOCOL: the answer from .* is not HTTP\/1\.1/],
    ['no HTTP, and no end', ['SSH-2.0-OpenSSH_9.6\r\n'], /^PROTOCOL: the answer from .* is not HTTP\/1\.1/],
    [
      '101 that nobody asked for',
      ['HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
      /^PROTOCOL: 127\.0\.0\.1:\d+ sent an interim answer that was not asked for \(101\)$/,
    ],
  ];
  for (const [name, parts, expected] of cases) {
    it(`fails with the true reason: ${name}`, async () => {
      assert.match(told(await outcomeOf(parts)), expected);
    });
  }
});

describe('an answer that floods', () => {
  /** Writes again and again, as fast as it is taken, and tells how much that was. */
  function flood(head: string, again: string): { answer: (socket: Socket) => void; written: () => number } {
    let socket: Socket | undefined;
    const block = Buffer.from(again.repeat(Math.ceil(65_536 / again.length)));
    return {
      answer(taken) {
        socket = taken;
        taken.write(head);
        const go = () => {
          while (!taken.destroyed && taken.write(block));
        };
        taken.on('drain', go);
        go();
      },
      written: () => socket?.bytesWritten ?? 0,
    };
  }

  /** What the sockets of both sides hold is written too, though it is not read. */
  const WRITTEN_MAX = 16 * 1024 * 1024;

  it('with 103 is cut off like headers that are too big', async () => {
    const { answer, written } = flood('', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
    await using receiver = await openOdd(answer);
    await using sender = aSender();
    const outcome = await sender.send(aRequest(receiver.url, { timeoutMs: 3_000 }));
    assert.match(
      told(outcome),
      /^PROTOCOL: 127\.0\.0\.1:\d+ sent more than 65536 bytes of interim answers \(1xx\)$/,
    );
    assert.ok(written() < WRITTEN_MAX, `${written()} bytes were taken`);
  });

  it('with a chunk extension is cut off, and counts by its status', async () => {
    const { answer, written } = flood(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3',
      ';x=yyyyyyyy',
    );
    await using receiver = await openOdd(answer);
    await using sender = aSender();
    const outcome = answered(await sender.send(aRequest(receiver.url, { timeoutMs: 3_000 })));
    assert.equal(outcome.status, 200);
    assert.match(faultOf(outcome) ?? '', /^PROTOCOL: the answer of .* takes more than 1048576 bytes$/);
    assert.ok(written() < WRITTEN_MAX, `${written()} bytes were taken`);
  });

  it('with trailers is cut off, and counts by its status', async () => {
    const { answer, written } = flood(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n',
      'x: yyyyyyyy\r\n',
    );
    await using receiver = await openOdd(answer);
    await using sender = aSender();
    const outcome = answered(await sender.send(aRequest(receiver.url, { timeoutMs: 3_000 })));
    assert.equal(outcome.status, 200);
    assert.match(
      faultOf(outcome) ?? '',
      /^PROTOCOL: the trailers of the answer from .* are too big to read$/,
    );
    assert.ok(written() < WRITTEN_MAX, `${written()} bytes were taken`);
  });
});
