import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { WatchDeliveriesResponseSchema } from '../../../../gen/carillon/v1/delivery_pb.ts';
import { CLIENT_COMMANDS } from '../../../../src/cli/client/all-commands.ts';
import type { Connection } from '../../../../src/cli/client/connect.ts';
import { watch } from '../../../../src/cli/client/delivery/watch.ts';
import { paperOf } from '../../../../src/cli/client/job.ts';
import { parse } from '../../../../src/cli/client/parse.ts';
import { run } from '../../../../src/cli/run.ts';
import type { Attempt } from '../../../../src/domain/delivery/attempt.ts';
import { type Ran, runCli } from '../../../support/cli.ts';
import { aDeliveryThat, type Fate } from '../../../support/deliveries.ts';
import { sharedApi, startApi } from '../../../support/rpc.ts';
import { anAttempt, aPublication, aWebhook, T0 } from '../../../support/store.ts';
import { testWorld } from '../../../support/world.ts';

const EXHAUSTED = { to: 'FAILED', reason: 'EXHAUSTED' } as const;
const WATCH = parse('deliveries', CLIENT_COMMANDS.deliveries.find(({ verb }) => verb === 'watch')!, []);
const FAILED: Fate = { status: 503, to: EXHAUSTED };

describe('carillon deliveries', () => {
  const api = sharedApi();
  const deliveries = (...argv: string[]) => runCli(api().url, ['deliveries', ...argv]);
  const json = async (...argv: string[]) => {
    const { code, out, err } = await deliveries(...argv, '--json');
    assert.deepEqual([code, err], [0, '']);
    return JSON.parse(out);
  };
  const refused = ({ code, out, err }: Ran, expected: number) => {
    assert.deepEqual([code, out], [expected, '']);
    return err;
  };
  async function put(name: string, ...fates: Fate[]): Promise<string[]> {
    const webhook = aWebhook({ spec: { name } });
    await api().store.createWebhooks([webhook]);
    const ids: string[] = [];
    for (const fate of fates) ids.push(await aDeliveryThat(api().store, webhook.id, fate));
    return ids;
  }

  it('list shows a table that fits the terminal, newest first', async () => {
    const [failed, sent] = await put('listed', FAILED, { status: 200, type: 'user.created' });
    const { out } = await deliveries('list', '--webhook', 'listed');
    const [title = '', first = '', second = '', ...rest] = out.trimEnd().split('\n');
    assert.match(title, /^ID +CREATED +STATE +TRIES +ANSWER +TYPE +EVENT +WEBHOOK$/);
    assert.ok(first.startsWith(`${sent}  now      SUCCEEDED`), first);
    assert.match(
      second,
      new RegExp(`^${failed} +now +FAILED \\(EXHAUSTED\\) +1 +503 +order\\.paid +evt_\\S+ +listed$`),
    );
    assert.deepEqual(rest, []);
    const argv = ['deliveries', 'list', '--webhook', 'listed'];
    const narrow = await runCli(api().url, argv, { terminal: true, columns: 80 });
    for (const line of stripVTControlCharacters(narrow.out).split('\n')) assert.ok(line.length <= 80, line);
    assert.match(stripVTControlCharacters(narrow.out), /^ID +CREATED +STATE/);
  });

  it('list finds by everything there is an option for, and by a filter', async () => {
    const [failed, sent, late] = await put(
      'found',
      { ...FAILED, callerId: 'found-1' },
      { status: 200, type: 'user.created' },
      { createdAt: T0 + 60_000 },
    );
    const ids = async (...argv: string[]) =>
      (await json('list', '--webhook', 'found', ...argv)).deliveries.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids(), [late, sent, failed]);
    assert.deepEqual(await ids('--state', 'failed'), [failed]);
    assert.deepEqual(await ids('--event', 'found-1'), [failed]);
    assert.deepEqual(await ids('--type', 'user.*'), [sent]);
    assert.deepEqual(await ids('--status', '5xx'), [failed]);
    assert.deepEqual(await ids('--since', '2026-01-01T00:00:30Z'), [late]);
    assert.deepEqual(await ids('--until', '2026-01-01T00:00:30Z'), [sent, failed]);
    assert.deepEqual(await ids('--filter', 'last_response_status >= 200 AND state = SUCCEEDED'), [sent]);
    assert.deepEqual(await ids('--filter', 'state = FAILED OR state = PENDING'), [late, failed]);
    assert.deepEqual(await ids('--order-by', 'create_time'), [failed, sent, late]);
    assert.deepEqual(await ids('--event', 'found*'), []);
    assert.deepEqual(await ids('--limit', '1'), [late]);
    assert.equal((await deliveries('list', '--webhook', 'found', '--event', 'a "b"')).out, 'no deliveries\n');
  });

  it('list is refused when its times are the wrong way round', async () => {
    const err = refused(await deliveries('list', '--since', '1h', '--until', '2h'), 2);
    assert.equal(err, 'carillon: --until must be later than --since\n');
  });

  it('list says where a filter is wrong', async () => {
    const err = refused(await deliveries('list', '--filter', 'state = FAILED OR state = LOST'), 2);
    assert.equal(
      err,
      'carillon: the server refused this (INVALID_ARGUMENT):\n' +
        '  filter: at character 27, near "LOST": state must be one of PENDING, SUCCEEDED, FAILED, CANCELLED\n',
    );
    assert.match(refused(await deliveries('list', '--state', 'lost'), 2), /give one of pending, succeeded/);
    assert.match(
      refused(await deliveries('list', '--webhook', 'nobody'), 1),
      /no webhook with the id or name/,
    );
  });

  it('get shows a delivery with a line for each attempt, and everything about them when asked', async () => {
    const attempt: Attempt = {
      ...anAttempt(1, 500),
      requestHeaders: ['content-type', 'application/json', 'x-odd', 'a\u001b[2J'],
    };
    const [id = ''] = await put('got', { attempt, to: EXHAUSTED });
    const { out } = await deliveries('get', id);
    assert.match(
      out,
      /^id +msg_\S+\nstate +FAILED \(EXHAUSTED\)\nwebhook +got \(wh_\S+\)\nsent to +http:\/\/127\.0\.0\.1:9\/hook\n/,
    );
    assert.match(
      out,
      /\n\n# {2}BEGAN +RESULT +TOOK +OF WHICH +ADDRESS\n1 +now +500 +13 ms +connect 0\.5 ms, wait 10 ms, read 2 ms +127\.0\.0\.1:9\n$/,
    );
    const full = (await deliveries('get', id, '--full')).out;
    assert.ok(full.startsWith(out));
    assert.equal(
      full.slice(out.length),
      '\nbody (9 bytes)\nHello joe\n\nattempt 1\n> POST http://127.0.0.1:9/hook\n> content-type: application/json\n> x-odd: a\ufffd[2J\n< 500\n< content-type: text/plain\n\nok\n',
    );
    const [shown] = (await json('get', id)).delivery.attempts;
    assert.deepEqual([shown.responseStatus, shown.remoteAddress], [500, '127.0.0.1:9']);
    assert.match(
      refused(await deliveries('get', 'msg_none'), 1),
      /there is no delivery msg_none \(NOT_FOUND\)/,
    );
  });

  it('retry sends one again, or all failed ones of a webhook', async () => {
    const [one = ''] = await put('retried', FAILED, FAILED, { ...FAILED, createdAt: T0 - 60_000 });
    assert.equal((await deliveries('retry', one)).out, '1 delivery is sent again\n');
    const since = ['--since', '2026-01-01T00:00:00Z'];
    assert.equal(
      (await deliveries('retry', '--webhook', 'retried', ...since)).out,
      '1 delivery is sent again\n',
    );
    const dry = ['retry', '--webhook', 'retried', '--dry-run'];
    assert.equal((await deliveries(...dry)).out, '1 delivery would be sent again\n');
    assert.deepEqual(await json('retry', '--webhook', 'retried'), {
      count: 1,
      heldBackCount: 0,
      fullCount: 0,
      nextPageToken: '',
    });
    assert.equal(
      (await deliveries('retry', '--webhook', 'retried')).out,
      '0 deliveries are sent again; --waiting takes those that wait too\n',
    );
  });

  it('get shows the beginning of a long body, up to a whole character, and no bytes that are no text', async () => {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    const bodies = [Buffer.from(`a${'ü'.repeat(50_000)}`), Buffer.from([0xff, 0])];
    const publications = bodies.map((body) => aPublication([webhook.id], { event: { body } }));
    await api().store.publish(publications);
    const [long, bytes] = publications.map((each) => each.deliveries[0]!.id) as [string, string];
    const beginning = `a${'ü'.repeat(32_767)}…`;
    assert.ok(
      (await deliveries('get', long, '--full')).out.endsWith(`\nbody (100001 bytes)\n${beginning}\n`),
    );
    assert.match(
      (await deliveries('get', bytes, '--full')).out,
      /\nbody \(2 bytes\)\nit is not text; --json has it\n$/,
    );
  });

  it('retry and get say what one waits for in an ordered webhook', async () => {
    const webhook = aWebhook({ spec: { name: 'in-order', limits: { ordered: true } } });
    await api().store.createWebhooks([webhook]);
    const later: Fate = { status: 503, to: { to: 'PENDING', dueAt: T0 + 3_600_000 } };
    const first = await aDeliveryThat(api().store, webhook.id, later);
    const second = await aDeliveryThat(api().store, webhook.id, later);
    assert.equal(
      (await deliveries('retry', second)).out,
      `1 delivery is to be sent again, after ${first}, which goes before it in its ordered webhook\n`,
    );
    assert.match((await deliveries('get', second)).out, new RegExp(`\nwaits for +${first}\n`));
    const failed = await aDeliveryThat(api().store, webhook.id, FAILED);
    assert.equal(
      (await deliveries('retry', '--webhook', 'in-order')).out,
      '1 delivery is sent again; 1 of them waits for another, in ordered webhooks (deliveries get says which)\n',
    );
    assert.equal((await json('get', failed)).delivery.waitsFor, first);
  });

  it('retry takes those that wait for their next attempt when asked', async () => {
    const later = { to: 'PENDING', dueAt: T0 + 3_600_000 } as const;
    const [waiting = ''] = await put('patient', { status: 500, to: later });
    const argv = ['retry', '--webhook', 'patient', '--waiting'];
    assert.equal((await deliveries(...argv)).out, '1 delivery is sent again\n');
    const { delivery } = await json('get', waiting);
    assert.equal(Date.parse(delivery.nextAttemptTime), T0);
    assert.equal((await deliveries(...argv)).out, '0 deliveries are sent again\n');
  });

  it('retry is refused when it names nothing, both, or what cannot be sent again', async () => {
    const [sent = ''] = await put('unretried', { status: 200 });
    assert.match(refused(await deliveries('retry'), 2), /give either a delivery, or --webhook/);
    assert.match(refused(await deliveries('retry', sent, '--webhook', 'x'), 2), /give either/);
    assert.match(
      refused(await deliveries('retry', sent, '--since', '1h'), 2),
      /--since does not go with a delivery; give either/,
    );
    assert.match(
      refused(await deliveries('retry', sent, '--waiting'), 2),
      /--waiting does not go with a delivery; give either/,
    );
    assert.equal(
      refused(await deliveries('retry', sent), 1),
      `carillon: delivery ${sent} has SUCCEEDED; replay its event to send it once more (FAILED_PRECONDITION)\n`,
    );
  });

  it('cancel shows the delivery as it is', async () => {
    const [id = '', sent = ''] = await put('cancelled', {}, { status: 200 });
    assert.match((await deliveries('cancel', id)).out, /^id +msg_\S+\nstate +PENDING\n/);
    assert.match(
      refused(await deliveries('cancel', sent), 1),
      /is SUCCEEDED already.*\(FAILED_PRECONDITION\)/,
    );
  });

  it('cancel gives up all that wait and are chosen, after a dry run if asked', async () => {
    await put('backlog', {}, {}, { type: 'kept' }, FAILED);
    const argv = ['cancel', '--webhook', 'backlog', '--filter', 'event_type != kept'];
    assert.equal((await deliveries(...argv, '--dry-run')).out, '2 deliveries would be cancelled\n');
    assert.equal((await deliveries(...argv)).out, '2 deliveries are cancelled\n');
    assert.equal((await json('cancel', '--webhook', 'backlog', '--type', 'none')).count, 0);
    assert.match(refused(await deliveries('cancel'), 2), /give either a delivery, or --webhook/);
    assert.match(refused(await deliveries('cancel', '--dry-run'), 2), /give either a delivery/);
  });
});

