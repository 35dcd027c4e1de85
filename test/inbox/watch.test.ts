import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { type RequestView, type Serving, serveInbox } from './serving.ts';

interface EventView {
  readonly revision: number;
  readonly inbox: { readonly kept: number; readonly oldest: number; readonly answer: { status: number } };
  readonly request?: RequestView;
}

/** Watches an inbox; `next` resolves with the next event of its data, `ended` when the server ends it. */
async function watch({ origin }: Serving, name: string) {
  const response = await fetch(`${origin}/inbox/${name}/events`);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  async function part(): Promise<string | undefined> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        return found;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  }
  return {
    part,
    async next(): Promise<EventView> {
      for (;;) {
        const found = await part();
        assert.ok(found !== undefined, 'the stream ended');
        if (found.startsWith('data: ')) return JSON.parse(found.slice('data: '.length)) as EventView;
      }
    },
    leave: () => reader.cancel(),
  };
}

describe('watching an inbox', () => {
  it('tells of each request as it comes, and of its verdict when that is known', async () => {
    await using served = await serveInbox({ verify: async () => 'valid' });
    const watcher = await watch(served, 'joe');
    await served.send('joe', { body: 'hello', headers: { 'webhook-id': 'msg_1' } });
    const came = await watcher.next();
    assert.deepEqual([came.request?.number, came.request?.preview], [1, 'hello']);
    assert.equal(came.request?.signature.state, 'checking');
    const checked = await watcher.next();
    assert.deepEqual([checked.request?.number, checked.request?.signature.state], [1, 'valid']);
    await watcher.leave();
  });

  it('tells of a new answer and of a clearing', async () => {
    await using served = await serveInbox();
    await served.send('joe', { body: 'a' });
    const watcher = await watch(served, 'joe');
    await served.answer('joe', { status: 503 });
    assert.equal((await watcher.next()).inbox.answer.status, 503);
    await fetch(`${served.origin}/inbox/joe/requests`, { method: 'DELETE' });
    const { inbox } = await watcher.next();
    assert.deepEqual([inbox.kept, inbox.oldest], [0, 2]);
    await watcher.leave();
  });

  it('says nothing of other inboxes', async () => {
    await using served = await serveInbox();
    const watcher = await watch(served, 'joe');
    await served.send('jane', { body: 'not for joe' });
    await served.send('joe', { body: 'for joe' });
    assert.equal((await watcher.next()).request?.preview, 'for joe');
    await watcher.leave();
  });

  it('numbers changes so that a list can be placed among them', async () => {
    await using served = await serveInbox();
    const watcher = await watch(served, 'joe');
    await served.send('joe', { body: 'a' });
    const { revision } = await served.list('joe');
    await served.send('joe', { body: 'b' });
    assert.ok((await watcher.next()).revision <= revision);
    assert.ok((await watcher.next()).revision > revision);
    await watcher.leave();
  });

  it('keeps hostile text within one line of data', async () => {
    await using served = await serveInbox();
    const watcher = await watch(served, 'joe');
    const hostile = 'x\u2028y';
    await served.send(`joe?${encodeURIComponent('\n\ndata: {}\n\n')}`, {
      body: `\n\ndata: {"evil":1}\n\n${hostile}`,
    });
    assert.equal((await watcher.next()).request?.preview, `data: {"evil":1} x y`);
    await watcher.leave();
  });

  it('hears of something now and then where nothing happens, so that a dead connection shows', async () => {
    await using served = await serveInbox({ options: { heartbeatMs: 5 } });
    const watcher = await watch(served, 'joe');
    assert.match((await watcher.part()) ?? '', /^retry: \d+$/);
    assert.equal(await watcher.part(), 'event: beat\ndata: {}');
    await watcher.leave();
  });

  it('is refused with 503 beyond the bound, and possible again when another has left', async () => {
    await using served = await serveInbox({ options: { watchersMax: 1 } });
    const first = await watch(served, 'joe');
    const second = await fetch(`${served.origin}/inbox/joe/events`);
    assert.equal(second.status, 503);
    assert.match(await second.text(), /at most 1 can/);
    await first.leave();
    let status = 503;
    while (status === 503) {
      const aborted = new AbortController();
      status = (await fetch(`${served.origin}/inbox/joe/events`, { signal: aborted.signal })).status;
      aborted.abort();
    }
    assert.equal(status, 200);
  });

  it('ends when the inbox closes, and is not possible after', async () => {
    await using served = await serveInbox();
    const watcher = await watch(served, 'joe');
    assert.match((await watcher.part()) ?? '', /^retry/);
    served.inbox.close();
    assert.equal(await watcher.part(), undefined);
    assert.equal((await fetch(`${served.origin}/inbox/joe/events`)).status, 503);
  });

  it('cuts off a watcher that does not read, and lets the others be', { timeout: 30_000 }, async () => {
    await using served = await serveInbox({ options: { watcherBytesMax: 64 * 1024, totalBytesMax: 1 } });
    const slow = connect(served.port, '127.0.0.1');
    slow.on('error', () => {});
    slow.write('GET /inbox/joe/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(slow, 'readable');
    const good = get(`${served.origin}/inbox/joe/events`);
    const [stream] = await once(good, 'response');
    let read = 0;
    stream.on('data', (chunk: Uint8Array) => {
      read += chunk.length;
    });
    // The kernel takes some megabytes for the slow one before anything is left to us.
    const header = '"'.repeat(15_000);
    const cutOff = () => served.lines.find(({ message }) => message === 'inbox watcher cut off');
    let sent = 0;
    while (cutOff() === undefined) {
      const response = await served.send('joe', { headers: { 'x-long': header } });
      await response.arrayBuffer();
      sent++;
    }
    assert.ok((cutOff()?.fields.unreadBytes as number) > 64 * 1024);
    while (read < sent * header.length) await once(stream, 'data');
    assert.equal(served.lines.filter(({ message }) => message === 'inbox watcher cut off').length, 1);
    good.destroy();
    slow.destroy();
  });
});
