import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { Delivery_State, DeliverySchema } from '../../../../gen/carillon/v1/delivery_pb.ts';
import { CLIENT_COMMANDS } from '../../../../src/cli/client/all-commands.ts';
import type { Connection } from '../../../../src/cli/client/connect.ts';
import { parse } from '../../../../src/cli/client/parse.ts';
import { trafficOf } from '../../../../src/cli/client/webhook/traffic.ts';
import { testWorld } from '../../../support/world.ts';

const GET = CLIENT_COMMANDS.webhooks.find(({ verb }) => verb === 'get')!;

it('how it goes with a webhook is asked for in its namespace, and says what was not counted', async () => {
  const namespaces: string[] = [];
  const answering = (answer: object) => async (request: { namespace: string }) => {
    namespaces.push(request.namespace);
    return answer;
  };
  const delivery = create(DeliverySchema, { id: 'msg_1', state: Delivery_State.PENDING });
  const deliveries = {
    listDeliveries: answering({ deliveries: [delivery] }),
    cancelDeliveries: answering({ count: 10_000, nextPageToken: 'more' }),
  };
  const connection = { deliveries } as unknown as Connection;
  const invocation = parse('webhooks', GET, ['joe', '--namespace', 'other']);
  const traffic = await trafficOf({ connection, invocation, world: testWorld() }, { uid: 'wh_1' });
  assert.match(traffic.lastAnswer, /^none \(msg_1, created .*PENDING\)$/);
  assert.equal(traffic.waiting, 'at least 10000 deliveries');
  assert.deepEqual(namespaces, ['other', 'other']);
});

it('what one call does not tell is said in its place, and the other answers all the same', async () => {
  const refusing = async (): Promise<never> => {
    throw new ConnectError('the database cannot be written: the disk is full', Code.Unavailable);
  };
  const invocation = parse('webhooks', GET, ['joe']);
  const ask = (deliveries: object) => {
    const connection = { deliveries } as unknown as Connection;
    return trafficOf({ connection, invocation, world: testWorld() }, { uid: 'wh_1' });
  };
  const counting = async () => ({ count: 2, nextPageToken: '' });
  const listing = async () => ({ deliveries: [] });
  const notKnown = 'not known: the database cannot be written: the disk is full';
  assert.deepEqual(await ask({ listDeliveries: listing, cancelDeliveries: refusing }), {
    lastAnswer: '',
    waiting: notKnown,
  });
  assert.deepEqual(await ask({ listDeliveries: refusing, cancelDeliveries: counting }), {
    lastAnswer: notKnown,
    waiting: '2 deliveries',
  });
});
