import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Call, type Json, Refusal } from '../support/call.ts';
import { output, run, TOOLS } from './tool.ts';
import { assertVisit, GRPC_PORTS, openWorld, visit, type World } from './visit.ts';

interface StatusJson {
  readonly code: number;
  readonly message: string;
  readonly details?: readonly { readonly '@type': string; readonly fieldViolations?: { field: string }[] }[];
}

describe('grpcurl, which knows only what reflection tells it', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  it('lists the services and their methods', async () => {
    assert.deepEqual(lines(await output(TOOLS.grpcurl, ['-plaintext', world.address, 'list'])), [
      'carillon.v1.AdminService',
      'carillon.v1.DeliveryService',
      'carillon.v1.EventService',
      'carillon.v1.WebhookService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
    const methods = lines(
      await output(TOOLS.grpcurl, ['-plaintext', world.address, 'list', 'carillon.v1.WebhookService']),
    );
    assert.ok(methods.includes('carillon.v1.WebhookService.Register'));
  });

  it('describes services, messages and rules', async () => {
    const describe = (symbol: string) =>
      output(TOOLS.grpcurl, ['-plaintext', world.address, 'describe', symbol]);
    assert.match(
      await describe('carillon.v1.WebhookService'),
      /rpc Register \( \.carillon\.v1\.RegisterRequest \) returns \( \.carillon\.v1\.RegisterResponse \) \{\n\s*option idempotency_level = IDEMPOTENT;\n\s*option \(\.google\.api\.http\)/,
    );
    assert.match(await describe('carillon.v1.Webhook'), /string destination = 4 \[[^;]*buf\.validate\.field/);
    assert.match(await describe('carillon.v1.Webhook.State'), /STATE_PAUSED = 2;/);
  });

  for (const [port, address] of GRPC_PORTS) {
    it(`makes the whole visit on ${port}`, async () => {
      assertVisit(await visit(grpcurlCall(world[address]), world, 'grpcurl'), world, 'grpcurl');
    });
  }

  it('asks for health', async () => {
    const args = ['-plaintext', world.address, 'grpc.health.v1.Health/Check'];
    assert.deepEqual(JSON.parse(await output(TOOLS.grpcurl, args)), { status: 'SERVING' });
  });
});

function grpcurlCall(address: string): Call {
  return async (rpc, { updateMask, ...rest }) => {
    // grpcurl takes a field mask as the message it is, and not as the string that ProtoJSON makes of it.
    const mask = updateMask === undefined ? {} : { updateMask: { paths: String(updateMask).split(',') } };
    const request = { ...rest, ...mask };
    const args = [
      '-plaintext',
      '-format-error',
      '-d',
      JSON.stringify(request),
      address,
      `carillon.v1.${rpc}`,
    ];
    const { code, stdout, stderr } = await run(TOOLS.grpcurl, args);
    if (code === 0) return JSON.parse(stdout) as Json;
    const { code: number, message, details = [] } = JSON.parse(stderr) as StatusJson;
    const fields = details.flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field }) => field));
    throw new Refusal(number, message, fields);
  };
}

function lines(text: string): string[] {
  return text.trim().split('\n');
}
