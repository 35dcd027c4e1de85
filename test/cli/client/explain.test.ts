import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runCli } from '../../support/cli.ts';
import { startEcho } from '../../support/grpc.ts';

it('the command line knows the port of native gRPC, and says which it needs', async () => {
  await using grpc = await startEcho();
  const { port } = grpc.address;
  const { code, err } = await runCli(`127.0.0.1:${port}`, ['webhooks', 'list']);
  assert.equal(code, 1);
  assert.equal(
    err,
    `carillon: what answers at http://127.0.0.1:${port} speaks native gRPC only; give the address of the API, such as http://127.0.0.1:8090\n`,
  );
});
