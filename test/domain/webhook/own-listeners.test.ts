import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AddressPolicy, parseCidrs } from '../../../src/domain/webhook/address.ts';
import { judgeDestination } from '../../../src/domain/webhook/destination.ts';
import type { OwnListener } from '../../../src/domain/webhook/own-listeners.ts';

/** A machine with one address of its own, on which everything inside is allowed. */
function policyOf(host: string, hasInbox = false): AddressPolicy {
  const listeners: OwnListener[] = [{ host, port: 8090, hasInbox }];
  return {
    allow: parseCidrs(['0.0.0.0/0', '::/0']),
    own: { listeners, isLocal: (ip) => ip === '10.0.0.5' || ip === 'fd00::5' },
  };
}

function refusal(url: string, policy: AddressPolicy): string | undefined {
  const verdict = judgeDestination(url, { policy });
  return 'refused' in verdict ? verdict.refused : undefined;
}

describe('a destination that is this server itself', () => {
  it('is refused in every spelling of the address that it listens on, however much is allowed', () => {
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0.0.0.0',
      '[::]',
      '[::ffff:127.0.0.1]',
      'localhost',
    ])
      assert.match(
        refusal(`http://${host}:8090/v1/webhooks`, policyOf('127.0.0.1')) ?? 'taken',
        /Carillon itself/,
      );
    assert.match(
      refusal('http://127.0.0.1:8090/', policyOf('::ffff:127.0.0.1')) ?? 'taken',
      /Carillon itself/,
    );
    assert.equal(
      refusal('http://127.0.0.1:8090/v1/webhooks', policyOf('127.0.0.1')),
      'may not be called: 127.0.0.1:8090 is this Carillon itself; use another host',
    );
  });

  it('is taken on another port or address', () => {
    for (const url of ['http://127.0.0.1:8091/', 'http://127.0.0.2:8090/', 'http://10.0.0.5:8090/'])
      assert.equal(refusal(url, policyOf('127.0.0.1')), undefined, url);
  });

  it('is refused at each address of the machine when it listens on all of them', () => {
    for (const ip of ['127.0.0.1', '127.0.0.2', '10.0.0.5'])
      for (const host of ['0.0.0.0', '::'])
        assert.match(
          refusal(`http://${ip}:8090/`, policyOf(host)) ?? 'taken',
          /Carillon itself/,
          `${ip} ${host}`,
        );
    for (const ip of ['[::1]', '[fd00::5]']) {
      assert.match(refusal(`http://${ip}:8090/`, policyOf('::')) ?? 'taken', /Carillon itself/, ip);
      assert.equal(refusal(`http://${ip}:8090/`, policyOf('0.0.0.0')), undefined, ip);
    }
    for (const url of ['http://10.0.0.6:8090/', 'http://10.0.0.5:80/'])
      assert.equal(refusal(url, policyOf('::')), undefined, url);
  });

  it('may be its inbox, where that is on, and nothing beside it', () => {
    const policy = policyOf('127.0.0.1', true);
    for (const path of ['/inbox/joe', '/inbox/joe/deeper?x=1', '/v1/../inbox/joe'])
      assert.equal(refusal(`http://localhost:8090${path}`, policy), undefined, path);
    for (const path of [
      '/',
      '/inboxes',
      '/v1/webhooks',
      '/inbox/../v1/webhooks',
      '/inbox/%2e%2e/v1',
      '//inbox/x',
    ])
      assert.match(
        refusal(`http://127.0.0.1:8090${path}`, policy) ?? 'taken',
        /of which only the inbox may be called/,
        path,
      );
    assert.match(
      refusal('http://127.0.0.1:8090/inbox/joe', policyOf('127.0.0.1')) ?? 'taken',
      /Carillon itself/,
    );
  });
});
