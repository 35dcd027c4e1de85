import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startEcho } from '../../support/grpc.ts';

test('a connection to the gRPC port beyond the bound is closed at once, before it says anything', async () => {
  await using port = await startEcho({}, { settings: { connectionsMax: 1 } });
  const { host, port: number } = port.address;
  const first = connect(number, host);
  await once(first, 'connect');
  const second = connect(number, host);
  second.resume();
  const closed = once(second, 'close').then(() => 'closed');
  // One that says nothing is dropped too, but only after ten seconds.
  const late = new Promise((resolve) => setTimeout(resolve, 3_000, 'open').unref());
  assert.equal(await Promise.race([closed, late]), 'closed');
  assert.equal(first.destroyed, false);
  first.destroy();
  second.destroy();
});
