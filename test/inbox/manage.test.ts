import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Serving, serveInbox } from './serving.ts';

async function errorOf(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: string };
  return error;
}

describe('the answer of an inbox', () => {
  it('is given as it was set, with Retry-After where it is not a success', async () => {
    await using served = await serveInbox();
    await served.answer('joe', { status: 429, retryAfter: 7, failNext: 1, failStatus: 500 });
    const answers: [number, string | null][] = [];
    for (let i = 0; i < 2; i++) {
      const response = await served.send('joe');
      await response.arrayBuffer();
      answers.push([response.status, response.headers.get('retry-after')]);
    }
    assert.deepEqual(answers, [
      [500, '7'],
      [429, '7'],
    ]);
    const { requests } = await served.list('joe');
    assert.deepEqual(
      requests.map(({ answer }) => [answer.status, answer.state]),
      [
        [429, 'sent'],
        [500, 'sent'],
      ],
    );
  });

  it('may be a status without content', async () => {
    await using served = await serveInbox();
    for (const status of [204, 205, 304]) {
      await served.answer('joe', { status });
      const response = await served.send('joe');
      assert.deepEqual([response.status, await response.text()], [status, '']);
    }
  });

  it('is held back for its delay, and listed as waiting meanwhile', async () => {
    await using served = await serveInbox();
    await served.answer('joe', { delayMs: 200 });
    const answered = served.send('joe');
    const before = await served.listed('joe', ({ requests }) => requests.length === 1);
    assert.equal(before.requests[0]?.answer.state, 'waiting');
    assert.equal((await answered).status, 200);
    assert.equal((await served.list('joe')).requests[0]?.answer.state, 'sent');
  });

  it('is not waited for by a sender who hung up, and the list says so', async () => {
    await using served = await serveInbox();
    await served.answer('joe', { delayMs: 60_000 });
    const impatient = new AbortController();
    const sent = assert.rejects(served.send('joe', { signal: impatient.signal }));
    await served.listed('joe', ({ requests }) => requests.length === 1);
    impatient.abort();
    await sent;
    await served.listed('joe', ({ requests }) => requests[0]?.answer.state === 'hung-up');
  });

  it('is given at once when the inbox closes, also to what comes later', async () => {
    await using served = await serveInbox();
    await served.answer('joe', { delayMs: 60_000 });
    const held = served.send('joe');
    await served.listed('joe', ({ requests }) => requests.length === 1);
    served.inbox.close();
    served.inbox.close();
    assert.equal((await held).status, 200);
    assert.equal((await served.send('joe')).status, 200);
  });

  it('can be read, and only set as a whole', async () => {
    await using served = await serveInbox();
    const read = async () => (await fetch(`${served.origin}/inbox/joe/answer`)).json();
    const before = { status: 200, delayMs: 0, retryAfter: null, failNext: 0, failStatus: 503 };
    assert.deepEqual(await read(), before);
    await served.answer('joe', { status: 500, delayMs: 5 });
    await served.answer('joe', { failNext: 3 });
    assert.deepEqual(await read(), { ...before, failNext: 3 });
  });

  it('stays as it was when a wrong one is refused', async () => {
    await using served = await serveInbox();
    await served.answer('joe', { status: 500 });
    const put = (body: string) =>
      fetch(`${served.origin}/inbox/joe/answer`, { method: 'PUT', body }).then(async (response) => [
        response.status,
        await errorOf(response),
      ]);
    assert.deepEqual(await put('{"status":99}'), [400, 'status must be a whole number from 200 to 599']);
    const [status, error] = await put(' '.repeat(5000));
    assert.equal(status, 400);
    assert.match(String(error), /must be a JSON object/);
    assert.equal((await served.list('joe')).inbox.answer.status, 500);
  });
});

