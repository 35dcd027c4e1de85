import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Config, loadConfig } from '../../../src/server/config/load.ts';

function load(argv: readonly string[], env: Record<string, string> = {}): Promise<Config> {
  return loadConfig('serve', { argv, env, cwd: '/', terminal: false, readFile: async () => undefined });
}

describe('--allowed-hosts', () => {
  test('is empty unless given', async () => {
    assert.deepEqual((await load([])).allowedHosts, []);
  });

  test('takes names, those below a star, and a star', async () => {
    const given: [text: string, expected: string][] = [
      ['hooks.example.com', 'hooks.example.com'],
      ['HOOKS.Example.com.', 'hooks.example.com'],
      ['*.Example.com', '*.example.com'],
      ['carillon', 'carillon'],
      ['my_service.ns-1.svc', 'my_service.ns-1.svc'],
      ['bücher.example', 'xn--bcher-kva.example'],
      ['*', '*'],
    ];
    for (const [text, expected] of given) {
      assert.deepEqual((await load(['--allowed-hosts', text])).allowedHosts, [expected]);
    }
    const { allowedHosts } = await load(['--allowed-hosts', 'a.example', '--allowed-hosts', 'b.example, c']);
    assert.deepEqual(allowedHosts, ['a.example', 'b.example', 'c']);
    const fromEnv = await load([], { CARILLON_ALLOWED_HOSTS: 'a.example' });
    assert.deepEqual(fromEnv.allowedHosts, ['a.example']);
  });

  test('takes nothing else', async () => {
    const wrong = [
      'hooks.example.com:8090',
      'https://hooks.example.com',
      'hooks.example.com/path',
      'hooks.example.com?x',
      'hooks%00.example.com',
      'hooks..example.com',
      '.example.com',
      '*example.com',
      'a.*.example.com',
      '**',
      '*.',
      '-a.example',
      'a-.example',
      'a b',
      `${'a'.repeat(64)}.example`,
      `${'a.'.repeat(130)}example`,
      'a,,b',
    ];
    for (const text of wrong) {
      const message =
        /^--allowed-hosts: .* is not allowed; give the name of a host without a port, such as hooks\.example\.com/;
      await assert.rejects(load([`--allowed-hosts=${text}`]), { code: 'INVALID', message }, text);
    }
  });
});
