import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { grpcRefusal, startGrpc } from '../../support/grpc.ts';
import { startApi } from '../../support/rpc.ts';

/** Not a namespace of this server, which the guard knows and the handlers do not ask. */
const namespace = 'acme';

describe('A message on native gRPC is judged by the guard', () => {
  it('when it is the only one of its call', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const error = await grpcRefusal(port.client.unary(WebhookService.method.list, { namespace }));
    assert.deepEqual([error.code, error.details], [Code.NotFound, 'there is no namespace acme']);
  });

  it('when its call is answered with many', async () => {
    await using api = await startApi();
    await using port = await startGrpc(api.api.services);
    const watch = port.client.serverStream(DeliveryService.method.watchDeliveries, { namespace });
    const error = await grpcRefusal(watch.toArray());
    assert.deepEqual([error.code, error.details], [Code.NotFound, 'there is no namespace acme']);
  });
});
