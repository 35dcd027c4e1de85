import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Lookup } from '../../src/outbound/resolver.ts';
import { until } from '../support/pipeline.ts';
import { endless, hang, openReceiver, reset, status } from '../support/receiver.ts';
import { aRequest, aSender, told } from '../support/sender.ts';

/** Every name leads to this machine, so that each is an origin of its own. */
const everywhere: Lookup = (_hostname, done) => {
  globalThis.setImmediate(() => done(null, [{ address: '127.0.0.1', family: 4 }]));
};

describe('connections', () => {
  it('are used again, one request at a time', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    for (let i = 0; i < 5; i++) {
      await sender.send(aRequest(receiver.url));
      await setImmediate();
    }
    assert.deepEqual(
      receiver.requests.map(({ connection }) => connection),
      [1, 1, 1, 1, 1],
    );
  });

  it('to one origin are never more than allowed, and requests beyond wait for one', async () => {
    await using receiver = await openReceiver();
    receiver.answer(status(200, { delayMs: 20 }));
    await using sender = aSender({ originConnectionsMax: 3 });
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => sender.send(aRequest(receiver.url))));
    assert.deepEqual(new Set(outcomes.map(told)), new Set(['answered 200']));
    assert.equal(receiver.connections, 3);
  });

  it('that hang at one origin are not waited for by another', async () => {
    await using bad = await openReceiver();
    await using good = await openReceiver();
    bad.answer(hang());
    await using sender = aSender({ originConnectionsMax: 2 });
    const hanging = Array.from({ length: 6 }, () => sender.send(aRequest(bad.url, { timeoutMs: 2_000 })));
    await bad.received(2);
    assert.equal(told(await sender.send(aRequest(good.url))), 'answered 200');
    await sender.close();
    await Promise.all(hanging);
    assert.equal(bad.connections, 2);
  });

  it('are waited for within the deadline, and a request that gave up is not sent afterwards', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender({ originConnectionsMax: 1 });
    receiver.script(status(200, { delayMs: 300 }));
    const slow = sender.send(aRequest(receiver.url));
    const impatient = sender.send(aRequest(`${receiver.url}/impatient`, { timeoutMs: 100 }));
    assert.match(told(await impatient), /^TIMEOUT: no connection to 127\.0\.0\.1:\d+ within 100 ms$/);
    assert.equal(told(await slow), 'answered 200');
    assert.equal(told(await sender.send(aRequest(`${receiver.url}/next`))), 'answered 200');
    assert.deepEqual(
      receiver.requests.map(({ path }) => path),
      ['/', '/next'],
    );
    // Nothing was wrong with the connection, so it is still the first.
    assert.equal(receiver.connections, 1);
  });

  it('have a bounded queue: beyond it a request fails at once', async () => {
    await using receiver = await openReceiver();
    receiver.answer(hang());
    await using sender = aSender({ originConnectionsMax: 1 });
    const waiting = Array.from({ length: 1 + 1_024 }, () => sender.send(aRequest(receiver.url)));
    const outcome = await sender.send(aRequest(receiver.url));
    assert.match(told(outcome), /^CONNECT: 1024 requests wait for a connection to 127\.0\.0\.1/);
    await sender.close();
    await Promise.all(waiting);
  });

  it('that the receiver closes when idle are not used any more', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.script((exchange) => {
      status(200)(exchange);
      exchange.after(20, () => void exchange.socket.end());
    });
    await sender.send(aRequest(receiver.url));
    await until(() => sender.stats().connections === 0 || undefined);
    assert.equal(told(await sender.send(aRequest(receiver.url))), 'answered 200');
    assert.equal(receiver.connections, 2);
  });

  it('are closed by us before the receiver would, when it says when', async () => {
    // It announces `Keep-Alive: timeout=2`.
    await using receiver = await openReceiver({ keepAliveTimeoutMs: 2_000 });
    await using sender = aSender();
    let closedBy = 'the receiver';
    receiver.answer((exchange) => {
      exchange.socket.once('end', () => {
        closedBy = 'the sender';
      });
      status(200)(exchange);
    });
    await sender.send(aRequest(receiver.url));
    await until(() => sender.stats().connections === 0 || undefined);
    await until(() => closedBy === 'the sender' || undefined);
  });
});

describe('what is kept of an origin', () => {
  it('is nothing once its connections are gone, whatever became of its requests', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender({ lookup: everywhere });
    const answers = [status(200, { headers: { connection: 'close' } }), reset(), hang(), endless()];
    const hosts = Array.from({ length: 80 }, (_, i) => `h${i}.example`);
    const closed = await openReceiver();
    await closed.close();
    for (const [i, host] of hosts.entries()) {
      receiver.script(answers[i % answers.length]!);
      const answering = sender.send(
        aRequest(`http://${host}:${receiver.port}/`, { timeoutMs: i % 4 < 2 ? 10_000 : 50 }),
      );
      await receiver.received(i + 1);
      if (i % 4 < 2) await answering;
      await sender.send(aRequest(`http://${host}:${closed.port}/`));
    }
    await until(() => sender.stats().origins === 0 || undefined);
    assert.equal(sender.stats().connections, 0);
  });

  it('is nothing some time after its last request, when the connection was kept', async () => {
    await using receiver = await openReceiver({ keepAliveTimeoutMs: 2_000 });
    await using sender = aSender({ lookup: everywhere });
    const hosts = Array.from({ length: 50 }, (_, i) => `h${i}.example`);
    await Promise.all(hosts.map((host) => sender.send(aRequest(`http://${host}:${receiver.port}/`))));
    assert.deepEqual(sender.stats(), { connections: 50, origins: 50 });
    await until(() => sender.stats().origins === 0 || undefined);
    assert.equal(sender.stats().connections, 0);
  });

  it('is no idle connection while too many are open', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender({ lookup: everywhere, keptConnectionsMax: 3 });
    for (let i = 0; i < 6; i++) await sender.send(aRequest(`http://h${i}.example:${receiver.port}/`));
    const asked = receiver.requests.map(({ headers }) => headers.connection);
    assert.deepEqual(asked, ['keep-alive', 'keep-alive', 'keep-alive', 'close', 'close', 'close']);
    await until(() => sender.stats().origins === 3 || undefined);
    assert.equal(sender.stats().connections, 3);
  });
});
