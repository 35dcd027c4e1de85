import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serve } from '../../src/cli/serve.ts';
import { DomainError } from '../../src/domain/error.ts';
import type { startServer } from '../../src/server/start.ts';
import { testWorld } from '../support/world.ts';

const QUIET = ['--log-level', 'silent'];

/** A server that does nothing, to be ended from the test. */
function idleServer(stopping: () => Promise<void> = async () => {}) {
  const started = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => {});
  let stops = 0;
  const start: typeof startServer = async () => {
    started.resolve();
    return {
      address: { host: '127.0.0.1', port: 8090 },
      finished: finished.promise,
      async stop() {
        stops++;
        await stopping();
      },
    };
  };
  return { start, started: started.promise, finished, stops: () => stops };
}

describe('a signal', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR2'] as const) {
    test(`${signal} stops the server, and the exit code is 0`, async () => {
      const world = testWorld();
      const server = idleServer();
      const code = serve('serve', QUIET, world, server.start);
      await server.started;
      world.signal(signal);
      assert.equal(await code, 0);
      assert.equal(server.stops(), 1);
      assert.deepEqual(world.exits, []);
      assert.equal(world.listeners(), 0, 'nothing is left behind');
    });
  }

  test('SIGHUP stops carillon dev, whose terminal was closed', async () => {
    const world = testWorld();
    const server = idleServer();
    const code = serve('dev', QUIET, world, server.start);
    await server.started;
    world.signal('SIGHUP');
    assert.equal(await code, 0);
    assert.equal(server.stops(), 1);
  });

  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
    test(`${signal} does not stop carillon serve`, async () => {
      const world = testWorld();
      const server = idleServer();
      const code = serve('serve', QUIET, world, server.start);
      await server.started;
      world.signal(signal);
      assert.equal(server.stops(), 0);
      world.signal('SIGTERM');
      assert.equal(await code, 0);
    });
  }

  for (const env of [
    { npm_lifecycle_event: 'start', npm_package_name: 'carillon' },
    { npm_lifecycle_event: 'npx' },
  ]) {
    test(`that ends npm, which started the server (${env.npm_lifecycle_event}), stops it too`, async () => {
      const world = testWorld({ env });
      const server = idleServer();
      const code = serve('dev', QUIET, world, server.start);
      await server.started;
      world.orphan();
      assert.equal(await code, 0);
      assert.deepEqual([server.stops(), world.listeners()], [1, 0]);
    });
  }

  for (const env of [{}, { npm_lifecycle_event: 'start', npm_package_name: 'shop' }]) {
    test(`that ends another process which started it does not (${JSON.stringify(env)})`, async () => {
      const world = testWorld({ env });
      const server = idleServer();
      const code = serve('serve', QUIET, world, server.start);
      await server.started;
      world.orphan();
      assert.equal(server.stops(), 0);
      world.signal('SIGTERM');
      assert.equal(await code, 0);
    });
  }

  test('that comes while the server starts stops it once it has', async () => {
    const world = testWorld();
    const server = idleServer();
    const code = serve('serve', QUIET, world, async (config, deps) => {
      world.signal('SIGTERM');
      return server.start(config, deps);
    });
    assert.equal(await code, 0);
    assert.equal(server.stops(), 1);
  });

  for (const [second, exit] of [
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGUSR2', 140],
    ['SIGTERM', 143],
  ] as const) {
    test(`${second} after another ends the process at once with ${exit}`, async () => {
      const world = testWorld();
      const stopping = Promise.withResolvers<void>();
      const server = idleServer(() => stopping.promise);
      const code = serve('serve', QUIET, world, server.start);
      await server.started;
      world.signal('SIGTERM');
      assert.deepEqual(world.exits, []);
      world.signal(second);
      assert.equal(await world.exited, exit);
      stopping.resolve();
      await code;
    });
  }
});

describe('failing', () => {
  test('to start is one line on stderr and exit code 1', async () => {
    const world = testWorld();
    const code = await serve('serve', QUIET, world, async () => {
      throw new DomainError(
        'ADDRESS_UNUSABLE',
        '127.0.0.1:8090 is already in use; choose another with --listen',
      );
    });
    assert.equal(code, 1);
    assert.deepEqual(world.printed, {
      out: '',
      err: 'carillon: 127.0.0.1:8090 is already in use; choose another with --listen\n',
    });
    assert.equal(world.listeners(), 0);
  });

  test('while running stops what is left and is exit code 1', async () => {
    const world = testWorld();
    const server = idleServer();
    const code = serve('serve', QUIET, world, server.start);
    await server.started;
    server.finished.reject(new Error('the database has stopped'));
    assert.equal(await code, 1);
    assert.equal(server.stops(), 1);
  });

  test('to stop is exit code 1', async () => {
    const world = testWorld();
    const server = idleServer(() => Promise.reject(new Error('the disk is full')));
    const code = serve('serve', QUIET, world, server.start);
    await server.started;
    world.signal('SIGTERM');
    assert.equal(await code, 1);
  });

  test('to catch an error ends the process at once with 1', async () => {
    const world = testWorld();
    const server = idleServer();
    const code = serve('serve', QUIET, world, server.start);
    await server.started;
    world.crash(new TypeError('x is not a function'));
    assert.equal(await world.exited, 1);
    world.signal('SIGTERM');
    await code;
  });
});

describe('settings', () => {
  test('come from flags, the environment and the file', async () => {
    const world = testWorld({
      env: { CARILLON_DB: 'env.db' },
      readFile: async () => 'in_flight_max = 7',
    });
    const server = idleServer();
    let seen: unknown;
    const code = serve('serve', [...QUIET, '--every-min', '2s'], world, async (config, deps) => {
      seen = [config.db, config.inFlightMax, config.everyMinMs];
      return server.start(config, deps);
    });
    await server.started;
    world.signal('SIGTERM');
    await code;
    assert.deepEqual(seen, ['env.db', 7, 2000]);
  });

  test('that are wrong start nothing', async () => {
    const world = testWorld({ env: { CARILLON_DBB: 'x' } });
    const code = await serve('serve', QUIET, world, () => assert.fail('it was started'));
    assert.equal(code, 2);
    assert.match(world.printed.err, /^carillon: "CARILLON_DBB" in the environment is not a setting.*\n$/);
  });
});

describe('what is printed', () => {
  async function printed(command: 'dev' | 'serve'): Promise<string> {
    const world = testWorld();
    const server = idleServer();
    const code = serve(command, QUIET, world, server.start);
    await server.started;
    await new Promise((resolve) => setImmediate(resolve));
    world.signal('SIGTERM');
    await code;
    return world.printed.out;
  }

  test('is a banner in dev', async () =>
    assert.match(await printed('dev'), /API {4}http:\/\/127\.0\.0\.1:8090\n/));

  test('is nothing but the log in serve', async () => assert.equal(await printed('serve'), ''));
});
