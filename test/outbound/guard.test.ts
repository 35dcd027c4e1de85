import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parseCidrs } from '../../src/domain/webhook/address.ts';
import { parseDestinationRules } from '../../src/domain/webhook/destination-rule.ts';
import { createResolver } from '../../src/outbound/resolver.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { aLookup, aRequest, aSender, told } from '../support/sender.ts';

/** Allows 127.0.0.1 alone, so that the rest of loopback can play the forbidden inside. */
const ONLY_ONE = { allow: parseCidrs(['127.0.0.1/32']) };

describe('the address guard', () => {
  it('connects to no address that the policy forbids, written out in any form', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender({ policy: { allow: [] } });
    for (const host of [
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '2130706433',
      '0177.0.0.1',
      '[::ffff:127.0.0.1]',
      '[::1]',
      '0.0.0.0',
      'localhost',
    ]) {
      const outcome = await sender.send(aRequest(`http://${host}:${receiver.port}/`));
      assert.match(told(outcome), /^FORBIDDEN_ADDRESS: .* may not be called: .* is an? /, host);
    }
    assert.equal(receiver.connections, 0);
    await until(() => sender.stats().origins === 0 || undefined);
  });

  it('connects to where an allowed name leads', async () => {
    await using receiver = await openReceiver();
    const lookup = aLookup({ 'hooks.example': [['127.0.0.1']] });
    await using sender = aSender({ policy: ONLY_ONE, lookup });
    const outcome = await sender.send(aRequest(`http://hooks.example:${receiver.port}/x`));
    assert.equal(told(outcome), 'answered 200');
    assert.equal(receiver.requests[0]?.headers.host, `hooks.example:${receiver.port}`);
  });

  it('refuses all answers to a name when one of them is forbidden, wherever it stands', async () => {
    await using receiver = await openReceiver();
    const lookup = aLookup({
      'first.example': [['10.0.0.1', '127.0.0.1']],
      'last.example': [['127.0.0.1', '10.0.0.1']],
      'mapped.example': [['127.0.0.1', '::ffff:10.0.0.1']],
    });
    await using sender = aSender({ policy: ONLY_ONE, lookup });
    for (const host of ['first.example', 'last.example', 'mapped.example']) {
      const outcome = await sender.send(aRequest(`http://${host}:${receiver.port}/`));
      assert.match(told(outcome), /^FORBIDDEN_ADDRESS: .* may not be called/, host);
    }
    assert.equal(receiver.connections, 0);
  });

  it('says which address of which name was forbidden, and why', async () => {
    await using sender = aSender({ policy: ONLY_ONE, lookup: aLookup({ 'in.example': [['10.0.0.7']] }) });
    assert.equal(
      told(await sender.send(aRequest('http://in.example/'))),
      'FORBIDDEN_ADDRESS: in.example (10.0.0.7) may not be called: 10.0.0.7 is a private address',
    );
  });

  it('resolves once for each connection and connects to what it judged', async () => {
    await using receiver = await openReceiver();
    receiver.answer(status(200, { headers: { connection: 'close' } }));
    // Whoever asked twice, once to check and once to connect, would be led to the second answer.
    const lookup = aLookup({ 'rebind.example': [['127.0.0.1'], ['127.0.0.2']] });
    await using sender = aSender({ policy: ONLY_ONE, lookup });
    const url = `http://rebind.example:${receiver.port}/`;
    assert.equal(told(await sender.send(aRequest(url))), 'answered 200');
    assert.deepEqual(lookup.asked, ['rebind.example']);
    assert.match(
      told(await sender.send(aRequest(url))),
      /^FORBIDDEN_ADDRESS: rebind\.example \(127\.0\.0\.2\)/,
    );
    assert.equal(receiver.connections, 1);
  });

  it('keeps to the lists of the operator, for names, their addresses and ports', async () => {
    await using receiver = await openReceiver();
    const lookup = aLookup({
      'a.example': [['127.0.0.1']],
      'b.example': [['127.0.0.1']],
      'inside.example': [['127.0.0.3']],
      'public.example': [['192.0.9.1']],
    });
    const { port } = receiver;
    const rules = (...list: string[]) => parseDestinationRules(list, 'rules');
    const policy = {
      allow: rules('127.0.0.1', 'inside.example'),
      deny: rules('b.example', '192.0.9.0/24', `*:${port + 1}`),
    };
    await using sender = aSender({ policy, lookup });
    const said = async (url: string) => told(await sender.send(aRequest(url)));
    assert.equal(await said(`http://a.example:${port}/`), 'answered 200');
    assert.equal(
      await said(`http://b.example:${port}/`),
      `FORBIDDEN_ADDRESS: b.example may not be called: b.example:${port} is denied by the operator (--deny-destinations)`,
    );
    assert.match(await said(`http://a.example:${port + 1}/`), /^FORBIDDEN_ADDRESS: a\.example may not/);
    assert.match(
      await said('http://public.example/'),
      /^FORBIDDEN_ADDRESS: public\.example \(192\.0\.9\.1\)/,
    );
    assert.match(await said(`http://inside.example:${port}/`), /^CONNECT: connection refused/);
    assert.deepEqual(
      lookup.asked,
      ['a.example', 'public.example', 'inside.example'],
      'nobody asks for what is denied',
    );
    await using choosy = aSender({ policy: { ...policy, only: rules(`a.example:${port}`) }, lookup });
    assert.equal(told(await choosy.send(aRequest(`http://a.example:${port}/`))), 'answered 200');
    const other = await choosy.send(aRequest(`http://127.0.0.1:${port}/`));
    assert.match(told(other), /^FORBIDDEN_ADDRESS: .* not among what the operator allows/);
  });

  it('refuses an own listener however it is reached, also over a connection that its inbox has opened', async () => {
    await using receiver = await openReceiver();
    const { port } = receiver;
    const lookup = aLookup({ 'own.example': [['127.0.0.1']] });
    const listeners = [{ host: '127.0.0.1', port, hasInbox: true }];
    const policy = { allow: parseCidrs(['127.0.0.0/8']), own: { listeners, isLocal: () => false } };
    await using sender = aSender({ policy, lookup });
    for (const host of ['127.0.0.1', 'own.example']) {
      const said = async (path: string) => told(await sender.send(aRequest(`http://${host}:${port}${path}`)));
      assert.match(
        await said('/v1/webhooks'),
        /^FORBIDDEN_ADDRESS: .* is this Carillon itself, of which only the inbox/,
      );
      assert.equal(await said('/inbox/joe'), 'answered 200');
      assert.match(await said('/v1/webhooks'), /^FORBIDDEN_ADDRESS/);
      assert.match(await said('/inbox/../v1/webhooks'), /^FORBIDDEN_ADDRESS/);
      assert.equal(await said('/inbox/ann'), 'answered 200');
    }
    assert.deepEqual(
      receiver.requests.map(({ path }) => path),
      ['/inbox/joe', '/inbox/ann', '/inbox/joe', '/inbox/ann'],
    );
    assert.ok(receiver.connections < 4, 'connections are kept');
  });

  it('tries the next of the judged addresses when one refuses', async () => {
    await using receiver = await openReceiver();
    // The receiver listens on 127.0.0.1 alone, so that the others refuse.
    const lookup = aLookup({ 'many.example': [['127.0.0.2', '::1', '127.0.0.3', '127.0.0.1']] });
    await using sender = aSender({ lookup });
    assert.equal(told(await sender.send(aRequest(`http://many.example:${receiver.port}/`))), 'answered 200');
  });

  it('names all addresses it tried when all refuse', async () => {
    const receiver = await openReceiver();
    await receiver.close();
    await using sender = aSender({ lookup: aLookup({ 'dead.example': [['127.0.0.1', '127.0.0.2']] }) });
    const outcome = await sender.send(aRequest(`http://dead.example:${receiver.port}/`));
    assert.equal(
      told(outcome),
      `CONNECT: connection refused by dead.example:${receiver.port} (127.0.0.1, 127.0.0.2)`,
    );
  });

  it('fails with DNS when a name has no address', async () => {
    await using sender = aSender({ lookup: aLookup({ 'empty.example': [[]] }) });
    assert.equal(
      told(await sender.send(aRequest('http://nowhere.example/'))),
      'DNS: there is no address for nowhere.example (ENOTFOUND)',
    );
    assert.equal(
      told(await sender.send(aRequest('http://empty.example/'))),
      'DNS: there is no address for empty.example',
    );
  });

  it('asks the system by default', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    assert.equal(told(await sender.send(aRequest(`http://localhost:${receiver.port}/`))), 'answered 200');
  });
});

