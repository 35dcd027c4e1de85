import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AdminService } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { readDocument } from '../support/docs.ts';

it('the README names every method of the API, and no others', () => {
  const rows = readDocument('README.md').matchAll(/^\| `([\w.]*(?:Service|Health))` \| (.*) \|$/gm);
  const told = [...rows].map(([, service, methods]) => [service, methods!.match(/\w+/g)!.toSorted()]);
  const mounted = [WebhookService, EventService, DeliveryService, AdminService].map(({ name, methods }) => [
    name,
    methods.map((method) => method.name).toSorted(),
  ]);
  const health = [Health.typeName, Health.methods.map(({ name }) => name).toSorted()];
  assert.deepEqual(told, [...mounted, health]);
});
