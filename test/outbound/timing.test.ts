import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Timing } from '../../src/domain/delivery/attempt.ts';
import { endless, hang, openReceiver, receiverCertificate, status } from '../support/receiver.ts';
import { aLookup, aRequest, aSender, told } from '../support/sender.ts';

const lookup = aLookup({ localhost: [['127.0.0.1']], 'here.example': [['127.0.0.1']] });

function partsOf(timing: Timing): string[] {
  return Object.keys(timing).sort();
}

describe('the timing of an attempt', () => {
  it('has every part there is when a name is looked up and a TLS connection opened for it', async () => {
    await using receiver = await openReceiver({ tls: true });
    await using sender = aSender({ trustedCertificates: receiverCertificate(), lookup });
    const { timing, remoteAddress, durationMs } = await sender.send(aRequest(receiver.url));
    assert.deepEqual(partsOf(timing), ['connectMs', 'dnsMs', 'readMs', 'tlsMs', 'waitMs']);
    const parts = Object.values(timing) as number[];
    for (const part of parts) assert.ok(part >= 0);
    // Each is rounded to a tenth, and the whole to one.
    assert.ok(parts.reduce((sum, part) => sum + part) <= durationMs + 1);
    assert.equal(remoteAddress, `127.0.0.1:${receiver.port}`);
  });

  it('has no lookup where the destination is an address, and no TLS without TLS', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    const { timing } = await sender.send(aRequest(receiver.url));
    assert.deepEqual(partsOf(timing), ['connectMs', 'readMs', 'waitMs']);
  });

  it('has only waiting and reading on a connection that was open already, which is named all the same', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    await sender.send(aRequest(receiver.url));
    // Undici takes a connection back one turn of the event loop after the answer.
    await setImmediate();
    const { timing, remoteAddress } = await sender.send(aRequest(receiver.url));
    assert.deepEqual(partsOf(timing), ['readMs', 'waitMs']);
    assert.equal(remoteAddress, `127.0.0.1:${receiver.port}`);
    assert.equal(receiver.connections, 1);
  });

  it('says how long the answer was waited for, and how long its body', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.answer(({ response, after }) => {
      after(60, () => {
        response.writeHead(200).flushHeaders();
        after(150, () => response.end('x'));
      });
    });
    const { timing } = await sender.send(aRequest(receiver.url));
    // A timer can be up to a millisecond early, and a busy machine reads the head late.
    assert.ok(timing.waitMs! >= 59, `waited ${timing.waitMs}`);
    assert.ok(timing.readMs! >= 39, `read ${timing.readMs}`);
  });

  it('says that it was the answer which did not come, or not to its end, within the deadline', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender();
    receiver.script(hang(), endless());
    const silent = await sender.send(aRequest(receiver.url, { timeoutMs: 100 }));
    assert.deepEqual(partsOf(silent.timing), ['connectMs', 'waitMs']);
    assert.ok(silent.timing.waitMs! >= 50);
    const unending = await sender.send(aRequest(receiver.url, { timeoutMs: 100 }));
    assert.deepEqual(partsOf(unending.timing), ['connectMs', 'readMs', 'waitMs']);
    assert.ok(unending.timing.readMs! >= 30);
  });

  it('says that it was the lookup which took too long, and names no address', async () => {
    const silent = (): void => {};
    await using sender = aSender({ lookup: silent });
    const outcome = await sender.send(aRequest('http://here.example/', { timeoutMs: 100 }));
    assert.match(told(outcome), /^TIMEOUT: no connection/);
    assert.deepEqual(partsOf(outcome.timing), ['dnsMs']);
    assert.ok(outcome.timing.dnsMs! >= 50);
    assert.equal(outcome.remoteAddress, undefined);
  });

  it('has the connecting that was refused, and names no address that was not connected to', async () => {
    await using receiver = await openReceiver();
    await receiver.close();
    await using sender = aSender({ lookup });
    const outcome = await sender.send(aRequest(`http://here.example:${receiver.port}/`));
    assert.match(told(outcome), /^CONNECT/);
    assert.deepEqual(partsOf(outcome.timing), ['connectMs', 'dnsMs']);
    assert.equal(outcome.remoteAddress, undefined);
  });

  it('has the handshake that failed, and names the address that it failed with', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender({ lookup });
    const outcome = await sender.send(aRequest(`https://here.example:${receiver.port}/`));
    assert.match(told(outcome), /^TLS/);
    assert.deepEqual(partsOf(outcome.timing), ['connectMs', 'dnsMs', 'tlsMs']);
    assert.equal(outcome.remoteAddress, `127.0.0.1:${receiver.port}`);
  });

  it('is empty for a request that got no connection because all were busy', async () => {
    await using receiver = await openReceiver();
    await using sender = aSender({ originConnectionsMax: 1 });
    receiver.answer(status(200, { delayMs: 200 }));
    const slow = sender.send(aRequest(receiver.url));
    const outcome = await sender.send(aRequest(receiver.url, { timeoutMs: 50 }));
    assert.match(told(outcome), /^TIMEOUT: no connection/);
    assert.deepEqual(outcome.timing, {});
    await slow;
  });
});