describe('carillon deliveries watch', () => {
  it('prints a line for each change, and stops at its limit', async () => {
    await using running = await startApi({ settings: { watch: { restMs: 1 } } });
    const webhook = aWebhook();
    await running.store.createWebhooks([webhook]);
    const first = await running.deliveries.watchDeliveries({})[Symbol.asyncIterator]().next();
    const resume = ['--resume', first.value?.resumeToken ?? ''];
    const failed = await aDeliveryThat(running.store, webhook.id, { ...FAILED });
    const sent = await aDeliveryThat(running.store, webhook.id, { status: 200 });
    const { code, out, err } = await runCli(running.url, ['deliveries', 'watch', ...resume, '--limit', '2']);
    assert.deepEqual([code, err], [0, '']);
    const [one = '', two = '', ...rest] = out.trimEnd().split('\n');
    const time = /^\d\d:\d\d:\d\d /;
    assert.match(one, time);
    assert.match(two, time);
    assert.deepEqual(
      [one, two].map((line) => line.replace(time, '')),
      [
        ` ${failed}  FAILED (EXHAUSTED)  #1 503 in 13 ms   ${webhook.spec.name}  order.paid`,
        ` ${sent}  SUCCEEDED           #1 200 in 13 ms   ${webhook.spec.name}  order.paid`,
      ],
    );
    assert.deepEqual(rest, []);
    const given = { terminal: true, columns: 80 };
    const narrow = await runCli(running.url, ['deliveries', 'watch', ...resume, '--limit', '2'], given);
    const seen = stripVTControlCharacters(narrow.out).trimEnd().split('\n');
    assert.deepEqual(
      seen.map((line) => line.replace(time, '')),
      [
        ` ${failed}  FAILED (EXHAUSTED)  #1 503 in 13 ms  …`,
        ` ${sent}  SUCCEEDED           #1 200 in 13 ms  …`,
      ],
    );
    for (const each of seen) assert.ok(each.length <= 80, each);
    const argv = ['deliveries', 'watch', ...resume, '--limit', '1', '--json', '--state', 'succeeded'];
    const line = JSON.parse((await runCli(running.url, argv)).out);
    assert.deepEqual([line.delivery.id, line.attempt.responseStatus], [sent, 200]);
    assert.notEqual(line.resumeToken, '');
  });

  it('ends with 0 at a signal, and says how to go on', async () => {
    await using running = await startApi({ settings: { watch: { restMs: 1 } } });
    const webhook = aWebhook();
    await running.store.createWebhooks([webhook]);
    const world = testWorld({ env: { CARILLON_ADDRESS: running.url } });
    const printed = Promise.withResolvers<void>();
    const out = (text: string) => {
      world.printed.out += text;
      printed.resolve();
    };
    const ended = run(['deliveries', 'watch'], { ...world, out });
    let stop = false;
    const sending = (async () => {
      // It may begin to watch a moment after the first.
      while (!stop) await aDeliveryThat(running.store, webhook.id, { status: 200 });
    })();
    await printed.promise;
    stop = true;
    await sending;
    world.signal('SIGINT');
    assert.equal(await ended, 0);
    assert.match(world.printed.err, /^carillon: go on with --resume \S+\n$/);
    assert.equal(world.listeners(), 0);
  });

  it('says how to go on also when it gives up', async () => {
    const world = testWorld();
    const watchDeliveries = async function* () {
      yield create(WatchDeliveriesResponseSchema, { resumeToken: 'token-1' });
      throw new ConnectError('100 callers watch already; try again later', Code.ResourceExhausted);
    };
    const connection = { deliveries: { watchDeliveries } } as unknown as Connection;
    const job = { invocation: WATCH, connection, world, paper: paperOf(world) };
    await assert.rejects(watch(job), /100 callers/);
    assert.equal(world.printed.err, 'carillon: go on with --resume token-1\n');
  });

  it('ends with 0 when nobody reads what it prints', async () => {
    await using running = await startApi({ settings: { watch: { restMs: 1 } } });
    const webhook = aWebhook();
    await running.store.createWebhooks([webhook]);
    const first = await running.deliveries.watchDeliveries({})[Symbol.asyncIterator]().next();
    await aDeliveryThat(running.store, webhook.id, { status: 200 });
    const world = testWorld({ env: { CARILLON_ADDRESS: running.url } });
    const argv = ['deliveries', 'watch', '--resume', first.value?.resumeToken ?? ''];
    assert.equal(await run(argv, { ...world, flush: async () => false }), 0);
  });

  it('says what to do when its token is too old, and when no server answers', async () => {
    await using running = await startApi();
    const bad = await runCli(running.url, ['deliveries', 'watch', '--resume', 'nonsense']);
    assert.equal(bad.code, 2);
    assert.match(bad.err, /--resume \(resume_token\): is not a token of this namespace/);
    const none = await runCli('http://127.0.0.1:9', ['deliveries', 'watch']);
    assert.equal(none.code, 1);
    assert.match(none.err, /^carillon: no server answers/);
  });
});
