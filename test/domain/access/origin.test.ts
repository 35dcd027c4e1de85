import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOwnOrigin, judgeOrigin } from '../../../src/domain/access/origin.ts';

describe('isOwnOrigin', () => {
  it('knows the server by the host that was called, whatever the scheme', () => {
    const own: [origin: string, host: string][] = [
      ['http://127.0.0.1:8090', '127.0.0.1:8090'],
      ['http://localhost:8090', 'LocalHost:8090'],
      ['https://hooks.example', 'hooks.example'],
      ['https://hooks.example', 'hooks.example:443'],
      ['http://[::1]:8090', '[::1]:8090'],
    ];
    for (const [origin, host] of own) assert.equal(isOwnOrigin(origin, [host]), true, origin);
  });

  it('knows a page that came the same way by its scheme too, where that is known', () => {
    const host = ['api.example'];
    for (const [origin, isSecure, isOwn] of [
      ['https://api.example', true, true],
      ['http://api.example', true, false],
      ['http://api.example', false, true],
      ['https://api.example', false, false],
    ] as const) {
      assert.equal(isOwnOrigin(origin, host, isSecure), isOwn, `${origin} ${isSecure}`);
    }
  });

  it('takes no other page for its own', () => {
    const others: [origin: string, hosts: string[]][] = [
      ['http://localhost:3000', ['localhost:8090']],
      ['http://localhost', ['localhost:8090']],
      ['http://localhost:8090', ['127.0.0.1:8090']],
      ['https://evil.example', ['127.0.0.1:8090']],
      ['null', ['127.0.0.1:8090']],
      ['file://', ['']],
      ['', ['127.0.0.1:8090']],
      ['http://localhost:8090', []],
      ['http://localhost:8090', ['localhost:8090', 'other:8090']],
    ];
    for (const [origin, hosts] of others) assert.equal(isOwnOrigin(origin, hosts), false, origin);
  });
});

describe('judgeOrigin', () => {
  it('allows own pages, listed ones, and any where all are', () => {
    const listed = { corsOrigins: ['https://app.example'] };
    assert.equal(judgeOrigin('http://localhost:8090', ['localhost:8090'], listed), 'allow');
    assert.equal(judgeOrigin('https://app.example', ['localhost:8090'], listed), 'allow');
    assert.equal(judgeOrigin('https://evil.example', ['localhost:8090'], { corsOrigins: ['*'] }), 'allow');
  });

  it('denies others, and says what it saw and what to do', () => {
    assert.deepEqual(judgeOrigin('http://localhost:3000', ['localhost:8090'], { corsOrigins: [] }), {
      deny:
        'pages of the origin "http://localhost:3000" may not call this server: ' +
        'start it with --cors-origins http://localhost:3000 to let them',
    });
    const opaque = judgeOrigin('null', ['localhost:8090'], { corsOrigins: ['https://app.example'] });
    assert.match(String(Object.values(opaque)), /"null".*--cors-origins <origin> to let them/);
  });
});
