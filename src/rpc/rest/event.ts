import { EventSchema, EventService } from '../../../gen/carillon/v1/event_pb.ts';
import type { Face, FaceGroup } from './route.ts';

const PATH = '/events';

const PUBLISH: Face = {
  method: EventService.method.publish,
  query: [
    { name: 'deliver_at', kind: 'string' },
    { name: 'delay', kind: 'string' },
  ],
  body: { field: 'event', message: EventSchema },
  present({ id = '', deliveryCount = 0, duplicate = false }, { call }) {
    const location = `${PATH}/${String(id)}`;
    return { status: call.created ? 201 : 200, body: { id, deliveryCount, duplicate }, location };
  },
};
const LIST: Face = {
  method: EventService.method.listEvents,
  query: [
    { name: 'namespace', kind: 'string' },
    { name: 'page_size', kind: 'integer' },
    { name: 'page_token', kind: 'string' },
    { name: 'type', kind: 'string' },
    { name: 'start_time', kind: 'string' },
    { name: 'end_time', kind: 'string' },
  ],
};
const GET: Face = {
  method: EventService.method.getEvent,
  query: [{ name: 'namespace', kind: 'string' }],
  present: (response) => ({ status: 200, body: response.event ?? {} }),
};

export const EVENT_FACES: FaceGroup = {
  path: PATH,
  noun: 'an event',
  onAll: { GET: LIST, POST: PUBLISH },
  onOne: { GET },
};