describe('a resolver', () => {
  it('makes one lookup for all who ask for a name while it runs, and a new one afterwards', async () => {
    const lookup = aLookup({ 'a.example': [['127.0.0.1']] });
    const { resolve } = createResolver({ policy: ONLY_ONE, lookup });
    const ask = () =>
      new Promise<string>((done) =>
        resolve({ hostname: 'a.example' }, (failure, all) => done(failure?.message ?? all[0]!.address)),
      );
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    assert.equal(lookup.asked.length, 1);
    assert.equal(await ask(), '127.0.0.1');
    assert.equal(lookup.asked.length, 2);
  });

  it('hands out no address beside a refusal', async () => {
    const lookup = aLookup({ 'a.example': [['127.0.0.1', '10.0.0.1']] });
    const { resolve } = createResolver({ policy: ONLY_ONE, lookup });
    const handedOut = await new Promise((done) =>
      resolve({ hostname: 'a.example' }, (_failure, all) => done(all)),
    );
    assert.deepEqual(handedOut, []);
  });

  it('fails at once when too many names are being looked up', async () => {
    const { resolve } = createResolver({ policy: ONLY_ONE, lookup: () => {} });
    for (let i = 0; i < 1_000; i++) resolve({ hostname: `n${i}.example` }, () => {});
    const message = await new Promise((done) =>
      resolve({ hostname: 'more.example' }, (failure) => done(failure?.message)),
    );
    assert.match(String(message), /too many names/);
    let shared = false;
    resolve({ hostname: 'n0.example' }, () => {
      shared = true;
    });
    await setImmediate();
    assert.equal(shared, false, 'a name that is being looked up can still be waited for');
  });
});