describe('looking at an inbox', () => {
  it('is bounded by limit where one is given', async () => {
    await using served = await serveInbox();
    for (const body of ['a', 'b', 'c']) await served.send('joe', { body });
    const response = await fetch(`${served.origin}/inbox/joe/requests?limit=2`);
    const { requests } = (await response.json()) as { requests: { preview: string }[] };
    assert.deepEqual(
      requests.map(({ preview }) => preview),
      ['c', 'b'],
    );
    assert.equal((await fetch(`${served.origin}/inbox/joe/requests?limit=-1`)).status, 400);
  });

  it('shows one request, and says where there is none', async () => {
    await using served = await serveInbox();
    await served.send('joe', { body: 'a' });
    const get = (path: string) => fetch(`${served.origin}/inbox/joe/requests/${path}`);
    assert.equal(((await (await get('1')).json()) as { preview: string }).preview, 'a');
    for (const path of ['2', '0', '01', '-1', '1e0', 'x', '2/body', '1/other', '1/body/more', '']) {
      assert.equal((await get(path)).status, 404, path);
    }
  });

  it('lists the inboxes, the one used last first', async () => {
    await using served = await serveInbox();
    await served.send('a');
    await served.send('b');
    await served.send('a');
    const response = await fetch(`${served.origin}/inbox`);
    const { inboxes } = (await response.json()) as { inboxes: { name: string; kept: number }[] };
    assert.deepEqual(
      inboxes.map(({ name, kept }) => ({ name, kept })),
      [
        { name: 'a', kept: 2 },
        { name: 'b', kept: 1 },
      ],
    );
  });

  it('drops the requests on DELETE', async () => {
    await using served = await serveInbox();
    await served.send('joe', { body: 'a' });
    const response = await fetch(`${served.origin}/inbox/joe/requests`, { method: 'DELETE' });
    assert.equal(response.status, 204);
    const { requests, inbox } = await served.list('joe');
    assert.deepEqual([requests, inbox.received, inbox.dropped], [[], 1, 0]);
  });

  it('says what its own paths take, rather than receive there', async () => {
    await using served = await serveInbox();
    for (const [path, allow] of [
      ['requests', 'GET, DELETE'],
      ['answer', 'GET, PUT'],
      ['events', 'GET'],
    ] as const) {
      const response = await served.send(`joe/${path}`, { body: 'x' });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, allow]);
      assert.match(await errorOf(response), /send it to \/inbox\/joe\./);
    }
    const nameless = await fetch(`${served.origin}/inbox`, { method: 'POST' });
    assert.equal(nameless.status, 405);
    assert.match(await errorOf(nameless), /Send to \/inbox\/<name>/);
    assert.equal((await served.list('joe')).inbox.received, 0);
  });
});

describe('another site in the same browser', () => {
  const from = (served: Serving, headers: Record<string, string>) => ({
    setAnswer: () =>
      fetch(`${served.origin}/inbox/joe/answer`, { method: 'PUT', body: '{"status":500}', headers }),
    clear: () => fetch(`${served.origin}/inbox/joe/requests`, { method: 'DELETE', headers }),
    watch: () => fetch(`${served.origin}/inbox/joe/events`, { headers }),
  });

  it('can neither set the answer, nor clear, nor take up a stream', async () => {
    await using served = await serveInbox();
    await served.send('joe', { body: 'a' });
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:1' },
    ]) {
      const site = from(served, headers);
      for (const act of [site.setAnswer, site.clear, site.watch]) {
        const response = await act();
        assert.equal(response.status, 403, JSON.stringify(headers));
        assert.match(await errorOf(response), /not another site/);
      }
    }
    const { requests, inbox } = await served.list('joe');
    assert.deepEqual([requests.length, inbox.answer.status], [1, 200]);
  });

  it('is told from the page itself, and from programs', async () => {
    await using served = await serveInbox();
    for (const headers of [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: served.origin },
      {},
    ]) {
      assert.equal((await from(served, headers as Record<string, string>).setAnswer()).status, 200);
      assert.equal((await from(served, headers as Record<string, string>).clear()).status, 204);
    }
  });

  it('gets no grant to read what it can request', async () => {
    await using served = await serveInbox();
    const headers = { origin: 'https://evil.example' };
    for (const [method, path] of [
      ['POST', 'joe'],
      ['OPTIONS', 'joe'],
      ['GET', 'joe/requests'],
      ['OPTIONS', 'joe/answer'],
    ] as const) {
      const response = await fetch(`${served.origin}/inbox/${path}`, { method, headers });
      assert.equal(response.headers.get('access-control-allow-origin'), null);
      assert.equal(response.headers.get('cross-origin-resource-policy'), 'same-origin');
    }
  });
});
