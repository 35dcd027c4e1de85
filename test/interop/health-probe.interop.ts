import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run, TOOLS } from './tool.ts';
import { openWorld } from './visit.ts';

describe('grpc_health_probe', () => {
  it('finds the server and each service serving, and nothing else', async () => {
    await using world = await openWorld();
    const probe = (...args: string[]) => run(TOOLS.healthProbe, [`-addr=${world.address}`, ...args]);
    const services = ['WebhookService', 'EventService', 'DeliveryService'];
    const named = ['livez', 'readyz', ...services.map((service) => `carillon.v1.${service}`)];
    for (const args of [[], ...named.map((service) => [`-service=${service}`])]) {
      const { code, stdout, stderr } = await probe(...args);
      assert.equal(code, 0, stderr);
      assert.match(stdout + stderr, /status: SERVING/);
    }
    assert.equal((await probe('-service=carillon.v1.NoSuchService')).code, 3, 'an RPC that failed');
    await world.carillon.stop('SIGTERM');
    assert.equal((await probe()).code, 2, 'no connection');
  });
});
