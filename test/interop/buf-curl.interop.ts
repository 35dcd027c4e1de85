import { after, before, describe, it } from 'node:test';
import { type Call, type ConnectErrorJson, type Json, refusalOf } from '../support/call.ts';
import { ROOT, run, TOOLS } from './tool.ts';
import { assertVisit, openWorld, visit, type World } from './visit.ts';

const WAYS = [
  ['gRPC over HTTP/2', ['--protocol', 'grpc', '--http2-prior-knowledge']],
  [
    'gRPC with reflection v1alpha',
    ['--protocol', 'grpc', '--http2-prior-knowledge', '--reflect-protocol', 'grpc-v1alpha'],
  ],
  ['gRPC-Web over HTTP/1.1', ['--protocol', 'grpcweb']],
  ['Connect over HTTP/2', ['--protocol', 'connect', '--http2-prior-knowledge']],
  ['Connect over HTTP/1.1, as it is without a flag', []],
  ['Connect over HTTP/1.1 with the proto files instead of reflection', ['--schema', '.']],
] as const;

describe('buf curl', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [i, [way, flags]] of WAYS.entries()) {
    it(`makes the whole visit by ${way}`, async () => {
      const name = `buf-${i}`;
      assertVisit(await visit(bufCall(world.carillon.url, flags), world, name), world, name);
    });
  }
});

function bufCall(url: string, flags: readonly string[]): Call {
  return async (rpc, request) => {
    const args = ['curl', ...flags, '--data', JSON.stringify(request), `${url}/carillon.v1.${rpc}`];
    const { code, stdout, stderr } = await run(TOOLS.buf, args, { cwd: ROOT });
    if (code === 0) return JSON.parse(stdout) as Json;
    throw refusalOf(JSON.parse(stderr) as ConnectErrorJson);
  };
}
