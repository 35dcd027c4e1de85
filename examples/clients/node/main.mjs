import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { EventService, ResourceInfoSchema, WebhookService } from 'carillon';

const transport = createConnectTransport({ baseUrl: 'http://127.0.0.1:8090', httpVersion: '1.1' });
const webhooks = createClient(WebhookService, transport);
const events = createClient(EventService, transport);

const { webhook, secret } = await webhooks.register({
  webhook: {
    id: 'shop',
    name: 'shop',
    destination: 'http://127.0.0.1:8090/inbox/shop',
    eventTypes: ['order.*'],
  },
});
console.log('registered', webhook.id, secret);
console.log('listed', (await webhooks.list({})).webhooks[0].id);

const json = { kind: { case: 'structValue', value: { order: 1001, total: 42 } } };
const event = { id: 'order-1001', type: 'order.paid', data: { case: 'json', value: json } };
const published = await events.publish({ event });
console.log('published', published.id, published.deliveryCount);

try {
  await webhooks.get({ id: 'nothing' });
} catch (error) {
  for (const resource of ConnectError.from(error).findDetails(ResourceInfoSchema))
    console.log(Code[error.code], resource.resourceType, resource.resourceName);
}

console.log('removed', (await webhooks.remove({ id: 'shop' })).ids[0]);
