import { describe, it } from 'node:test';
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { Call, Json } from '../support/call.ts';
import { methodOf, refusalOf } from './method.ts';
import { assertVisit, GRPC_PORTS, openWorld, visit } from './visit.ts';

describe('a grpc-js client', () => {
  for (const [port, address] of GRPC_PORTS) {
    it(`makes the whole visit on ${port}`, async () => {
      await using world = await openWorld();
      const client = new Client(world[address], credentials.createInsecure());
      try {
        assertVisit(await visit(grpcCall(client), world, 'grpc-js'), world, 'grpc-js');
      } finally {
        client.close();
      }
    });
  }
});

function grpcCall(client: Client): Call {
  return (rpc, request) => {
    const method = methodOf(rpc);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (json: Json) => Buffer.from(toBinary(method.input, fromJson(method.input, json as JsonValue))),
        (bytes) => toJson(method.output, fromBinary(method.output, bytes)) as Json,
        request,
        (error, answer) => (error === null ? resolve(answer!) : reject(refusal(error))),
      );
    });
  };
}

/** grpc-js leaves the details as they came (google.rpc.Status in `grpc-status-details-bin`). */
function refusal({ code, details, metadata }: ServiceError): Error {
  const headers = new Headers({ 'grpc-status': String(code), 'grpc-message': encodeURIComponent(details) });
  const [status] = metadata.get('grpc-status-details-bin');
  if (status !== undefined) headers.set('grpc-status-details-bin', Buffer.from(status).toString('base64'));
  return refusalOf(findTrailerError(headers)!);
}
