import { WebhookSchema, WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Face, FaceGroup } from './route.ts';

const PATH = '/webhooks';

const REGISTER: Face = {
  method: WebhookService.method.register,
  query: [{ name: 'validate_only', kind: 'boolean' }],
  body: { field: 'webhook', message: WebhookSchema },
  present(response, { call }) {
    const { id = '' } = response.webhook as { id?: string };
    const location = id === '' ? {} : { location: `${PATH}/${id}` };
    return { status: call.created && id !== '' ? 201 : 200, body: response, ...location };
  },
};
const LIST: Face = {
  method: WebhookService.method.list,
  query: [
    { name: 'namespace', kind: 'string' },
    { name: 'page_size', kind: 'integer' },
    { name: 'page_token', kind: 'string' },
    { name: 'name', kind: 'string' },
    { name: 'state', kind: 'enum', prefix: 'STATE_' },
    { name: 'labels', kind: 'map' },
  ],
};
const GET: Face = {
  method: WebhookService.method.get,
  query: [{ name: 'namespace', kind: 'string' }],
  present: (response) => ({ status: 200, body: response.webhook ?? {} }),
};
const REMOVE: Face = {
  method: WebhookService.method.remove,
  query: [
    { name: 'namespace', kind: 'string' },
    { name: 'etag', kind: 'string' },
  ],
};

export const WEBHOOK_FACES: FaceGroup = {
  path: PATH,
  noun: 'a webhook',
  onAll: { GET: LIST, POST: REGISTER },
  onOne: { GET, DELETE: REMOVE },
};
