import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostsOf, judgeHosts } from '../../../src/domain/access/host.ts';

const NONE = { allowedHosts: [] };

function denied(host: string, allowedHosts: readonly string[] = []): string | undefined {
  const verdict = judgeHosts([host], { allowedHosts });
  return verdict === 'allow' ? undefined : verdict.deny;
}

describe('judgeHosts', () => {
  it('allows addresses and localhost, however they are written', () => {
    const hosts = [
      '127.0.0.1',
      '127.0.0.1:8090',
      '192.168.1.7:80',
      '127.0.0.1.',
      '[::1]',
      '[::1]:8090',
      '[2001:DB8::1]:443',
      '[::ffff:127.0.0.1]',
      '%5B::1%5D:8091',
      'localhost',
      'LOCALHOST:8090',
      'localhost.',
      'localhost.:8090',
      'localhost:',
      'api.localhost:8090',
      'A.b.LocalHost.',
    ];
    for (const host of hosts) assert.equal(denied(host), undefined, host);
  });

  it('denies every other name, and what only looks like an allowed one', () => {
    const hosts = [
      'evil.example',
      'evil.example:8090',
      'localhost.evil.example',
      'notlocalhost',
      'localhost..',
      '127.0.0.1.evil.example',
      '127.1',
      '2130706433',
      '0x7f.0.0.1',
      '127.0.0.1:8090:1',
      '127.0.0.1:port',
      '::1',
      '[::1',
      '[::1]x',
      '[localhost]',
      '[127.0.0.1]',
      '[fe80::1%25eth0]',
      'user@localhost',
      'localhost/',
      'local host',
      'localhost,localhost',
      'löcalhost',
      '.localhost.evil',
      '.',
      ':8090',
      '',
    ];
    for (const host of hosts) assert.match(denied(host) ?? 'allowed', /^this server may not be called/, host);
  });

  it('says what it saw, and what to do about it', () => {
    assert.equal(
      denied('Evil.Example:8090'),
      'this server may not be called as "Evil.Example:8090": ' +
        'call it by an IP address or as localhost, or start it with --allowed-hosts evil.example',
    );
    assert.match(denied('a b') ?? '', /as "a b": .* --allowed-hosts <name>$/);
    const deny = denied('x'.repeat(5000)) ?? '';
    assert.ok(deny.length < 250, deny);
    assert.match(denied('\u0000\u001b[31m') ?? '', /as "\\u0000\\u001b\[31m":/);
  });

  it('allows names that are listed, those below a star, or any', () => {
    const allowed = ['hooks.example.com', '*.internal.example'];
    for (const host of [
      'hooks.example.com',
      'HOOKS.example.com:443',
      'a.internal.example.',
      'a.b.internal.example',
    ]) {
      assert.equal(denied(host, allowed), undefined, host);
    }
    for (const host of ['example.com', 'x.hooks.example.com', 'internal.example', 'evilinternal.example']) {
      assert.notEqual(denied(host, allowed), undefined, host);
    }
    assert.equal(denied('whatever.example', ['*']), undefined);
    assert.notEqual(denied('no host', ['*']), undefined);
  });

  it('denies a request that names no host, or one of several that is not allowed', () => {
    assert.match(String(Object.values(judgeHosts([], NONE))), /names no host/);
    assert.notEqual(judgeHosts(['localhost', 'evil.example'], NONE), 'allow');
    assert.notEqual(judgeHosts(['evil.example', 'localhost'], NONE), 'allow');
    assert.equal(judgeHosts(['localhost', '127.0.0.1'], NONE), 'allow');
  });
});

describe('hostsOf', () => {
  it('finds each host that a request names', () => {
    const rawHeaders = ['Accept', '*/*', 'HOST', 'a', 'x-host', 'no', 'host', 'b', ':authority', 'c'];
    assert.deepEqual(hostsOf({ rawHeaders }), ['a', 'b', 'c']);
    assert.deepEqual(hostsOf({ rawHeaders: ['accept', 'host'] }), []);
    assert.deepEqual(hostsOf({ rawHeaders: [] }), []);
  });
});
