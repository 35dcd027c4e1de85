import { after, before, describe, it } from 'node:test';
import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { ConnectError, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import type { Call, Json } from '../support/call.ts';
import { methodOf, refusalOf } from './method.ts';
import { assertVisit, openWorld, visit, type World } from './visit.ts';

type Connect = (baseUrl: string) => Transport;

const WAYS: readonly (readonly [string, Connect])[] = [
  ['gRPC-Web over HTTP/1.1', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ['gRPC-Web over HTTP/2', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '2' })],
  ['gRPC over HTTP/2', (baseUrl) => createGrpcTransport({ baseUrl })],
  ['Connect over HTTP/1.1', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
  [
    'Connect over HTTP/2, reads by GET',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '2', useHttpGet: true }),
  ],
];

describe('a Connect-ES client', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [i, [way, connect]] of WAYS.entries()) {
    it(`makes the whole visit by ${way}`, async () => {
      const name = `connect-es-${i}`;
      assertVisit(await visit(transportCall(connect(world.carillon.url)), world, name), world, name);
    });
  }
});

function transportCall(transport: Transport): Call {
  return async (rpc, request) => {
    const method = methodOf(rpc);
    try {
      const message = fromJson(method.input, request as JsonValue);
      const answer = await transport.unary(method, undefined, undefined, undefined, message);
      return toJson(method.output, answer.message) as Json;
    } catch (error) {
      throw error instanceof ConnectError ? refusalOf(error) : error;
    }
  };
}
