import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostsHint } from '../../../src/server/listen/bind.ts';

const at = (host: string) => ({ host, port: 8090 });

describe('hostsHint', () => {
  it('names the flag where other machines can call and no name is allowed', () => {
    for (const addresses of [[at('0.0.0.0')], [at('127.0.0.1'), at('::')], [at('192.168.1.7')]]) {
      assert.match(hostsHint(addresses, { allowedHosts: [] }) ?? '', /--allowed-hosts$/);
    }
  });

  it('says nothing on loopback, and where names are allowed', () => {
    assert.equal(hostsHint([at('127.0.0.1'), at('::1')], { allowedHosts: [] }), undefined);
    assert.equal(hostsHint([at('0.0.0.0')], { allowedHosts: ['a.example'] }), undefined);
  });
});
