import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serve } from '../../src/cli/serve.ts';
import type { startServer } from '../../src/server/start.ts';
import { testWorld } from '../support/world.ts';

describe('a stop that does not end', () => {
  test('is given up some seconds after its own deadline, with exit code 1', async (t) => {
    const started = Promise.withResolvers<void>();
    const stopping = Promise.withResolvers<void>();
    const start: typeof startServer = async () => {
      started.resolve();
      return {
        address: { host: '127.0.0.1', port: 8090 },
        finished: new Promise(() => {}),
        stop() {
          stopping.resolve();
          return new Promise(() => {});
        },
      };
    };
    const world = testWorld();
    const argv = ['--log-level', 'silent', '--stop-timeout', '30s'];
    const code = serve('serve', argv, world, start);
    let ended: number | undefined;
    void code.then((value) => {
      ended = value;
    });
    await started.promise;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    world.signal('SIGTERM');
    await stopping.promise;
    t.mock.timers.tick(34_999);
    await new Promise(setImmediate);
    assert.equal(ended, undefined);
    t.mock.timers.tick(1);
    t.mock.timers.reset();
    assert.equal(await code, 1);
  });
});
