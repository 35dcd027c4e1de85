import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Ran, runCli } from '../../../support/cli.ts';
import { sharedApi } from '../../../support/rpc.ts';
import { aWebhook } from '../../../support/store.ts';

describe('carillon events', () => {
  const api = sharedApi();
  const events = (argv: readonly string[], input?: Uint8Array | string) =>
    runCli(api().url, ['events', ...argv], {
      readBytes: async () => Buffer.from(input ?? assert.fail('nothing was to be read')),
    });
  const json = async (...argv: string[]) => {
    const { code, out, err } = await events([...argv, '--json']);
    assert.deepEqual([code, err], [0, '']);
    return JSON.parse(out);
  };
  const refused = ({ code, out, err }: Ran, expected: number) => {
    assert.deepEqual([code, out], [expected, '']);
    return err;
  };
  const stored = async (id: string) => (await api().store.getEvents([{ namespace: 'default', id }]))[0];

  it('publish says which event it is, and how many deliveries were made', async () => {
    const webhook = aWebhook({ spec: { eventTypes: ['told.*'] } });
    await api().store.createWebhooks([webhook]);
    const argv = ['publish', 'told.once', '--id', 'told-1', '--data', '{"a": 1}'];
    assert.equal((await events(argv)).out, 'told-1 published, 1 delivery\n');
    assert.equal((await events(argv)).out, 'told-1 was published before, 1 delivery\n');
    assert.match((await events(['publish', 'untold'])).out, /^evt_\S{26} published, 0 deliveries\n$/);
    assert.deepEqual(await json('publish', 'told.once', '--id', 'told-2'), {
      id: 'told-2',
      deliveryCount: 1,
      duplicate: false,
    });
  });

  it('publish sends every field', async () => {
    await json(
      ...['publish', 'full', '--id', 'full-1', '--source', '/here', '--subject', 'it', '--time', '1h'],
      ...['--extension', 'trace=1=2', '--extension', 'tenant=a'],
      ...['--header', 'x-a=1=2', '--header', 'x-b=', '--content-type', 'text/x-note', '--data', 'hello'],
    );
    const event = await stored('full-1');
    assert.deepEqual(
      [event?.type, event?.source, event?.subject, event?.headers, event?.contentType],
      ['full', '/here', 'it', { 'x-a': '1=2', 'x-b': '' }, 'text/x-note'],
    );
    assert.deepEqual(event?.extensions, { trace: '1=2', tenant: 'a' });
    assert.equal(event?.time, api().clock.now() - 3_600_000);
    assert.equal(Buffer.from(event.body).toString(), 'hello');
  });

  for (const [what, argv, input, contentType] of [
    ['JSON', ['--data', '{"n": 9007199254740993, "n": 1}'], undefined, 'application/json'],
    [
      'JSON that is given another type',
      ['--data', '[1]', '--content-type', 'text/plain'],
      undefined,
      'text/plain',
    ],
    ['text', ['--data', 'hello\u0000 wörld'], undefined, 'text/plain; charset=utf-8'],
    ['a file', ['--data', '@order.json'], '{ "amount": 250 }\n', 'application/json'],
    ['standard input', ['--data', '-'], 'plain\n', 'text/plain; charset=utf-8'],
    ['bytes', ['--data', '@image.png'], new Uint8Array([0, 255, 254]), 'application/octet-stream'],
    ['text that begins like JSON', ['--data', '{bad json', '--text'], undefined, 'text/plain; charset=utf-8'],
    [
      'lines of JSON',
      ['--data', '{}\n{}', '--content-type', 'application/x-ndjson'],
      undefined,
      'application/x-ndjson',
    ],
    ['bytes of a type', ['--data', '-', '--content-type', 'image/png'], new Uint8Array([0xff]), 'image/png'],
  ] as const) {
    it(`publish sends ${what} byte for byte`, async () => {
      const { code, out, err } = await events(['publish', 'bytes', ...argv, '--json'], input);
      assert.deepEqual([code, err], [0, '']);
      const event = await stored(JSON.parse(out).id);
      assert.equal(event?.contentType, contentType);
      assert.deepEqual(Buffer.from(event.body), Buffer.from(input ?? argv[1]));
    });
  }

  for (const [what, argv] of [
    ['an object', ['--data', '{bad json']],
    ['a list', ['--data', ' [1,']],
    ['a text', ['--data', '"a']],
    ['a file', ['--data', '@x.json']],
  ] as const) {
    it(`publish refuses ${what} that begins like JSON and is not, unless it is said to be text`, async () => {
      const err = refused(await events(['publish', 'broken', ...argv], '{"a": 1,}'), 2);
      assert.match(
        err,
        /^carillon: --data: it begins like JSON and is not: .*; give --text if it is text, or/,
      );
      assert.equal((await events(['publish', 'broken', ...argv, '--text'], '{"a": 1,}')).code, 0);
    });
  }

  it('publish takes one of --text and --content-type', async () => {
    const argv = ['publish', 'both', '--data', 'x', '--text', '--content-type', 'text/html'];
    assert.match(refused(await events(argv), 2), /--text and --content-type are both given/);
  });

  it('publish delivers later, by a delay or at a time', async () => {
    const webhook = aWebhook({ spec: { eventTypes: ['later'] } });
    await api().store.createWebhooks([webhook]);
    await events(['publish', 'later', '--delay', '10m']);
    await events(['publish', 'later', '--deliver-at', '2026-01-01T01:00:00Z']);
    const deliveries = await api().store.listDeliveries({
      namespace: 'default',
      webhookId: webhook.id,
      limit: 10,
    });
    const now = api().clock.now();
    assert.deepEqual(
      deliveries.map(({ dueAt = 0 }) => dueAt - now).sort((a, b) => a - b),
      [600_000, 3_600_000],
    );
    const err = refused(await events(['publish', 'later', '--delay', '1m', '--deliver-at', '1h']), 2);
    assert.match(err, /--deliver-at and --delay are both given; give one of them/);
  });

  it('publish names the options that are wrong', async () => {
    const argv = ['publish', 'carillon.mine', '--id', 'a b', '--delay', '9999d', '--header', 'host=x'];
    const err = refused(await events(argv), 2);
    for (const line of [/<type> \(event\.type\): /, /--id \(event\.id\): /, /--delay \(delay\): /]) {
      assert.match(err, line);
    }
    const broken = ['publish', 'broken', '--data', '{"a', '--content-type', 'application/json'];
    assert.match(refused(await events(broken), 2), /--data \(event\.text\): must be JSON/);
  });

  it('publish says when an id was taken by another event', async () => {
    await events(['publish', 'conflict', '--id', 'taken', '--data', '1']);
    const err = refused(await events(['publish', 'conflict', '--id', 'taken', '--data', '2']), 1);
    assert.match(err, /\(ALREADY_EXISTS\)/);
  });

  it('list shows events newest first, by type and time', async () => {
    await events(['publish', 'list.old', '--id', 'old']);
    api().clock.advance(3_600_000);
    await events(['publish', 'list.new', '--id', 'new', '--source', '/here']);
    const argv = ['list', '--type', 'list.*'];
    const { out } = await events(argv);
    assert.match(
      out,
      /^ID +PUBLISHED +TYPE +SOURCE +CONTENT\nnew +\S+ +\S+ +list\.new +\/here .*\nold +\S+ +\S* *list\.old/,
    );
    const ids = async (...more: string[]) =>
      (await json(...argv, ...more)).events.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids('--since', new Date(api().clock.now() - 1000).toISOString()), ['new']);
    assert.deepEqual(await ids('--until', new Date(api().clock.now() - 1000).toISOString()), ['old']);
    assert.deepEqual(await ids('--filter', 'source:*'), ['new']);
    assert.deepEqual(await ids('--order-by', 'create_time'), ['old', 'new']);
    assert.equal((await events(['list', '--type', 'nothing'])).out, 'no events\n');
  });

  it('list leaves out the runs of schedules unless asked', async () => {
    const webhook = aWebhook({ spec: { schedule: { when: { kind: 'every', periodMs: 1000 } } } });
    await api().store.createWebhooks([webhook]);
    api().clock.advance(1000);
    const started = new Date(api().clock.now()).toISOString();
    await events(['publish', 'seen', '--id', 'seen-1']);
    await runCli(api().url, ['webhooks', 'trigger', webhook.id]);
    const types = async (...argv: string[]) =>
      (await json('list', '--since', started, ...argv)).events.map(({ type }: { type: string }) => type);
    assert.deepEqual(await types(), ['seen']);
    assert.deepEqual((await types('--runs')).toSorted(), ['carillon.run', 'seen']);
    assert.deepEqual(await types('--type', 'carillon.run'), ['carillon.run']);
    assert.deepEqual(await types('--filter', 'type = carillon.run'), ['carillon.run']);
    api().clock.advance(1000);
    const { out } = await events(['list', '--since', new Date(api().clock.now()).toISOString()]);
    assert.equal(out, 'no events; --runs shows those of schedules too\n');
  });

  it('list goes on where it ended, also when its times were so long ago', async () => {
    for (const id of ['onward-1', 'onward-2']) await events(['publish', 'onward', '--id', id]);
    const argv = ['list', '--type', 'onward', '--limit', '1', '--since', '1h'];
    const { err } = await events(argv);
    const [, token = '', since = ''] = /--page-token (\S+) --since (\S+)\n$/.exec(err) ?? assert.fail(err);
    api().clock.advance(1000);
    const { out } = await events([...argv, '--page-token', token, '--since', since]);
    assert.match(out, /\nonward-1 /);
  });

  it('get shows an event with its data, and nothing in it that a terminal would obey', async () => {
    await events(['publish', 'shown', '--id', 'shown-1', '--data', 'line 1\nline 2 \u001b[2J']);
    const { out } = await events(['get', 'shown-1']);
    assert.match(out, /^id +shown-1\ntype +shown\n/);
    assert.ok(out.endsWith('\n\nline 1\nline 2 \ufffd[2J\n'), out);
    await events(['publish', 'shown', '--id', 'shown-3', '--data', '{"a":[1,"é",null]}']);
    assert.ok((await events(['get', 'shown-3'])).out.endsWith('\n\n{"a":[1,"é",null]}\n'));
    await events(['publish', 'shown', '--id', 'shown-2', '--data', '-'], new Uint8Array([0xff, 0]));
    assert.match((await events(['get', 'shown-2'])).out, /^data +2 bytes; --json has them$/m);
    assert.match(refused(await events(['get', 'nothing']), 1), /there is no event nothing \(NOT_FOUND\)/);
  });

  it('purge erases it, and says how many deliveries were cancelled', async () => {
    await api().store.createWebhooks([aWebhook({ spec: { eventTypes: ['secret'] } })]);
    await events(['publish', 'secret', '--id', 'secret-1', '--data', 'x']);
    assert.equal((await events(['purge', 'secret-1'])).out, 'erased, and 1 waiting delivery cancelled\n');
    assert.match((await events(['get', 'secret-1'])).out, /^data +erased$/m);
  });

  it('replay says how many of the events that were named there are not', async () => {
    await events(['publish', 'replayed', '--id', 'replayed-1']);
    const ids = ['--id', 'replayed-1', '--id', 'no-1', '--id', 'no-2', '--id', 'no-2'];
    const { code, out, err } = await events(['replay', ...ids]);
    assert.deepEqual([code, out], [0, '1 event, 0 deliveries made\n']);
    assert.equal(err, 'carillon: 2 events that were named are not there, or erased\n');
    assert.equal((await events(['replay', '--id', 'replayed-1'])).err, '');
  });

  it('replay takes what was delivered to one webhook, to that or to another', async () => {
    const had = aWebhook({ spec: { name: 'had', eventTypes: ['had.one'] } });
    const heir = aWebhook({ spec: { name: 'heir', eventTypes: ['none'] } });
    await api().store.createWebhooks([had, heir]);
    await events(['publish', 'had.one', '--id', 'had-1']);
    await events(['publish', 'had.two', '--id', 'had-2']);
    const named = ['replay', '--id', 'had-1', '--id', 'had-2', '--delivered-to', 'had'];
    const back = await events(named);
    // The other is there; it was not delivered to this webhook.
    assert.deepEqual([back.out, back.err], ['1 event, 1 delivery made\n', '']);
    assert.equal((await events([...named, '--webhook', 'heir'])).out, '1 event, 1 delivery made\n');
    const { deliveries } = await api().deliveries.listDeliveries({ filter: 'event_id = "had-1"' });
    assert.deepEqual(deliveries.map(({ webhookUid }) => webhookUid).sort(), [had.id, had.id, heir.id].sort());
  });

  for (const [what, argv] of [
    ['nothing', []],
    ['both', ['--since', '1h', '--id', 'x']],
  ] as const) {
    it(`replay is refused when it names ${what}`, async () => {
      const err = refused(await events(['replay', ...argv]), 2);
      assert.equal(err, 'carillon: give either --since, with or without --until and --type, or --id\n');
    });
  }
});
